"""`check` against the real restore: for pairs of checkpoints, the verdict of each mode is what TensorFlow does.

A pair is what was saved and what the program is; both are made of small builders. The program's own checkpoint, written
by TensorFlow, is what the file is checked against; then TensorFlow restores the file into the program, and its
assertions are compared with tenon's exit codes.
"""
import itertools
import subprocess

import support
from support import scratch

import numpy as np
import tensorflow as tf
import tf_keras


def module(**children):
    """Makes a module with these children: arrays become variables, lists and dictionaries are kept."""
    made = tf.Module()
    for name, child in children.items():
        setattr(made, name, tracked(child))
    return made


def tracked(child):
    if isinstance(child, (list, tuple)):
        return [tracked(item) for item in child]
    if isinstance(child, dict):
        return {key: tracked(item) for key, item in child.items()}
    if isinstance(child, (tf.Module, tf.Variable)):
        return child
    return tf.Variable(child)


def f(*shape):
    return np.ones(shape, 'float32')


def shared():
    inner = module(w=f(2))
    return module(a=inner, b=inner)


PROGRAMS = {
    'plain': lambda: module(w=f(2, 3), b=f(3)),
    'renamed': lambda: module(kernel=f(2, 3), b=f(3)),
    'more': lambda: module(w=f(2, 3), b=f(3), extra=f(1)),
    'less': lambda: module(w=f(2, 3)),
    'other shape': lambda: module(w=f(3, 3), b=f(3)),
    'other dtype': lambda: module(w=f(2, 3).astype('float64'), b=f(3)),
    'nested': lambda: module(layer=module(w=f(2, 3), b=f(3))),
    'nested twice': lambda: module(net=module(layer=module(w=f(2, 3), b=f(3)))),
    'list of two': lambda: module(items=[f(1), f(2)]),
    'list of three': lambda: module(items=[f(1), f(2), f(3)]),
    'dictionary': lambda: module(items={'a': f(1), 'b': f(2)}),
    'shared': shared,
    'not shared': lambda: module(a=module(w=f(2)), b=module(w=f(2))),
    'nothing': lambda: module(),
    'empty child': lambda: module(layer=module()),
    'scalar': lambda: module(step=np.int64(3)),
}

# Which programs meet which files: each with itself, and the pairs that say something.
PAIRS = [(name, name) for name in PROGRAMS if name != 'nothing'] + [
    ('plain', 'renamed'), ('renamed', 'plain'), ('plain', 'more'), ('more', 'plain'), ('plain', 'less'), ('less', 'plain'),
    ('plain', 'other shape'), ('plain', 'other dtype'), ('plain', 'nested'), ('nested', 'plain'), ('nested', 'nested twice'),
    ('list of two', 'list of three'), ('list of three', 'list of two'), ('list of two', 'dictionary'),
    ('shared', 'not shared'), ('not shared', 'shared'), ('plain', 'nothing'), ('nested', 'empty child'),
    ('scalar', 'plain'), ('more', 'less'), ('less', 'more'), ('other shape', 'less'),
]


# TensorFlow is content where nothing is wanted; tenon never calls a restore of nothing a success.
NO_OVERLAP = {('empty child', 'empty child'), ('plain', 'nothing'), ('nested', 'empty child')}


def adam(make_optimizer, train, extra=()):
    """A Keras 2 model with an optimizer, trained or not, as a program's checkpoint."""
    def make():
        tf_keras.backend.clear_session()
        sizes = (2,) + tuple(extra)
        model = tf_keras.Sequential([tf_keras.layers.Dense(size, name=f'd{i}') for i, size in enumerate(sizes)])
        model.build((None, 3))
        optimizer = make_optimizer()
        if train:
            variables = model.trainable_variables
            optimizer.apply_gradients(zip([tf.ones_like(v) for v in variables], variables))
        return {'model': model, 'optimizer': optimizer}
    return make


def weights_alone():
    return {'model': adam(tf_keras.optimizers.legacy.Adam, False)()['model']}


LEGACY, NEW = tf_keras.optimizers.legacy.Adam, tf_keras.optimizers.Adam
TRAINED = {
    'legacy trained': adam(LEGACY, True),
    'legacy fresh': adam(LEGACY, False),
    'momentum trained': adam(lambda: tf_keras.optimizers.legacy.SGD(momentum=0.9), True),
    'new trained': adam(NEW, True),
    'two layers': adam(LEGACY, True, (1,)),
    'weights': weights_alone,
}
TRAINED_PAIRS = [pair for pair in itertools.product(TRAINED, TRAINED)
                 if pair not in (('weights', 'two layers'), ('momentum trained', 'two layers'), ('new trained', 'two layers'))]


def verdict(a, b, mode, loader='objects'):
    """Runs check and returns whether it fits; any exit code but 0 and 1 is a failure of its own."""
    done = subprocess.run([support.PROGRAM, '-q', 'check', str(a), '--against', str(b), '--mode', mode, '--loader', loader],
                          capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(done.stderr.decode())
    return done.returncode == 0


def passes(assertion):
    try:
        assertion()
        return True
    except AssertionError:
        return False


def real(checkpoint, prefix):
    """Restores, and says which assertions hold; a restore that raises holds none."""
    try:
        status = checkpoint.read(str(prefix))
    except ValueError:
        return {'consumed': False, 'existing': False, 'nontrivial': False}
    except tf.errors.InvalidArgumentError:
        return {'consumed': False, 'existing': False, 'nontrivial': False}
    return {'consumed': passes(status.assert_consumed), 'existing': passes(status.assert_existing_objects_matched),
            'nontrivial': passes(status.assert_nontrivial_match)}


def compare(saved, program, make_saved, make_program):
    """Checks one pair; returns the modes in which tenon and TensorFlow differ."""
    with scratch() as folder:
        tf.train.Checkpoint(**make_saved()).write(f'{folder}/a')
        live = make_program()
        tf.train.Checkpoint(**live).write(f'{folder}/b')
        ours = {mode: verdict(folder / 'a', folder / 'b', mode) for mode in ('consumed', 'existing', 'nontrivial')}
        theirs = real(tf.train.Checkpoint(**live), folder / 'a')
        if (saved, program) in NO_OVERLAP:
            theirs |= {'consumed': False, 'existing': False}
        return [f'{saved} into {program}, {mode}: tenon {ours[mode]}, TensorFlow {theirs[mode]}'
                for mode in ours if ours[mode] != theirs[mode]]


def test_modules():
    """Object graphs of modules: alike, renamed, nested deeper, longer and shorter, shared, of other shapes and dtypes."""
    wrong = []
    for saved, program in PAIRS:
        wrong += compare(saved, program, lambda name=saved: {'net': PROGRAMS[name]()},
                         lambda name=program: {'net': PROGRAMS[name]()})
    assert not wrong, '\n'.join(wrong)


def test_optimizers():
    """Models with optimizers: slots present, absent, of another optimizer, of another model."""
    wrong = []
    for saved, program in TRAINED_PAIRS:
        wrong += compare(saved, program, TRAINED[saved], TRAINED[program])
    assert not wrong, '\n'.join(wrong)


def test_enough_pairs():
    """At least forty pairs were tried."""
    assert len(PAIRS) + len(TRAINED_PAIRS) >= 40, (len(PAIRS), len(TRAINED_PAIRS))


def test_save_counter():
    """`restore` of a file without save_counter is not consumed, and check says so."""
    with scratch() as folder:
        tf.train.Checkpoint(net=PROGRAMS['plain']()).write(f'{folder}/a')
        live = tf.train.Checkpoint(net=PROGRAMS['plain']())
        live.save(f'{folder}/b')
        theirs = passes(live.restore(f'{folder}/a').assert_consumed)
        assert verdict(folder / 'a', folder / 'b-1', 'consumed') == theirs is False


if __name__ == '__main__':
    support.main(globals())
