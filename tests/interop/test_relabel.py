"""Renamed object-based checkpoints are restored by programs whose attributes have the new names."""
import json

import support
from support import convert, fixtures, scratch

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import trackable_object_graph_pb2

import expect
import producing
import test_graphs
from test_restores import optimizer_variables, same, spoil, tf_variables, values_of

SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'


class Layers(tf.Module):
    """Modules, a list, a shared module and a dictionary, under attributes of given names."""

    def __init__(self, encoder, kernel, items, shared):
        super().__init__()
        inner = tf.Module()
        setattr(inner, kernel, tf.Variable(producing.values('kernel', (2, 3))))
        inner.bias = tf.Variable(producing.values('bias', (3,)))
        setattr(self, encoder, inner)
        setattr(self, items, [tf.Variable([1, 2, 3]), tf.Variable(2.5)])
        self.table = {'a.b': tf.Variable(b'text'), 'c/d': tf.Variable(7, dtype=tf.int64)}
        setattr(self, shared, inner)


def variables_of(module):
    return sorted(module.variables, key=lambda variable: (str(variable.dtype), variable.shape.as_list()))


def test_modules():
    """Attributes, list and root edge renamed by four renames; a shared module goes on under its other name."""
    with scratch() as folder:
        old = Layers('encoder', 'kernel', 'items', 'zwilling')
        tf.train.Checkpoint(model=old).save(f'{folder}/in')
        convert(folder / 'in-1', folder / 'out', '--to', 'tf_checkpoint', '--rename', 'model/encoder/kernel=net/tower/weight',
                '--rename', 'model/encoder/bias=net/tower/bias', '--rename', 'model/items/=net/parts/', '--rename',
                'model/table/=net/table/')
        new = Layers('tower', 'weight', 'parts', 'zwilling')
        wanted = values_of(variables_of(old))
        for variable in new.variables:
            variable.assign(b'' if variable.dtype == tf.string else tf.zeros_like(variable))
        checkpoint = tf.train.Checkpoint(net=new)
        status = checkpoint.restore(f'{folder}/out')
        status.assert_consumed()
        status.assert_existing_objects_matched()
        for one, other in zip(values_of(variables_of(new)), wanted):
            assert test_graphs.same(one, other)
        assert int(checkpoint.save_counter) == 1
        keys = tf.train.load_checkpoint(f'{folder}/out').get_variable_to_dtype_map()
        again = tf.train.Checkpoint(net=new).write(f'{folder}/again')
        theirs = set(tf.train.load_checkpoint(again).get_variable_to_dtype_map())
        assert set(keys) == theirs | {'save_counter' + SUFFIX}, set(keys) ^ theirs


class Network(tf_keras.Model):
    """Two layers under attributes of given names."""

    def __init__(self, first, second):
        super().__init__(name='network')
        self.names = (first, second)
        setattr(self, first, tf_keras.layers.Dense(2, name='one'))
        setattr(self, second, tf_keras.layers.Dense(1, name='two'))

    def call(self, inputs):
        return getattr(self, self.names[1])(getattr(self, self.names[0])(inputs))


def network(names, optimizer):
    tf_keras.backend.clear_session()
    model = Network(*names)
    model.compile(optimizer=optimizer(), loss='mse', run_eagerly=True)
    model.train_on_batch(np.ones((2, 3), 'float32'), np.ones((2, 1), 'float32'))
    everything = tf_variables(list(model.variables) + list(optimizer_variables(model.optimizer)))
    for index, variable in enumerate(everything):
        variable.assign(tf.cast(tf.reshape(tf.range(tf.size(variable)), variable.shape) + 100 * index, variable.dtype))
    return model, everything


def trained_network(optimizer, options):
    """Saves a trained model with `dense` and `logits`, renames them to `fc` and `head`, restores model and optimizer."""
    with scratch() as folder:
        model, everything = network(('dense', 'logits'), optimizer)
        wanted = values_of(everything)
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', *options)
        fresh, all_fresh = network(('fc', 'head'), optimizer)
        spoil(all_fresh)
        status = tf.train.Checkpoint(model=fresh, optimizer=fresh.optimizer).read(f'{folder}/out')
        status.assert_consumed()
        status.assert_existing_objects_matched()
        same(values_of(all_fresh), wanted)


RENAMES = ['--rename', 'model/dense/=model/fc/', '--rename', 'model/logits/=model/head/']


def test_legacy_optimizer():
    """Slot variables of a legacy optimizer go with their variables, keys and all."""
    trained_network(tf_keras.optimizers.legacy.Adam, RENAMES)


def test_new_optimizer():
    """So does the state of an optimizer that keeps it in lists."""
    trained_network(tf_keras.optimizers.Adam, RENAMES)


def test_layout_said():
    """--layout objects says the same where edges can follow."""
    trained_network(tf_keras.optimizers.legacy.Adam, RENAMES + ['--layout', 'objects'])


def test_linked():
    """With --link the data file stays as it is, the changed graph goes into another one."""
    trained_network(tf_keras.optimizers.legacy.Adam, RENAMES + ['--link'])


def test_weights_only():
    """Renamed and pruned at once."""
    with scratch() as folder:
        model, _ = network(('dense', 'logits'), tf_keras.optimizers.legacy.Adam)
        wanted = values_of(model.variables)
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', '--weights-only', *RENAMES)
        test_graphs.values_consistent(folder / 'out')
        fresh, _ = network(('fc', 'head'), tf_keras.optimizers.legacy.Adam)
        spoil(fresh.variables)
        tf.train.Checkpoint(model=Bare(fresh)).read(f'{folder}/out').assert_consumed()
        same(values_of(fresh.variables), wanted)


class Bare(tf.Module):
    """The two layers of a network without its optimizer."""

    def __init__(self, model):
        super().__init__()
        self.fc, self.head = model.fc, model.head


def relabelled(proto, old, new):
    """Does by TensorFlow's protobuf what `--rename OLD/=NEW/` says of an edge of the root; gives the keys' changes too."""
    for child in proto.nodes[0].children:
        child.local_name = new if child.local_name == old else child.local_name
    keys = {}
    for node in proto.nodes:
        for attribute in node.attributes:
            parts = attribute.checkpoint_key.split('/.OPTIMIZER_SLOT/')
            parts = [new + part[len(old):] if part.startswith(old + '/') else part for part in parts]
            keys[attribute.checkpoint_key] = attribute.checkpoint_key = '/.OPTIMIZER_SLOT/'.join(parts)
    return keys


def test_every_fixture():
    """The root's edge to each fixture's variables renamed: the graph is as TensorFlow's protobuf makes it, and the way
    back gives the first files, byte for byte."""
    seen = 0
    for name, path, expected in test_graphs.object_fixtures():
        tops = {row['name'].split('/')[0] for row in support.listing(path) if row['name'] == row['aliases']['object']}
        reader = tf.train.load_checkpoint(str(path))
        proto = test_graphs.graph_of(reader)
        children = [child.local_name for child in proto.nodes[0].children]
        for top in sorted(tops):
            below = [row for row in support.listing(path) if row['name'].startswith(top + '/')]
            counters = [row for row in below if row['role'] in ('counter', 'state')]
            if not below or counters or top not in children or '.' in top:
                continue
            with scratch() as folder:
                convert(path, folder / 'out', '--to', 'tf_checkpoint', '--rename', f'{top}/=a new.Sname/')
                wanted = trackable_object_graph_pb2.TrackableObjectGraph()
                wanted.CopyFrom(proto)
                keys = relabelled(wanted, top, 'a new/name')
                keys = {old: new.replace('a new/name', 'a new.Sname') for old, new in keys.items()}
                for node in wanted.nodes:
                    for attribute in node.attributes:
                        attribute.checkpoint_key = attribute.checkpoint_key.replace('a new/name', 'a new.Sname')
                ours = tf.train.load_checkpoint(f'{folder}/out')
                assert test_graphs.graph_of(ours) == wanted, (name, top)
                for old, new in keys.items():
                    assert test_graphs.same(reader.get_tensor(old), ours.get_tensor(new)), (name, old)
                convert(folder / 'out', folder / 'back', '--to', 'tf_checkpoint', '--rename', f'a new.Sname/={top}/')
                convert(path, folder / 'plain', '--to', 'tf_checkpoint')
                for suffix in ('.index', '.data-00000-of-00001'):
                    assert (folder / f'back{suffix}').read_bytes() == (folder / f'plain{suffix}').read_bytes(), (name, top)
                tensors = expect.read_tensors(f'{folder}/out')
                expect.apply_law(tensors)
                planned = {row['name'] for row in support.listing(folder / 'out')}
                assert planned == {expect.text(one.name) for one in tensors if one.role != 'metadata'}, (name, top)
                seen += 1
    assert seen >= 15, seen


def test_without_full_names():
    """Slots that have no full name are called by their keys, and those follow their variables' names."""
    path = support.FIXTURES / 'tf_checkpoint/good-keras2-legacy-adam/ckpt'
    reader = tf.train.load_checkpoint(str(path))
    proto = test_graphs.graph_of(reader)
    for node in proto.nodes:
        for attribute in node.attributes:
            attribute.ClearField('full_name')
    values = {key: reader.get_tensor(key) for key in reader.get_variable_to_dtype_map()}
    values['_CHECKPOINTABLE_OBJECT_GRAPH'] = proto.SerializeToString()
    with scratch() as folder:
        tf.raw_ops.SaveV2(prefix=f'{folder}/in', tensor_names=list(values), shape_and_slices=[''] * len(values),
                          tensors=[tf.constant(value) for value in values.values()])
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', '--rename', 'model/layer_with_weights-0/=model/fc/')
        ours = tf.train.load_checkpoint(f'{folder}/out')
        for key, value in values.items():
            new = key.replace('model/layer_with_weights-0/', 'model/fc/')
            if key != '_CHECKPOINTABLE_OBJECT_GRAPH':
                assert test_graphs.same(ours.get_tensor(new), value), key
        names = {row['name']: row['slot_of'] for row in support.listing(folder / 'out')}
        assert names['model/fc/kernel/.OPTIMIZER_SLOT/optimizer/m'] == 'model/fc/kernel', names
        support.tenon('-q', 'convert', folder / 'out', folder / 'back', '--to', 'tf_checkpoint', '--rename',
                      'model/fc/=model/layer_with_weights-0/')
        back = tf.train.load_checkpoint(f'{folder}/back')
        assert back.get_tensor('_CHECKPOINTABLE_OBJECT_GRAPH') == values['_CHECKPOINTABLE_OBJECT_GRAPH']


def test_other_edges():
    """A variable that two edges lead to, under a key that tells neither: a rename after which it would be called by the other
    edge is refused, one after which it is called as planned is not."""
    path = support.FIXTURES / 'tf_checkpoint/good-objects-shared/ckpt'
    reader = tf.train.load_checkpoint(str(path))
    proto = test_graphs.graph_of(reader)
    key = 'somewhere/0' + SUFFIX
    values = {'model/tied' + SUFFIX: reader.get_tensor('model/tied' + SUFFIX), key: reader.get_tensor('left/z' + SUFFIX)}
    for node in proto.nodes:
        for attribute in node.attributes:
            attribute.checkpoint_key = attribute.checkpoint_key.replace('left/z', 'somewhere/0')
    values['_CHECKPOINTABLE_OBJECT_GRAPH'] = proto.SerializeToString()
    with scratch() as folder:
        tf.raw_ops.SaveV2(prefix=f'{folder}/in', tensor_names=list(values), shape_and_slices=[''] * len(values),
                          tensors=[tf.constant(value) for value in values.values()])
        refusal = json.loads(support.tenon('convert', '--json', folder / 'in', folder / 'out.ckpt', '--rename', 'left/=the_left/',
                                           code=2))['error']
        assert refusal['code'] == 'TN_E_IMPOSSIBLE' and refusal['subject'] == 'the_left/z', refusal
        assert "'right/a'" in refusal['message'], refusal
        convert(folder / 'in', folder / 'out.ckpt', '--rename', 'left/=a_left/')
        assert {row['name'] for row in support.listing(folder / 'out.ckpt')} == {'a_left/z', 'model/tied'}
        ours = tf.train.load_checkpoint(f'{folder}/out.ckpt')
        assert test_graphs.same(ours.get_tensor(key), values[key])


def test_table_and_generator():
    """A lookup table's keys and a generator's state follow an edge that holds more than variables."""
    with scratch() as folder:
        def holder():
            made = tf.Module()
            made.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
            made.w = tf.Variable([0.0, 0.0])
            return made
        old = holder()
        old.table.insert(tf.constant(['one', 'two']), tf.constant([1, 2], tf.int64))
        old.w.assign([3.0, 4.0])
        tf.train.Checkpoint(old=old).write(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', '--rename', 'old/=new/')
        new = holder()
        tf.train.Checkpoint(new=new).read(f'{folder}/out').assert_consumed()
        assert new.table.lookup(tf.constant(['one', 'two', 'three'])).numpy().tolist() == [1, 2, -1]
        assert new.w.numpy().tolist() == [3.0, 4.0]


def test_refused():
    """What no relabelling does is refused with exit 2, and nothing is written."""
    path = support.FIXTURES / 'tf_checkpoint/good-keras2-sequential/ckpt'
    for rename in ('model/=/', 'model/=a/model/', 'model/layer_with_weights-0/kernel=model/x/kernel', 'iteration=step'):
        with scratch() as folder:
            document = json.loads(support.tenon('convert', '--json', path, folder / 'out.ckpt', '--rename', rename, code=2))
            assert document['error']['code'] == 'TN_E_IMPOSSIBLE' and '--layout names' in document['error']['hint'], document
            assert not list(folder.iterdir())


if __name__ == '__main__':
    support.main(globals())
