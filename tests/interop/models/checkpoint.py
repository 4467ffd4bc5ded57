"""Checkpoints as TensorFlow 1 programs write them."""
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def save(path, arrays, further=None, step=1234, minimize=False):
    """Writes arrays as variables, further arrays beside them, and global_step, with tf.train.Saver.

    With `minimize`, Adam takes a step, so that its own slots and powers are in the file too; it leaves the variables as
    they are, for its learning rate is 0.
    """
    with tf1.Graph().as_default():
        made = [tf1.get_variable(name, initializer=tf.constant(value)) for name, value in arrays.items()]
        for name, value in (further or {}).items():
            tf1.get_variable(name, initializer=tf.constant(value), trainable=False)
        counter = tf1.get_variable('global_step', initializer=np.int64(step), trainable=False)
        train = []
        if minimize:
            loss = tf.add_n([tf.reduce_sum(tf.square(one)) for one in made])
            train = [tf1.train.AdamOptimizer(0.0).minimize(loss, global_step=counter)]
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            session.run(train)
            return tf1.train.Saver().save(session, str(path), write_state=False)


def read(path):
    """Reads all arrays of a checkpoint with TensorFlow."""
    reader = tf.train.load_checkpoint(str(path))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def bert_slots(arrays):
    """What BERT's own AdamWeightDecayOptimizer keeps."""
    return {f'{name}/{slot}': np.full_like(value, number)
            for name, value in arrays.items() for slot, number in (('adam_m', 0.25), ('adam_v', 0.5))}


def adafactor_slots(arrays):
    """What mesh TensorFlow's Adafactor keeps: rows and columns of matrices, all of vectors."""
    slots = {}
    for name, value in arrays.items():
        if value.ndim == 2:
            slots[f'{name}_slot_vr'] = np.full(value.shape[0], 0.25, np.float32)
            slots[f'{name}_slot_vc'] = np.full(value.shape[1], 0.5, np.float32)
        else:
            slots[f'{name}_slot_v'] = np.full_like(value, 0.75)
    return slots
