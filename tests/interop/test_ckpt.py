"""TensorFlow reads the state files that tenon wrote, and finds the checkpoints that they name."""
import json
import os
import pathlib
import shutil

import support
from support import convert, scratch, tenon

import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.training import checkpoint_state_pb2

tf.get_logger().setLevel('ERROR')
NAMES = ['ckpt-1', 'two words-2', 'quote"s\'-3', 'back\\slash-4', 'tab\t-5', 'grün-6', '\x01\x7f-7', 'line\nbreak-8']


def is_as_tensorflow_writes(folder):
    """Demands that the state file is, byte for byte, what protobuf makes of it; returns the message."""
    text = (folder / 'checkpoint').read_text()
    message = text_format.Parse(text, checkpoint_state_pb2.CheckpointState())
    assert text_format.MessageToString(message, as_utf8=True) == text, text
    return message


def saved(folder, count, **options):
    """Has a CheckpointManager save a few times; returns it and the step's variable."""
    step = tf.Variable(0, dtype=tf.int64)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), str(folder), max_to_keep=count, **options)
    for _ in range(count):
        step.assign_add(1)
        manager.save()
    return manager, step


def test_rebuilt_names():
    """A rebuilt state file names checkpoints of any name as TensorFlow writes them."""
    with scratch() as folder:
        prefix = tf.train.Checkpoint(x=tf.Variable(1.0)).write(f'{folder}/made')
        for number, name in enumerate(NAMES):
            for suffix in ('.index', '.data-00000-of-00001'):
                shutil.copy(prefix + suffix, folder / (name + suffix))
            os.utime(folder / (name + '.index'), (1700000000 + number, 1700000000.25 + number))
        for path in folder.glob('made*'):
            path.unlink()
        tenon('ckpt', 'recover', folder, '--update-state')
        message = is_as_tensorflow_writes(folder)
        assert list(message.all_model_checkpoint_paths) == NAMES
        assert list(message.all_model_checkpoint_timestamps) == [1700000000.25 + n for n in range(len(NAMES))]
        state = tf.train.get_checkpoint_state(str(folder))
        assert state.model_checkpoint_path == f'{folder}/{NAMES[-1]}'
        assert tf.train.latest_checkpoint(str(folder)) == f'{folder}/{NAMES[-1]}'


def test_manager_goes_on_after_update_state():
    """A manager takes over what `convert --update-state` added, keeps its times, and sweeps as it always does."""
    with scratch() as folder:
        manager, step = saved(folder, 3)
        before = tf.train.get_checkpoint_state(str(folder))
        convert(folder / 'ckpt-3', folder / 'ckpt-7', '--update-state')
        message = is_as_tensorflow_writes(folder)
        assert list(message.all_model_checkpoint_paths) == ['ckpt-1', 'ckpt-2', 'ckpt-3', 'ckpt-7']
        assert list(message.all_model_checkpoint_timestamps)[:3] == list(before.all_model_checkpoint_timestamps)
        assert message.all_model_checkpoint_timestamps[3] >= before.all_model_checkpoint_timestamps[2]
        assert message.last_preserved_timestamp == before.last_preserved_timestamp
        checkpoint = tf.train.Checkpoint(step=step)
        manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=3)
        assert manager.latest_checkpoint == f'{folder}/ckpt-7'
        assert [pathlib.Path(path).name for path in manager.checkpoints] == ['ckpt-1', 'ckpt-2', 'ckpt-3', 'ckpt-7']
        step.assign(0)
        checkpoint.restore(manager.latest_checkpoint).assert_consumed()
        assert step.numpy() == 3
        manager.save(checkpoint_number=8)
        assert [pathlib.Path(path).name for path in manager.checkpoints] == ['ckpt-3', 'ckpt-7', 'ckpt-8']
        assert not list(folder.glob('ckpt-1.*'))
        assert tenon('ckpt', 'latest', folder).decode() == f'{folder}/ckpt-8\n'


def test_manager_goes_on_after_recover():
    """A manager takes over a rebuilt state file."""
    with scratch() as folder:
        saved(folder, 3)
        (folder / 'checkpoint').unlink()
        assert tf.train.latest_checkpoint(str(folder)) is None
        tenon('ckpt', 'recover', folder, '--update-state')
        is_as_tensorflow_writes(folder)
        step = tf.Variable(0, dtype=tf.int64)
        checkpoint = tf.train.Checkpoint(step=step)
        manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)
        assert [pathlib.Path(path).name for path in manager.checkpoints] == ['ckpt-1', 'ckpt-2', 'ckpt-3']
        checkpoint.restore(manager.latest_checkpoint).assert_consumed()
        assert step.numpy() == 3
        manager.save()
        assert tf.train.latest_checkpoint(str(folder)) == f'{folder}/ckpt-4'


def test_moved_folder():
    """A Saver's absolute paths are stale in a moved folder: recovery makes them true for TensorFlow."""
    tf1 = tf.compat.v1
    with scratch() as folder:
        (folder / 'old').mkdir()
        with tf1.Graph().as_default():
            step = tf1.train.create_global_step()
            saver = tf1.train.Saver()
            with tf1.Session() as session:
                session.run(tf1.global_variables_initializer())
                for number in range(3):
                    saver.save(session, f'{folder}/old/model.ckpt', global_step=number, write_meta_graph=False)
        (folder / 'old').rename(folder / 'new')
        assert tf.train.latest_checkpoint(str(folder / 'new')) is None
        assert tenon('ckpt', 'latest', folder / 'new').decode() == f'{folder}/new/model.ckpt-2\n'
        tenon('ckpt', 'recover', folder / 'new')
        message = is_as_tensorflow_writes(folder / 'new')
        assert list(message.all_model_checkpoint_paths) == ['model.ckpt-0', 'model.ckpt-1', 'model.ckpt-2']
        assert not message.all_model_checkpoint_timestamps
        assert tf.train.latest_checkpoint(str(folder / 'new')) == f'{folder}/new/model.ckpt-2'


def test_classes():
    """What a manager keeps, what it preserved for good, and what it does not know."""
    with scratch() as folder:
        manager, step = saved(folder, 3, keep_checkpoint_every_n_hours=1e-9)
        for _ in range(2):
            step.assign_add(1)
            manager.save()
        manager.checkpoint.write(f'{folder}/aside')
        listed = json.loads(tenon('ckpt', 'ls', '--json', folder))
        found = {one['prefix']: one['class'] for one in listed['checkpoints']}
        live = [pathlib.Path(path).name for path in manager.checkpoints]
        assert listed['latest'] == 'ckpt-5'
        assert [name for name, kind in found.items() if kind == 'live'] == live
        assert found['aside'] == 'unlisted', found
        assert {name for name, kind in found.items() if kind == 'preserved'} == {'ckpt-1', 'ckpt-2'}, found


if __name__ == '__main__':
    support.main(globals())
