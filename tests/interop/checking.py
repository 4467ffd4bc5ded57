"""Pairs of checkpoints for which TensorFlow itself says whether a restore fits: what the check tests share."""
import subprocess

import support
from support import scratch

import tensorflow as tf

tf.get_logger().setLevel('ERROR')


def verdict(path, wanted, *options):
    """Returns tenon's answer, yes or no; any other end is a failure."""
    command = [support.PROGRAM, 'check', str(path), '--against', str(wanted), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or (done.returncode == 1 and done.stderr.startswith('tenon: error')):
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done.returncode == 0


def holds(assertion):
    """Tells whether one of the status object's assertions passes."""
    try:
        assertion()
        return True
    except AssertionError:
        return False


def put(checkpoint, prefix, how):
    """Writes a checkpoint by `save`, which counts, or by `write`, which does not."""
    return checkpoint.save(str(prefix)) if how == 'save' else checkpoint.write(str(prefix))


def restored(live, path, how):
    """Restores a file into the live program and gives TensorFlow's verdict by mode. An error is a no in all of them."""
    try:
        status = getattr(live, how)(path)
    except Exception:  # what TensorFlow raises here is of many kinds
        return dict.fromkeys(('consumed', 'existing', 'nontrivial'), False)
    status.expect_partial()
    return {'nontrivial': holds(status.assert_nontrivial_match),
            'existing': holds(status.assert_existing_objects_matched),
            'consumed': holds(status.assert_consumed)}


SEEN = []  # the verdicts of TensorFlow, so that a test can tell that all kinds came up


def judge(make_file, make_program, file='save', program='save'):
    """Demands TensorFlow's verdicts for a file that one function makes and a program that the other makes.

    A program whose own checkpoint has no save_counter reads files without one by `read`, others by `restore`.
    """
    with scratch() as folder:
        path = put(make_file(), folder / 'file', file)
        live = make_program()
        wanted = put(live, folder / 'program', program)
        ours = {mode: verdict(path, wanted, '--mode', mode) for mode in ('nontrivial', 'existing', 'consumed')}
        theirs = restored(live, path, 'read' if file == program == 'write' else 'restore')
        SEEN.append(tuple(theirs.values()))
        assert ours == theirs, f'tenon says {ours}, TensorFlow {theirs}'


def judge_exception(make_file, make_program, mode, **how):
    """Demands that tenon says no where TensorFlow silently leaves a wanted value as it was."""
    with scratch() as folder:
        path = put(make_file(), folder / 'file', how.get('file', 'save'))
        live = make_program()
        wanted = put(live, folder / 'program', how.get('program', 'save'))
        assert not verdict(path, wanted, '--mode', mode)
        assert restored(live, path, 'restore')[mode], 'TensorFlow says no as well: this is no exception'


def variable(*shape, dtype=tf.float32, value=0):
    return tf.Variable(tf.cast(tf.fill(shape, value), dtype))


def module(**children):
    """Makes an object with these attributes."""
    made = tf.Module()
    for name, child in children.items():
        setattr(made, name, child)
    return made


def checkpoint(*root, **children):
    return tf.train.Checkpoint(*root, **children)
