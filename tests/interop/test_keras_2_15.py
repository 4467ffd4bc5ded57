"""TensorFlow 2.15 with its Keras 2.15 restores what tenon carried."""
import support
from support import convert, scratch

import numpy as np
import tensorflow as tf

import keras_2_15
import producing


def trained(make):
    model = make()
    model.compile(optimizer='adam', loss='mse', run_eagerly=True)
    model.train_on_batch(np.ones((2, 3), 'float32'), np.ones((2, 1), 'float32'))
    return model


def values_of(model):
    return [variable.numpy() for variable in model.variables + model.optimizer.variables]


def carried(make):
    model = trained(make)
    producing.set_all('keras-2.15', model.variables + model.optimizer.variables)
    with scratch() as folder:
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint')
        fresh = trained(make)
        tf.train.Checkpoint(model=fresh, optimizer=fresh.optimizer).read(f'{folder}/out').assert_consumed()
        for one, other in zip(values_of(fresh), values_of(model), strict=True):
            assert one.tobytes() == other.tobytes()
        convert(folder / 'in', folder / 'weights', '--to', 'tf_checkpoint', '--weights-only')
        bare = make()
        tf.train.Checkpoint(model=bare).read(f'{folder}/weights').assert_consumed()
        for one, other in zip(bare.get_weights(), model.get_weights(), strict=True):
            assert one.tobytes() == other.tobytes()


def test_sequential():
    """A Sequential with Adam."""
    carried(keras_2_15.small_sequential)


def test_functional():
    """A Functional with Adam."""
    carried(keras_2_15.small_functional)


def test_save_weights_prefix():
    """Model.load_weights takes the prefix that tenon wrote from save_weights' own."""
    model = keras_2_15.small_sequential()
    producing.set_all('weights', model.variables)
    with scratch() as folder:
        model.save_weights(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint')
        fresh = keras_2_15.small_sequential()
        fresh.load_weights(f'{folder}/out').assert_consumed()
        for one, other in zip(fresh.get_weights(), model.get_weights(), strict=True):
            assert one.tobytes() == other.tobytes()


if __name__ == '__main__':
    support.main(globals())
