"""Has Keras load what tenon wrote: run under Keras 2.15 and under Keras 3.

The models are those of fixtures/make/keras_h5.py. Each is made anew, with other values, loads what tenon made of its
fixture, and must then give the fixture's weights and predictions.
"""
import support
from support import convert, scratch

import keras_h5 as made
import keras
import numpy as np

ROOT = support.FIXTURES / 'keras_h5'
SMALL = (made.sequential, made.functional, made.nested, made.recurrent)


def fresh(make):
    made.clear()
    return make()


def loaded(make, path, **how):
    model = fresh(make)
    model.load_weights(str(path), **how)
    return model


def same(model, wanted):
    """Demands equal weights, bit by bit, and equal predictions."""
    for ours, theirs in zip(model.get_weights(), wanted.get_weights(), strict=True):
        assert ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()
    shape = (2, *wanted.input_shape[1:]) if getattr(wanted, 'inputs', None) else (2, 3)
    inputs = np.random.default_rng(7).standard_normal(shape).astype('float32')
    assert np.array_equal(np.asarray(model(inputs)), np.asarray(wanted(inputs)))


def test_checkpoints_become_weights():
    """A TensorFlow checkpoint becomes a legacy file that load_weights takes by position."""
    for make in SMALL if made.KERAS3 else (*SMALL, made.shared):
        folder = ROOT / f'{made.PREFIX}{make.__name__}{"-whole" if made.KERAS3 else ""}'
        with scratch() as out:
            convert(folder / 'ckpt', out / 'model.h5', '--weights-only')
            same(loaded(make, out / 'model.h5'), loaded(make, folder / 'model.h5'))


def test_weights_are_copied():
    """What tenon copies loads by position and by name; layers without weights stay."""
    for make in () if made.KERAS3 else (*SMALL, made.shared, made.subclassed):
        path = ROOT / f'{made.PREFIX}{make.__name__}/model.h5'
        with scratch() as out:
            convert(path, out / 'model.h5')
            same(loaded(make, out / 'model.h5'), loaded(make, path))
            if make is not made.subclassed:
                same(loaded(make, out / 'model.h5', by_name=True), loaded(make, path))


def test_whole_models_stay_whole():
    """Configuration, weights and, where Keras restores it, the optimizer's state."""
    for make in SMALL:
        path = ROOT / f'{made.PREFIX}{make.__name__}-whole/model.h5'
        with scratch() as out:
            wanted = keras.models.load_model(str(path))
            convert(path, out / 'model.h5')
            model = keras.models.load_model(str(out / 'model.h5'))
            same(model, wanted)
            states = [[]] * 2 if made.KERAS3 else [one.optimizer.variables for one in (model, wanted)]
            for ours, theirs in zip(*states, strict=True):
                assert ours.numpy().tobytes() == theirs.numpy().tobytes()
            convert(path, out / 'weights.h5', '--weights-only')
            same(keras.models.load_model(str(out / 'weights.h5')), wanted)


def test_numbered_weights_are_copied():
    """The layout of `.weights.h5`."""
    more = (made.attention, made.bfloat16) if made.KERAS3 else ()
    for make in (*SMALL, made.subclassed, *more):
        path = ROOT / f'{made.PREFIX}{make.__name__}-v3/model.weights.h5'
        with scratch() as out:
            convert(path, out / 'model.weights.h5')
            same(loaded(make, out / 'model.weights.h5'), loaded(make, path))


def trunk(width, name):
    """A model whose hidden layers are called after `name`, and whose head has its own name."""
    stack = [keras.Input((3,)), *(keras.layers.Dense(4, name=f'{name}{i}') for i in range(2)), keras.layers.Dense(width, name='head')]
    return keras.Sequential(stack, name='whole')


def test_renamed_layers_load_by_name():
    """Rules rename layers inside a legacy file, which load_weights then takes by name; what it has no layer for is left."""
    if made.KERAS3:
        return
    with scratch() as out:
        wanted = fresh(lambda: trunk(2, 'old_'))
        wanted.save_weights(str(out / 'old.h5'))
        (out / 'r.yaml').write_text('tenon: 1\nrules:\n  - {match: "old_{i:int}/{w}", to: "new{i+1}/{w}"}\n  - {match: "head/{w}", do: keep}\n')
        convert(out / 'old.h5', out / 'new.h5', '--rules', out / 'r.yaml')
        renamed = fresh(lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name='new1'), keras.layers.Dense(4, name='new2'),
                                                  keras.layers.Dense(2, name='head')]))
        renamed.load_weights(str(out / 'new.h5'), by_name=True)
        same(renamed, wanted)


class Parts(keras.Model):
    """Layers below attributes that the caller names."""

    def __init__(self, first, second):
        super().__init__()
        self.order = (first, second)
        for name, width in zip(self.order, (4, 2)):
            setattr(self, name, keras.layers.Dense(width))

    def call(self, inputs):
        for name in self.order:
            inputs = getattr(self, name)(inputs)
        return inputs


def test_renamed_attributes_load():
    """Rules rename paths inside a .weights.h5 of Keras 3, also so that names are swapped."""
    if not made.KERAS3:
        return
    for old, new in ((('body', 'head'), ('encoder', 'classifier')), (('a', 'b'), ('b', 'a'))):
        with scratch() as out:
            wanted = Parts(*old)
            wanted(np.ones((1, 3), 'float32'))
            wanted.save_weights(str(out / 'old.weights.h5'))
            renames = [word for one, other in zip(old, new) for word in ('--rename', f'{one}/={other}/')]
            convert(out / 'old.weights.h5', out / 'new.weights.h5', *renames)
            model = Parts(*new)
            model(np.zeros((1, 3), 'float32'))
            model.load_weights(str(out / 'new.weights.h5'))
            same(model, wanted)


def test_there_and_back():
    """Over safetensors and a TensorFlow checkpoint: the order of names is the order of these layers."""
    if made.KERAS3:
        return
    path = ROOT / 'good-k2-sequential/model.h5'
    for between in ('model.safetensors', 'model.ckpt'):
        with scratch() as out:
            convert(path, out / between)
            convert(out / between, out / 'model.h5')
            same(loaded(made.sequential, out / 'model.h5'), loaded(made.sequential, path))


def long_names():
    """Names of 9,000 bytes: Keras splits the list of layers over two attributes."""
    stack = [keras.layers.Dense(2, name=f'{"n" * 9000}_{i}') for i in range(9)]
    return keras.Sequential([keras.Input((3,)), *stack], name='long')


def test_split_lists():
    """Lists longer than 64,512 bytes are read, and written so that Keras reads them."""
    if made.KERAS3:
        return
    with scratch() as out:
        wanted = fresh(long_names)
        wanted.save_weights(str(out / 'keras.h5'))
        convert(out / 'keras.h5', out / 'tenon.h5')
        same(loaded(long_names, out / 'tenon.h5'), wanted)


support.main(globals())
