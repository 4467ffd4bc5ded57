"""Every object graph of the fixtures, carried whole and in parts, is restored by TensorFlow with nothing left over.

The program that restores is built from the fixture's own graph: one object a node, one variable, of zeros, a value. So every
fixture has its program, whoever wrote it; fixtures with real models and optimizers are in test_restores.
"""
import json
import re

import support
from support import convert, fixtures, scratch

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2
from tensorflow.python.trackable import autotrackable

import expect

tf.get_logger().setLevel('ERROR')


def graph_of(reader):
    proto = trackable_object_graph_pb2.TrackableObjectGraph()
    proto.ParseFromString(reader.get_tensor('_CHECKPOINTABLE_OBJECT_GRAPH'))
    return proto


def variable_keys(proto):
    """Returns {node id: key} of the nodes that hold a variable, None where a node holds something else."""
    return {number: attribute.checkpoint_key if attribute.name == 'VARIABLE_VALUE' else None
            for number, node in enumerate(proto.nodes) for attribute in node.attributes}


class Optimizer(autotrackable.AutoTrackable):
    """Owns slot variables as tf_keras's legacy optimizers do: restoring makes them."""

    def __init__(self, slots):
        super().__init__()
        self.slots = slots  # {(slot name, id of the owner): variable}

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)  # what is no edge of the graph is not tracked

    def _create_or_restore_slot_variable(self, slot_variable_position, slot_name, variable, **_):
        slot = self.slots.get((slot_name, id(variable)))
        if slot is not None:
            slot_variable_position.restore(slot)


def zeros(reader, key):
    dtype, shape = reader.get_variable_to_dtype_map()[key], reader.get_variable_to_shape_map()[key]
    return tf.Variable(tf.fill(shape, b'') if dtype == tf.string else np.zeros(shape, dtype.as_numpy_dtype), dtype=dtype)


def program(reader, proto, kept):
    """Builds the objects of a graph with the variables of the kept keys. Returns the root and the variables by key."""
    keys, slots_of = variable_keys(proto), {}
    objects, variables = {}, {}
    for number in range(len(proto.nodes)):
        if keys.get(number) in kept:
            objects[number] = variables[keys[number]] = zeros(reader, keys[number])
    for number, node in enumerate(proto.nodes):
        if number not in objects and number not in keys:
            slots_of[number] = {}
            objects[number] = Optimizer(slots_of[number]) if node.slot_variables else autotrackable.AutoTrackable()
    for number, node in enumerate(proto.nodes):
        for edge in node.children if number in objects else ():
            if edge.node_id in objects and not (number == 0 and edge.local_name == 'save_counter'):
                objects[number]._track_trackable(objects[edge.node_id], edge.local_name)
        for slot in node.slot_variables:
            owner, value = objects.get(slot.original_variable_node_id), objects.get(slot.slot_variable_node_id)
            if owner is not None and value is not None:
                slots_of[number][(slot.slot_name, id(owner))] = value
    return objects[0], variables


def restore(out, path, kept):
    """Restores `out` into the program of `path` reduced to some keys and demands that both are used up, with equal values."""
    source = tf.train.load_checkpoint(str(path))
    proto = graph_of(source)
    root, variables = program(source, proto, kept)
    checkpoint = tf.train.Checkpoint(root)
    counter = next((key for key in kept if key == 'save_counter/.ATTRIBUTES/VARIABLE_VALUE'), None)
    status = checkpoint.restore(str(out)) if counter else checkpoint.read(str(out))
    status.assert_consumed()
    status.assert_existing_objects_matched()
    for key, variable in variables.items():
        if key != counter:
            assert same(variable.numpy(), source.get_tensor(key)), key
    if counter:
        assert int(checkpoint.save_counter) == int(source.get_tensor(counter))


def same(one, other):
    one, other = np.asarray(one), np.asarray(other)
    equal = one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes()
    return one.dtype == other.dtype and one.shape == other.shape and equal


def keys_of(path):
    return set(tf.train.load_checkpoint(str(path)).get_variable_to_dtype_map())


def object_fixtures():
    """Gives (name, path, expected) of the object graphs that hold nothing but variables."""
    for name, path, expected in fixtures('tf_checkpoint'):
        if expected['layout'] == 'objects':
            keys = variable_keys(graph_of(tf.train.load_checkpoint(str(path))))
            if None not in keys.values():
                yield name, path, expected


def values_consistent(prefix):
    """Demands has_checkpoint_values as TensorFlow computes it, and keys and references that exist.

    A node has values if it has attributes, slot variables or a registered saver, or if a child has
    (tensorflow/python/checkpoint/util.py, add_checkpoint_values_check).
    """
    reader = tf.train.load_checkpoint(str(prefix))
    proto = graph_of(reader)
    has = {number for number, node in enumerate(proto.nodes)
           if node.attributes or node.slot_variables or node.HasField('registered_saver')}
    grown = True
    while grown:
        more = {number for number, node in enumerate(proto.nodes)
                if number not in has and any(edge.node_id in has for edge in node.children)}
        has, grown = has | more, bool(more)
    for number, node in enumerate(proto.nodes):
        assert node.has_checkpoint_values.value == (number in has), (number, node.has_checkpoint_values)
    keys = keys_of(prefix)
    named = set(variable_keys(proto).values())
    assert named <= keys and keys - named <= {'_CHECKPOINTABLE_OBJECT_GRAPH'}, (named ^ keys)


def test_whole_graphs():
    """Each graph as it is: consumed, matched, and every value there; the graph is the source's, byte for byte."""
    seen = 0
    for name, path, expected in object_fixtures():
        with scratch() as folder:
            convert(path, folder / 'out', '--to', 'tf_checkpoint')
            before, after = (tf.train.load_checkpoint(str(one)) for one in (path, folder / 'out'))
            assert before.get_tensor('_CHECKPOINTABLE_OBJECT_GRAPH') == after.get_tensor('_CHECKPOINTABLE_OBJECT_GRAPH'), name
            restore(folder / 'out', path, keys_of(path))
            seen += 1
    assert seen >= 20, seen


def reduced(path, options, kept, name):
    with scratch() as folder:
        try:
            convert(path, folder / 'out', '--to', 'tf_checkpoint', *options)
            assert keys_of(folder / 'out') == kept | {'_CHECKPOINTABLE_OBJECT_GRAPH'}, keys_of(folder / 'out') ^ kept
            values_consistent(folder / 'out')
            restore(folder / 'out', path, kept)
        except Exception as error:
            raise AssertionError(f'{name} {options}: {error}') from error


def keys_kept(expected, keep):
    """The keys of the tensors that a test keeps, twins with their tensor."""
    kept = {record['key'] for record in expected['tensors'] if record['role'] != 'metadata' and keep(record)}
    return kept | {record['key'] for record in expected['tensors'] if record['twin_of'] in kept}


def test_weights_only():
    """--weights-only: a program without optimizer, metrics and counters finds all it wants and leaves nothing."""
    for name, path, expected in object_fixtures():
        kept = keys_kept(expected, lambda record: record['role'] == 'variable')
        reduced(path, ['--weights-only'], kept, name)


def test_parts():
    """Random parts of each graph, by --drop and by --only; slots go with their variables."""
    rng = np.random.default_rng(17)
    for name, path, expected in object_fixtures():
        names = sorted({record['name'] for record in expected['tensors'] if record['role'] != 'metadata'})
        for _ in range(2):
            chosen = set(rng.choice(names, max(1, len(names) // 3), replace=False).tolist())
            gone = chosen | {record['name'] for record in expected['tensors'] if record['slot_of'] in chosen}
            kept = keys_kept(expected, lambda record: record['name'] not in gone)
            if kept:
                reduced(path, [word for one in sorted(chosen) for word in ('--drop', one)], kept, name)
            owners = {record['slot_of'] for record in expected['tensors'] if record['name'] in chosen} - {None}
            if owners <= chosen:  # a slot is not kept without its variable
                kept = keys_kept(expected, lambda record: record['name'] in chosen)
                reduced(path, [word for one in sorted(chosen) for word in ('--only', one)], kept, name)


def test_iterator_and_table():
    """An iterator, a lookup table and a random generator go on where they stood."""
    path = support.FIXTURES / 'tf_checkpoint/good-objects-iterator-table/ckpt'
    with scratch() as folder:
        convert(path, folder / 'out', '--to', 'tf_checkpoint')
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        iterator = iter(tf.data.Dataset.range(5))
        generator = tf.random.Generator.from_state([0, 0, 0], alg='philox')
        live = tf.train.Checkpoint(iterator=iterator, table=table, generator=generator, v=tf.Variable([0.0, 0.0]))
        live.read(str(folder / 'out')).assert_consumed()
        assert int(next(iterator)) == 1
        assert table.lookup(tf.constant(['one', 'two', 'three'])).numpy().tolist() == [1, 2, -1]
        assert generator.state.numpy().tolist() == [1, 2, 3]


def test_shown():
    """show --json tells each object graph as TensorFlow's own protobuf reads it, the text every object once."""
    seen = 0
    for name, path, expected in fixtures('tf_checkpoint'):
        if expected['layout'] != 'objects':
            continue
        reader = tf.train.load_checkpoint(str(path))
        dtypes, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
        nodes = [{'children': [{'name': edge.local_name, 'node': edge.node_id} for edge in node.children],
                  'attributes': [{'name': value.name, 'key': value.checkpoint_key, 'full_name': value.full_name,
                                  'dtype': dtypes[value.checkpoint_key].name if value.checkpoint_key in dtypes else None,
                                  'shape': shapes.get(value.checkpoint_key)} for value in node.attributes],
                  'slots': [{'name': slot.slot_name, 'variable': slot.original_variable_node_id,
                             'node': slot.slot_variable_node_id} for slot in node.slot_variables]}
                 for node in graph_of(reader).nodes]
        assert json.loads(support.tenon('-q', 'show', '--json', path))['objects'] == {'nodes': nodes}, name
        tree = support.tenon('-q', 'show', '--objects', path).decode().split('\nobjects ')[1]
        made = [int(number) for number in re.findall(r'^ +[^\n]*?(?<!->) #(\d+)(?:  |$)', tree, re.M)]
        assert sorted(made) == list(range(len(nodes))), (name, sorted(made))
        seen += 1
    assert seen >= 20, seen


def test_names_survive():
    """After --weights-only the variables have the names that they had, judged by the naming rules' second implementation."""
    for name, path, expected in object_fixtures():
        with scratch() as folder:
            convert(path, folder / 'out', '--to', 'tf_checkpoint', '--weights-only')
            tensors = expect.read_tensors(str(folder / 'out'))
            assert expect.apply_law(tensors) == 'objects'
            theirs = {expect.text(tensor.name) for tensor in tensors if tensor.role == 'variable'}
            assert theirs == {record['name'] for record in expected['tensors'] if record['role'] == 'variable'}, name
            ours = {row['name'] for row in support.listing(folder / 'out')}
            assert ours == theirs, name


if __name__ == '__main__':
    support.main(globals())
