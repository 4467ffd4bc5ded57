#!/usr/bin/env python3
"""Has Keras load what tenon wrote: test_keras.py PROGRAM, under Keras 2.15 or Keras 3

The models are those of fixtures/make/keras_h5.py. Each is made anew, with other values, loads what tenon made of its
fixture, and must then give the fixture's weights and predictions.
"""
import pathlib
import subprocess
import sys
import tempfile

FIXTURES = pathlib.Path(__file__).resolve().parent.parent.parent / 'fixtures'
sys.path.insert(0, str(FIXTURES / 'make'))
import keras_h5 as made  # noqa: E402  (sets the environment, imports Keras)

import keras  # noqa: E402
import numpy as np  # noqa: E402

ROOT = FIXTURES / 'keras_h5'
PAIRS = () if made.KERAS3 else (made.sequential, made.functional, made.nested, made.recurrent, made.shared)
WHOLE = (made.sequential, made.functional, made.nested, made.recurrent)
NUMBERED = (made.sequential, made.functional, made.nested, made.recurrent, made.subclassed)
KERAS3_ONLY = (made.attention, made.bfloat16) if made.KERAS3 else ()


def convert(program, *arguments):
    done = subprocess.run([program, 'convert', '-q', *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == '', done.stderr


def fresh(make):
    made.clear()
    return make()


def inputs_of(model):
    shape = (2,) + tuple(model.input_shape[1:]) if hasattr(model, 'input_shape') and model.inputs else (2, 3)
    return np.random.default_rng(7).standard_normal(shape).astype('float32')


def same(model, wanted):
    """Demands equal weights, bit by bit, and equal predictions."""
    for ours, theirs in zip(model.get_weights(), wanted.get_weights(), strict=True):
        assert ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()
    inputs = inputs_of(wanted)
    assert np.array_equal(np.asarray(model(inputs)), np.asarray(wanted(inputs)))


def loaded(make, path):
    model = fresh(make)
    model.load_weights(str(path))
    return model


def from_checkpoint(program, out, make):
    """A TensorFlow checkpoint becomes a legacy file that load_weights takes; so does the file of Keras itself."""
    folder = ROOT / f'{made.PREFIX}{make.__name__}'
    wanted = loaded(make, folder / 'model.h5')
    convert(program, folder / 'ckpt', out / 'ckpt.h5')
    same(loaded(make, out / 'ckpt.h5'), wanted)
    convert(program, folder / 'model.h5', out / 'copy.h5')
    same(loaded(make, out / 'copy.h5'), wanted)
    model = fresh(make)
    model.load_weights(str(out / 'copy.h5'), by_name=True)
    same(model, wanted)


def whole_model(program, out, make):
    """A whole model stays one, with its optimizer where Keras restores that; its checkpoint loads too."""
    folder = ROOT / f'{made.PREFIX}{make.__name__}-whole'
    wanted = keras.models.load_model(str(folder / 'model.h5'))
    convert(program, folder / 'model.h5', out / 'whole.h5')
    model = keras.models.load_model(str(out / 'whole.h5'))
    same(model, wanted)
    if not made.KERAS3:
        for ours, theirs in zip(model.optimizer.variables, wanted.optimizer.variables, strict=True):
            assert ours.numpy().tobytes() == theirs.numpy().tobytes()
    convert(program, folder / 'model.h5', out / 'weights.h5', '--weights-only')
    same(keras.models.load_model(str(out / 'weights.h5')), wanted)
    convert(program, folder / 'ckpt', out / 'trained.h5', '--weights-only')
    same(loaded(make, out / 'trained.h5'), wanted)


def numbered(program, out, make):
    """The layout of `.weights.h5`."""
    folder = ROOT / f'{made.PREFIX}{make.__name__}-v3'
    convert(program, folder / 'model.weights.h5', out / 'copy.weights.h5')
    same(loaded(make, out / 'copy.weights.h5'), loaded(make, folder / 'model.weights.h5'))


def main():
    program, done, wrong = str(pathlib.Path(sys.argv[1]).resolve()), 0, []
    work = [(from_checkpoint, make) for make in PAIRS] + [(whole_model, make) for make in WHOLE]
    work += [(numbered, make) for make in NUMBERED + KERAS3_ONLY]
    for test, make in work:
        with tempfile.TemporaryDirectory() as out:
            try:
                test(program, pathlib.Path(out), make)
                done += 1
            except Exception as error:  # noqa: BLE001  (what Keras raises is the finding)
                wrong.append(f'{test.__name__} of {make.__name__}: {type(error).__name__}: {error}')
    print('\n'.join(wrong) or f'{done} models load in Keras {keras.__version__} as tenon wrote them')
    return 1 if wrong or not done else 0


if __name__ == '__main__':
    sys.exit(main())
