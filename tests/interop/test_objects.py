"""New object graphs, made of names: TensorFlow restores them into objects that are built of the same names."""
import json

import support
from support import convert, fixtures, scratch

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.python.trackable import autotrackable

import producing
import test_graphs
from test_relabel import Layers, network, variables_of
from test_restores import same, spoil, values_of


def listed(path, *options):
    return [row for row in support.listing(path, *options) if row['role'] != 'metadata']


def built(reader, names):
    """Builds objects by the components of {name: key}: plain ones, and a variable of zeros where a name ends. A variable
    may hold others."""
    root, at, variables = autotrackable.AutoTrackable(), {(): None}, {}
    at[()] = root
    for name in sorted(names, key=lambda name: name.count('/')):
        parts = tuple(name.split('/'))
        for depth in range(1, len(parts) + 1):
            if parts[:depth] in at:
                continue
            here = '/'.join(parts[:depth])
            made = test_graphs.zeros(reader, names[here]) if here in names else autotrackable.AutoTrackable()
            at[parts[:depth]] = made
            at[parts[:depth - 1]]._track_trackable(made, parts[depth - 1])
            if here in names:
                variables[here] = made
    return root, variables


def restored(source, out, names, counter):
    """Restores `out` into objects built of the names; every value is that of the source. `source` gives values by name."""
    reader = tf.train.load_checkpoint(str(out))
    keys = {name: name.replace('.', '..') + '/.ATTRIBUTES/VARIABLE_VALUE' for name in names}
    root, variables = built(reader, keys)
    checkpoint = tf.train.Checkpoint(root)
    status = checkpoint.restore(str(out))
    status.assert_consumed()
    status.assert_existing_objects_matched()
    assert int(checkpoint.save_counter) == counter
    for name, variable in variables.items():
        assert test_graphs.same(variable.numpy(), source(name)), name
    proto = test_graphs.graph_of(reader)
    assert proto.SerializeToString(deterministic=True) == reader.get_tensor('_CHECKPOINTABLE_OBJECT_GRAPH')
    test_graphs.values_consistent(out)


DTYPES = {'float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16', 'uint8',
          'bool', 'string', 'complex64', 'complex128'}  # of variables that TensorFlow assigns to


def usable(rows):
    """Names that a program can have as attributes: UTF-8, without empty components; dtypes of variables."""
    return rows and all('name_bytes' not in row and all(row['name'].split('/')) and row['dtype'] in DTYPES for row in rows)


def test_name_based_checkpoints():
    """Every name-based fixture: variables, counters and slots as plain objects."""
    seen = 0
    for name, path, expected in fixtures('tf_checkpoint'):
        rows = listed(path)
        if expected['layout'] != 'names' or not usable(rows):
            continue
        with scratch() as folder:
            convert(path, folder / 'out', '--to', 'tf_checkpoint', '--layout', 'objects')
            try:
                source = tf.train.load_checkpoint(str(path)).get_tensor
                restored(source, folder / 'out', {row['name'] for row in rows}, 0)
            except Exception as error:
                raise AssertionError(f'{name}: {error}') from error
            seen += 1
    assert seen >= 12, seen


def values_by_get(path):
    def value(name):
        document = json.loads(support.tenon('-q', 'get', '--as', 'json', path, name))
        record = document['tensors'][0]
        return np.array(record['values'], dtype=tf.as_dtype(record['dtype']).as_numpy_dtype).reshape(record['shape'])
    return value


def test_other_formats():
    """Safetensors and Keras files: a name with dots is one attribute, a name with slashes a way through objects."""
    seen = 0
    for kind in ('safetensors', 'keras_h5'):
        for name, path, _ in fixtures(kind):
            rows = [row for row in listed(path) if row['bytes'] < 100000]
            whole = len(rows) == len(listed(path))
            if not usable(rows) or not whole or {'string', 'complex64', 'complex128'} & {row['dtype'] for row in rows}:
                continue
            with scratch() as folder:
                done = json.loads(support.tenon('-q', 'plan', '--json', path, folder / 'out', '--to', 'tf_checkpoint', '--layout',
                                                'objects'))
                assert done['output']['layout'] == 'objects'
                made = [row for row in done['tensors'] if row['name'] == 'save_counter']
                assert made and made[0]['from'] == [] and made[0]['dtype'] == 'int64' and made[0]['shape'] == []
                convert(path, folder / 'out', '--to', 'tf_checkpoint', '--layout', 'objects')
                try:
                    restored(values_by_get(path), folder / 'out', {row['name'] for row in rows}, 0)
                except Exception as error:
                    raise AssertionError(f'{name}: {error}') from error
                seen += 1
    assert seen >= 15, seen


def test_into_a_module():
    """A program's tf.Module is carried to safetensors and comes back as a checkpoint that restores into it."""
    with scratch() as folder:
        old = Layers('encoder', 'kernel', 'items', 'zwilling')
        tf.train.Checkpoint(model=old).save(f'{folder}/in')
        convert(folder / 'in-1', folder / 'middle.safetensors', '--drop', 'model/table/**', '--drop', 'save_counter')
        convert(folder / 'middle.safetensors', folder / 'out.ckpt', '--layout', 'objects', '--rename',
                'model/encoder/kernel=model/tower/weight', '--rename', 'model/encoder/bias=model/tower/bias')
        new = Layers('tower', 'weight', 'items', 'zwilling')
        del new.table
        wanted = values_of(variables_of(old))
        spoil(new.variables)
        checkpoint = tf.train.Checkpoint(model=new)
        status = checkpoint.restore(f'{folder}/out.ckpt')
        status.assert_consumed()
        status.assert_existing_objects_matched()
        ours = values_of(variables_of(new))
        wanted = [one for one in wanted if one.dtype.kind not in 'SO' and one.dtype != np.int64]
        assert len(ours) == len(wanted) == 4
        for one, other in zip(ours, wanted):
            assert test_graphs.same(one, other)
        assert int(checkpoint.save_counter) == 0
        manager = tf.train.CheckpointManager(checkpoint, f'{folder}/train', max_to_keep=2)
        assert manager.save().endswith('ckpt-1')


def test_counter_stays():
    """A counter that the source has is kept as it is."""
    with scratch() as folder:
        checkpoint = tf.train.Checkpoint(model=Layers('e', 'k', 'i', 's'))
        checkpoint.save(f'{folder}/in')
        checkpoint.save(f'{folder}/in')
        convert(folder / 'in-2', folder / 'names', '--to', 'tf_checkpoint', '--layout', 'names')
        convert(folder / 'names', folder / 'out', '--to', 'tf_checkpoint', '--layout', 'objects')
        reader = tf.train.load_checkpoint(f'{folder}/out')
        assert int(reader.get_tensor('save_counter/.ATTRIBUTES/VARIABLE_VALUE')) == 2


def test_optimizer_over_new_graph():
    """Renames that no relabelling does: a new graph, in which the slots still belong to the optimizer's variables."""
    with scratch() as folder:
        model, everything = network(('dense', 'logits'), tf_keras.optimizers.legacy.Adam)
        wanted = values_of(everything)
        tf.train.Checkpoint(net=model, optimizer=model.optimizer).write(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', '--layout', 'objects', '--rename', 'net/dense/=fc/',
                '--rename', 'net/logits/=deep/er/head/')
        fresh, all_fresh = network(('fc', 'head'), tf_keras.optimizers.legacy.Adam)
        spoil(all_fresh)
        inner, deep = tf.Module(), tf.Module()
        inner.head, deep.er = fresh.head, inner
        checkpoint = tf.train.Checkpoint(fc=fresh.fc, deep=deep, optimizer=fresh.optimizer)
        status = checkpoint.restore(f'{folder}/out')
        status.assert_consumed()
        status.assert_existing_objects_matched()
        same(values_of(all_fresh), wanted)
        keys = tf.train.load_checkpoint(f'{folder}/out').get_variable_to_dtype_map()
        again = checkpoint.write(f'{folder}/again')
        theirs = set(tf.train.load_checkpoint(again).get_variable_to_dtype_map())
        assert set(keys) == theirs, set(keys) ^ theirs


def test_new_optimizer_over_new_graph():
    """The state of an optimizer that keeps it in lists is found again where the optimizer looks for it."""
    with scratch() as folder:
        model, everything = network(('dense', 'logits'), tf_keras.optimizers.Adam)
        wanted = values_of(everything)
        tf.train.Checkpoint(net=model, optimizer=model.optimizer).write(f'{folder}/in')
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', '--layout', 'objects', '--rename', 'net/=a/b/')
        fresh, all_fresh = network(('dense', 'logits'), tf_keras.optimizers.Adam)
        spoil(all_fresh)
        holder = tf.Module()
        holder.b = fresh
        checkpoint = tf.train.Checkpoint(a=holder, optimizer=fresh.optimizer)
        status = checkpoint.restore(f'{folder}/out')
        status.assert_consumed()
        status.assert_existing_objects_matched()
        same(values_of(all_fresh), wanted)


def test_numpy_of_everything():
    """Values of a new graph are the source's, strings and partitioned variables too."""
    path = support.FIXTURES / 'tf_checkpoint/good-v1-partitioned'
    with scratch() as folder:
        convert(path, folder / 'out', '--to', 'tf_checkpoint', '--layout', 'objects')
        wanted = {row['name'] for row in listed(path)} | {'save_counter'}
        assert {row['name'] for row in listed(folder / 'out')} == wanted
        support.tenon('-q', 'verify', '--require-checksums', folder / 'out')
        support.tenon('-q', 'diff', folder / 'out', path, '--drop', 'save_counter')


def test_refused():
    """A name with an empty component has no place in a graph of objects."""
    with scratch() as folder:
        writer = tf.raw_ops.SaveV2(prefix=f'{folder}/in', tensor_names=['a//b', 'c'], shape_and_slices=['', ''],
                                   tensors=[tf.constant(1.0), tf.constant(2.0)])
        del writer
        document = json.loads(support.tenon('convert', '--json', folder / 'in', folder / 'out.ckpt', '--layout', 'objects', code=3))
        assert document['error']['code'] == 'TN_E_CANNOT_HOLD' and document['error']['subject'] == 'a//b', document
        convert(folder / 'in', folder / 'out.ckpt', '--layout', 'objects', '--drop', 'a//b')


if __name__ == '__main__':
    support.main(globals())
