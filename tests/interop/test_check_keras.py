"""`check` of Keras models and optimizers: what restore and its assertions say, pair by pair."""
import support
from checking import checkpoint, judge, module, variable

import keras
import numpy as np
import tensorflow as tf
import tf_keras

legacy = tf_keras.optimizers.legacy


def model(kind, *units, inputs=2):
    made = kind.Sequential([kind.layers.Input((inputs,))] + [kind.layers.Dense(count) for count in units])
    return made


def trained(made, optimizer):
    made.compile(optimizer=optimizer, loss='mse', run_eagerly=True)
    made.train_on_batch(np.ones((2, 2), 'float32'), np.ones((2, made.output_shape[-1]), 'float32'))
    return made


def with_optimizer(optimizer, *units, kind=tf_keras, train=True, name='optimizer'):
    """Makes a program that has a model and its optimizer, trained for one step so that its slots are there."""
    def build():
        made, one = model(kind, *(units or (3, 1))), optimizer()
        if train:
            trained(made, one)
        return checkpoint(model=made, **{name: one})
    return build


def weights_only(*units, kind=tf_keras):
    return lambda: checkpoint(model=model(kind, *(units or (3, 1))))


def test_legacy_adam():
    """Slots on both sides."""
    judge(with_optimizer(legacy.Adam), with_optimizer(legacy.Adam))


def test_legacy_fresh():
    """A legacy optimizer that was not used yet has its slots made by the restore."""
    judge(with_optimizer(legacy.Adam), with_optimizer(legacy.Adam, train=False))


def test_legacy_slots_missing():
    """The file's optimizer was not used yet, the program's was."""
    judge(with_optimizer(legacy.Adam, train=False), with_optimizer(legacy.Adam))


def test_legacy_absent_in_file():
    """The file has weights alone."""
    judge(weights_only(), with_optimizer(legacy.Adam))


def test_legacy_absent_in_program():
    """The program wants weights alone."""
    judge(with_optimizer(legacy.Adam), weights_only())


def test_legacy_other():
    """Another optimizer: momentum for Adam."""
    judge(with_optimizer(legacy.Adam), with_optimizer(lambda: legacy.SGD(momentum=0.9)))


def test_legacy_other_fresh():
    """Another optimizer that was not used yet."""
    judge(with_optimizer(lambda: legacy.SGD(momentum=0.9)), with_optimizer(legacy.Adam, train=False))


def test_legacy_amsgrad():
    """The program's Adam keeps a third slot."""
    judge(with_optimizer(legacy.Adam), with_optimizer(lambda: legacy.Adam(amsgrad=True)))


def test_legacy_renamed():
    """The optimizer's attribute has another name."""
    judge(with_optimizer(legacy.Adam), with_optimizer(legacy.Adam, name='adam'))


def test_legacy_iterations_alone():
    """A plain object stands for the optimizer: slots have nowhere to go."""
    judge(with_optimizer(legacy.Adam),
          lambda: checkpoint(model=model(tf_keras, 3, 1), optimizer=checkpoint(iter=variable(dtype=tf.int64))))


def test_legacy_missing_layer():
    """The program's model has a layer more, slots too."""
    judge(with_optimizer(legacy.Adam, 3, 1), with_optimizer(legacy.Adam, 3, 3, 1))


def test_legacy_extra_layer():
    """The file's model has a layer more, slots too."""
    judge(with_optimizer(legacy.Adam, 3, 3, 1), with_optimizer(legacy.Adam, 3, 1))


def test_legacy_extra_layer_fresh():
    """The file's model has a layer more; the program's optimizer was not used yet."""
    judge(with_optimizer(legacy.Adam, 3, 3, 1), with_optimizer(legacy.Adam, 3, 1, train=False))


def test_legacy_optimizer_alone():
    """The program wants the optimizer, not the model."""
    judge(with_optimizer(legacy.Adam), lambda: checkpoint(optimizer=legacy.Adam()))


def test_legacy_written():
    """A fresh legacy optimizer, by write and read."""
    judge(with_optimizer(legacy.Adam), with_optimizer(legacy.Adam, train=False), file='write', program='write')


def test_tf1_adam():
    """TensorFlow 1's Adam in an object graph: with slots, fresh, and absent."""
    def build(steps):
        def make():
            x, optimizer = variable(2), tf.compat.v1.train.AdamOptimizer()
            for _ in range(steps):
                optimizer.minimize(lambda: tf.reduce_sum(x * x), var_list=[x])
            return checkpoint(net=module(x=x), optimizer=optimizer)
        return make
    judge(build(1), build(1))
    judge(build(1), build(0))
    judge(build(0), build(1))
    judge(build(1), lambda: checkpoint(net=module(x=variable(2))))


def test_adam():
    """Keras 2's new optimizer: its slots are a list."""
    adam = tf_keras.optimizers.Adam
    judge(with_optimizer(adam), with_optimizer(adam))


def test_adam_fresh():
    """Keras 2's new optimizer that was not used yet waits for its variables."""
    adam = tf_keras.optimizers.Adam
    judge(with_optimizer(adam), with_optimizer(adam, train=False))


def test_adam_untrained_file():
    """The file's new optimizer has no slots."""
    adam = tf_keras.optimizers.Adam
    judge(with_optimizer(adam, train=False), with_optimizer(adam))


def test_adam_to_sgd():
    """Momentum's list is shorter than Adam's."""
    judge(with_optimizer(tf_keras.optimizers.Adam), with_optimizer(lambda: tf_keras.optimizers.SGD(momentum=0.9)))


def test_adam_legacy_and_new():
    """A legacy optimizer's file for a new optimizer, and the other way round."""
    judge(with_optimizer(legacy.Adam), with_optimizer(tf_keras.optimizers.Adam))
    judge(with_optimizer(tf_keras.optimizers.Adam), with_optimizer(legacy.Adam))


def test_new_slots_where_legacy_is_fresh():
    """A legacy file for a new optimizer that was not used yet: it makes no slots."""
    judge(with_optimizer(legacy.Adam), with_optimizer(tf_keras.optimizers.Adam, train=False))


def test_slots_for_keras3():
    """A Keras 3 optimizer makes no slots and says nothing."""
    def slotted():
        x, optimizer = variable(2), tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        optimizer.minimize(lambda: tf.reduce_sum(x * x), var_list=[x])
        return checkpoint(net=module(x=x), optimizer=optimizer)
    judge(slotted, lambda: checkpoint(net=module(x=variable(2)), optimizer=keras.optimizers.SGD()))
    judge(slotted, lambda: checkpoint(net=module(x=variable(2)), optimizer=tf_keras.optimizers.SGD()))
    judge(slotted, lambda: checkpoint(net=module(x=variable(2)),
                                      optimizer=tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)))


def test_layers():
    """Keras 2 layers: alike, wider, more, fewer."""
    judge(weights_only(3, 1), weights_only(3, 1))
    judge(weights_only(3, 1), weights_only(4, 1))
    judge(weights_only(3, 1), weights_only(3, 1, 2))
    judge(weights_only(3, 1, 2), weights_only(3, 1))


def test_layer_without_weights():
    """A layer without weights moves layer-1 but not layer_with_weights-1."""
    def with_dropout():
        made = tf_keras.Sequential([tf_keras.layers.Input((2,)), tf_keras.layers.Dense(3), tf_keras.layers.Dropout(0.1),
                                    tf_keras.layers.Dense(1)])
        return checkpoint(model=made)
    judge(weights_only(3, 1), with_dropout)
    judge(with_dropout, weights_only(3, 1))


def test_functional_for_sequential():
    """A functional model of the same layers."""
    def functional():
        entry = tf_keras.layers.Input((2,))
        return checkpoint(model=tf_keras.Model(entry, tf_keras.layers.Dense(1)(tf_keras.layers.Dense(3)(entry))))
    judge(functional, weights_only(3, 1))
    judge(weights_only(3, 1), functional)


def test_batch_normalization():
    """Moving averages are wanted as well; a model without scale wants less."""
    def normalized(**options):
        return lambda: checkpoint(model=tf_keras.Sequential([tf_keras.layers.Input((2,)), tf_keras.layers.Dense(3),
                                                             tf_keras.layers.BatchNormalization(**options)]))
    judge(normalized(), normalized())
    judge(normalized(), normalized(scale=False))
    judge(normalized(scale=False), normalized())


def test_unbuilt():
    """A model that has no variables yet lets them wait: nothing is consumed."""
    judge(weights_only(3, 1), lambda: checkpoint(model=tf_keras.Sequential([tf_keras.layers.Dense(3)])))


def test_shared_layer():
    """A layer that is used twice is one; two layers are two."""
    def tower(shared):
        def build():
            one = tf_keras.layers.Dense(2)
            two = one if shared else tf_keras.layers.Dense(2)
            entry = tf_keras.layers.Input((2,))
            return checkpoint(model=tf_keras.Model(entry, two(one(entry))))
        return build
    for file in (True, False):
        for program in (True, False):
            judge(tower(file), tower(program))


def test_metric():
    """A metric's state, on one side only."""
    judge(lambda: checkpoint(loss=tf_keras.metrics.Mean(), x=variable(1)), lambda: checkpoint(x=variable(1)))
    judge(lambda: checkpoint(x=variable(1)), lambda: checkpoint(loss=tf_keras.metrics.Mean(), x=variable(1)))


def test_keras3_layers():
    """Keras 3 layers: alike, wider, more, fewer."""
    judge(weights_only(3, 1, kind=keras), weights_only(3, 1, kind=keras))
    judge(weights_only(3, 1, kind=keras), weights_only(4, 1, kind=keras))
    judge(weights_only(3, 1, kind=keras), weights_only(3, 1, 2, kind=keras))
    judge(weights_only(3, 1, 2, kind=keras), weights_only(3, 1, kind=keras))


def test_keras3_optimizer():
    """A Keras 3 optimizer: used, fresh, absent."""
    adam = keras.optimizers.Adam
    judge(with_optimizer(adam, kind=keras), with_optimizer(adam, kind=keras))
    judge(with_optimizer(adam, kind=keras), with_optimizer(adam, kind=keras, train=False))
    judge(with_optimizer(adam, kind=keras, train=False), with_optimizer(adam, kind=keras))
    judge(with_optimizer(adam, kind=keras), weights_only(kind=keras))
    judge(weights_only(kind=keras), with_optimizer(adam, kind=keras))


def test_keras2_file_for_keras3():
    """The layers of Keras 2 are not where Keras 3 looks for them, nor the other way round."""
    judge(weights_only(), weights_only(kind=keras))
    judge(weights_only(kind=keras), weights_only())


if __name__ == '__main__':
    support.main(globals())
