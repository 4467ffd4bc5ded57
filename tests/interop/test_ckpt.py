"""TensorFlow reads the state files that tenon wrote, and finds the checkpoints that they name; pruning does what a
CheckpointManager and a Saver do."""
import contextlib
import json
import os
import pathlib
import random
import shutil
from unittest import mock

import support
from support import convert, scratch, tenon

import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.checkpoint import checkpoint_management
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


@contextlib.contextmanager
def clock(seconds):
    """Lets TensorFlow's managers read this time."""
    with mock.patch.object(checkpoint_management.time, 'time', lambda: seconds):
        yield


def content(folder):
    """Gives all files of a folder with their bytes; the state file as text."""
    return {path.name: path.read_text() if path.name == 'checkpoint' else path.read_bytes()
            for path in sorted(folder.iterdir())}


def save_at(folder, times, **options):
    """Saves at these times, after the manager was made a second before the first."""
    step = tf.Variable(0, dtype=tf.int64)
    with clock(times[0] - 1):
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), str(folder), **options)
    for time in times:
        step.assign_add(1)
        with clock(time):
            manager.save()
    return manager


def prune(folder, keep, every, *more):
    text = () if every is None else ('--keep-every', every)
    return tenon('ckpt', 'prune', folder, '--keep', keep, *text, *more)


SETTINGS = [(1, None, None), (3, None, None), (2, '4h', 4), (3, '90m', 1.5), (1, '1.5h', 1.5), (5, '0.5d', 12),
            (20, '1h', 1), (2, '1s', 1 / 3600)]


def test_prune_later_is_as_if_kept_so_all_along():
    """Who keeps all and prunes later has the files and the state file of a manager with these settings all along."""
    chance = random.Random(10)
    for keep, text, hours in SETTINGS:
        times = [1700000000.0]
        while len(times) < 9:
            times.append(times[-1] + chance.choice([0.25, 600.5, 3600.0, 5400.0, 14400.0, 50000.125]))
        with scratch() as folder:
            (folder / 'all').mkdir()
            (folder / 'few').mkdir()
            save_at(folder / 'few', times, max_to_keep=keep, keep_checkpoint_every_n_hours=hours)
            save_at(folder / 'all', times, max_to_keep=None)
            before = content(folder / 'all')
            plan = json.loads(prune(folder / 'all', keep, text, '-n', '--json'))
            assert content(folder / 'all') == before
            prune(folder / 'all', keep, text)
            assert content(folder / 'all') == content(folder / 'few'), (keep, text, times)
            is_as_tensorflow_writes(folder / 'all')
            gone = {file for step in plan['changes'] if step['action'] == 'delete' for file in step['files']}
            assert gone == before.keys() - content(folder / 'few').keys()


def test_prune_is_what_a_manager_does():
    """Pruning a folder of any history does what a manager does that is made there and sweeps: entries that are named
    twice, not newer than what was kept for good, without files, or of a folder that was moved."""
    chance = random.Random(2010)
    for _ in range(40):
        keep, text, hours = chance.choice(SETTINGS)
        with scratch() as folder:
            (folder / 'a').mkdir()
            names = [f'ckpt-{n}' for n in range(1, 8)]
            prefix = tf.train.Checkpoint(x=tf.Variable(1.0)).write(f'{folder}/made')
            for name in names:
                if name == names[-1] or chance.random() < 0.9:
                    for suffix in ('.index', '.data-00000-of-00001'):
                        shutil.copy(prefix + suffix, folder / 'a' / (name + suffix))
            listed = [name for name in names[:-1] if chance.random() < 0.9]
            if chance.random() < 0.3 and listed:
                listed.insert(chance.randrange(len(listed) + 1), chance.choice(listed))
            listed.append(names[-1])
            times = sorted(1700000000 + chance.choice([0.0, 3600.0, 7200.5, 20000.0, 90000.0]) for _ in listed[1:])
            times.append(1700100000.0)
            state = checkpoint_state_pb2.CheckpointState(
                model_checkpoint_path=names[-1], all_model_checkpoint_paths=listed,
                all_model_checkpoint_timestamps=times,
                last_preserved_timestamp=chance.choice([0.0, 1699990000.5, 1700000000.0, 1700003600.0]))
            (folder / 'a' / 'checkpoint').write_text(text_format.MessageToString(state))
            shutil.copytree(folder / 'a', folder / 'b')
            with clock(1700200000.0):
                manager = tf.train.CheckpointManager(tf.train.Checkpoint(), str(folder / 'b'), max_to_keep=keep,
                                                     keep_checkpoint_every_n_hours=hours)
                manager._sweep()
                manager._record_state()
            prune(folder / 'a', keep, text)
            # A file of which there is no index is a manager's to delete: tenon does not know it.
            assert content(folder / 'a') == content(folder / 'b'), (keep, text, state)


def test_prune_what_a_saver_saved():
    """Without times the order counts, and a .meta goes with its checkpoint, as with a Saver that keeps as many."""
    tf1 = tf.compat.v1
    with scratch() as folder:
        for name, keep in (('all', 9), ('few', 2)):
            (folder / name).mkdir()
            with tf1.Graph().as_default():
                step = tf1.train.create_global_step()
                saver = tf1.train.Saver(max_to_keep=keep, save_relative_paths=True)
                with tf1.Session() as session:
                    session.run(tf1.global_variables_initializer())
                    for number in (3, 20, 100, 7, 5):
                        saver.save(session, f'{folder}/{name}/m', global_step=number)
        tenon('ckpt', 'prune', folder / 'all', '--keep', 2, '--keep-every', '1h', code=2)
        prune(folder / 'all', 2, None)
        assert content(folder / 'all').keys() == content(folder / 'few').keys()
        assert (folder / 'all' / 'checkpoint').read_text() == (folder / 'few' / 'checkpoint').read_text()


def test_rename_and_rm():
    """TensorFlow finds and restores what was renamed, a manager goes on with it, and rm gives way to the one before."""
    with scratch() as folder:
        manager, step = saved(folder, 3)
        before = is_as_tensorflow_writes(folder)
        tenon('ckpt', 'rename', folder, 'ckpt-3', 'best')
        message = is_as_tensorflow_writes(folder)
        assert list(message.all_model_checkpoint_paths) == ['ckpt-1', 'ckpt-2', 'best']
        assert message.all_model_checkpoint_timestamps == before.all_model_checkpoint_timestamps
        assert message.last_preserved_timestamp == before.last_preserved_timestamp
        assert tf.train.latest_checkpoint(str(folder)) == f'{folder}/best'
        checkpoint = tf.train.Checkpoint(step=step)
        step.assign(0)
        checkpoint.restore(f'{folder}/best').assert_consumed()
        assert step.numpy() == 3
        assert json.loads(tenon('ckpt', 'ls', '--json', folder))['checkpoints'][-1]['step'] == 3
        manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=3)
        assert [pathlib.Path(path).name for path in manager.checkpoints] == ['ckpt-1', 'ckpt-2', 'best']
        tenon('ckpt', 'rm', folder, 'best')
        is_as_tensorflow_writes(folder)
        assert tf.train.latest_checkpoint(str(folder)) == f'{folder}/ckpt-2'
        tenon('ckpt', 'rm', folder, 'ckpt-2', 'ckpt-1')
        assert not list(folder.iterdir())
        assert tf.train.latest_checkpoint(str(folder)) is None


if __name__ == '__main__':
    support.main(globals())
