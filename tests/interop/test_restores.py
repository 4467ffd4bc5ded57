"""Programs restore what tenon carried: object-based checkpoints of Keras 3, tf_keras and tf.Module."""
import support
from support import convert, scratch

import keras
import numpy as np
import tensorflow as tf
import tf_keras

import producing
import tf_keras2
import tf_keras3


def values_of(variables):
    return [np.asarray(variable.numpy()) for variable in variables]


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs):
        assert one.shape == other.shape and one.tobytes() == other.tobytes()


def spoil(variables):
    """Gives every variable another value, so that what is equal afterwards was restored."""
    for variable in variables:
        variable.assign(tf.zeros_like(tf.convert_to_tensor(variable)) + tf.cast(3, variable.dtype))


def optimizer_variables(optimizer):
    return optimizer.variables() if callable(optimizer.variables) else optimizer.variables


def trained(label, make, optimizer):
    model = make()
    model.compile(optimizer=optimizer(), loss='mse', run_eagerly=True)
    model.train_on_batch(np.ones((2, 3), 'float32'), np.ones((2, 1), 'float32'))
    everything = list(model.variables) + list(optimizer_variables(model.optimizer))
    producing.set_all(label, [getattr(variable, 'value', variable) if not callable(getattr(variable, 'value', None))
                              else variable for variable in everything])
    return model, everything


def tf_variables(variables):
    return [variable.value if isinstance(getattr(variable, 'value', None), tf.Variable) else variable for variable in variables]


def round_trip(label, make, optimizer):
    """Saves a trained model, carries it, restores it into a fresh one, and then its weights alone."""
    model, everything = trained(label, make, optimizer)
    wanted = values_of(tf_variables(everything))
    with scratch() as folder:
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(f'{folder}/in')
        convert(folder / 'in', folder / 'whole', '--to', 'tf_checkpoint')
        fresh, all_fresh = trained('fresh', make, optimizer)
        spoil(tf_variables(all_fresh))
        tf.train.Checkpoint(model=fresh, optimizer=fresh.optimizer).read(f'{folder}/whole').assert_consumed()
        same(values_of(tf_variables(all_fresh)), wanted)

        convert(folder / 'in', folder / 'weights', '--to', 'tf_checkpoint', '--weights-only')
        bare = make()
        spoil(tf_variables(bare.variables))
        tf.train.Checkpoint(model=bare).read(f'{folder}/weights').assert_consumed()
        same(values_of(tf_variables(bare.variables)), wanted[:len(bare.variables)])


def keras3_nested():
    keras.utils.clear_session()
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name='inside')], name='inner')
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(1, name='outside')(inner(inputs)))


def keras2_functional():
    tf_keras.backend.clear_session()
    inputs = tf_keras.Input((3,))
    hidden = tf_keras.layers.BatchNormalization(name='norm')(tf_keras.layers.Dense(2, name='hidden')(inputs))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(1, name='logits')(hidden))


def keras2_subclassed():
    model = tf_keras2.Subclassed()
    model(np.ones((1, 3), 'float32'))
    return model


def test_keras3_sequential():
    """A Sequential of Keras 3 with Adam."""
    round_trip('k3s', tf_keras3.small_sequential, keras.optimizers.Adam)


def test_keras3_functional():
    """A Functional of Keras 3 with BatchNormalization."""
    round_trip('k3f', tf_keras3.small_functional, keras.optimizers.Adam)


def test_keras3_nested():
    """A model within a model."""
    round_trip('k3n', keras3_nested, keras.optimizers.RMSprop)


def test_keras2_sequential():
    """A Sequential of tf_keras."""
    round_trip('k2s', tf_keras2.small_sequential, tf_keras.optimizers.Adam)


def test_keras2_functional():
    """A Functional of tf_keras."""
    round_trip('k2f', keras2_functional, tf_keras.optimizers.Adam)


def test_keras2_subclassed():
    """A subclassed model of tf_keras with a list of layers."""
    round_trip('k2c', keras2_subclassed, tf_keras.optimizers.Adam)


def test_keras2_legacy_slots():
    """Slot variables of a legacy optimizer."""
    round_trip('k2l', tf_keras2.small_sequential, tf_keras.optimizers.legacy.Adam)


class Containers(tf.Module):
    """Variables in attributes, lists, dictionaries and sub-modules, two of one leaf name."""

    def __init__(self):
        super().__init__()
        self.w = tf.Variable(producing.values('w', (2, 3)))
        self.items = [tf.Variable(1.5), tf.Variable([1, 2, 3])]
        self.table = {'a.b': tf.Variable(2.5), 'c/d': tf.Variable(3.5)}
        self.inner = tf.Module()
        self.inner.w = tf.Variable(producing.values('v', (4,)))


def test_manager_and_counter():
    """CheckpointManager's checkpoint with its save_counter restores, and the state file that --update-state wrote is used."""
    with scratch() as folder:
        module = Containers()
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(module=module), f'{folder}/train', max_to_keep=3)
        manager.save()
        manager.save()
        wanted = values_of(module.variables)
        convert(folder / 'train', folder / 'train/ckpt-7', '--update-state')
        assert tf.train.latest_checkpoint(f'{folder}/train') == f'{folder}/train/ckpt-7'
        state = tf.train.get_checkpoint_state(f'{folder}/train')
        assert [path.rsplit('/', 1)[1] for path in state.all_model_checkpoint_paths] == ['ckpt-1', 'ckpt-2', 'ckpt-7']
        fresh = Containers()
        spoil(fresh.variables)
        checkpoint = tf.train.Checkpoint(module=fresh)
        checkpoint.restore(tf.train.latest_checkpoint(f'{folder}/train')).assert_consumed()
        same(values_of(fresh.variables), wanted)
        assert int(checkpoint.save_counter) == 2
        again = tf.train.CheckpointManager(checkpoint, f'{folder}/train', max_to_keep=3)
        assert len(again.checkpoints) == 3


def test_dropped_branch():
    """--drop takes a branch out of the object graph: what is left is consumed whole."""
    with scratch() as folder:
        module = Containers()
        tf.train.Checkpoint(module=module).write(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', '--drop', 'module/inner/**', '--drop', 'module/items/**')
        fresh = tf.Module()
        fresh.w = tf.Variable(tf.zeros((2, 3)))
        fresh.table = {'a.b': tf.Variable(0.0), 'c/d': tf.Variable(0.0)}
        tf.train.Checkpoint(module=fresh).read(f'{folder}/out').assert_consumed()
        same(values_of([fresh.w, fresh.table['a.b'], fresh.table['c/d']]),
             values_of([module.w, module.table['a.b'], module.table['c/d']]))


if __name__ == '__main__':
    support.main(globals())
