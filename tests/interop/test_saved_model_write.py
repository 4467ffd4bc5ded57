"""SavedModels made from weights alone: both of TensorFlow's loaders give every variable back, bit for bit, under its name."""
import json
import os
import struct
import subprocess
import sys

import support
from support import convert, listing, scratch, tenon

import numpy as np
import tensorflow as tf

tf.get_logger().setLevel('ERROR')
tf1 = tf.compat.v1
tf1.logging.set_verbosity(tf1.logging.ERROR)

# TensorFlow 2.15 knows no 2-bit dtypes, and the float8 of NumPy there have other names.
NEW = tuple(int(part) for part in tf.__version__.split('.')[:2]) >= (2, 21)


def bits(value):
    value = np.asarray(value)
    return value.tolist() if value.dtype == object else value.tobytes()


def write_safetensors(path, tensors):
    """Writes {name: float32 array}."""
    header, offset, data = {}, 0, b''
    for name, value in tensors.items():
        header[name] = {'dtype': 'F32', 'shape': list(value.shape), 'data_offsets': [offset, offset + value.nbytes]}
        offset += value.nbytes
        data += value.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text + data)


def tensors_of(path):
    """Returns {name: bytes} of a safetensors file."""
    data = path.read_bytes()
    length, = struct.unpack_from('<Q', data)
    header = json.loads(data[8:8 + length])
    header.pop('__metadata__', None)
    return {name: data[8 + length:][slice(*entry['data_offsets'])] for name, entry in header.items()}


def load_session(folder):
    """Returns {graph name: (value, trainable)} as a TF1 session restores it."""
    with tf1.Session(graph=tf.Graph()) as session:
        tf1.saved_model.loader.load(session, ['serve'], str(folder))
        variables = tf1.global_variables()
        values = session.run([variable.value() for variable in variables])
        found = {variable.op.name: (value, variable.trainable) for variable, value in zip(variables, values)}
        assert {v.op.name for v in tf1.trainable_variables()} == {name for name, (_, yes) in found.items() if yes}
        return found


def attribute(model, *path):
    for part in path:
        model = model[part] if isinstance(model, dict) or hasattr(model, 'keys') else getattr(model, part)
    return model


def test_every_dtype():
    """Every dtype that TensorFlow has variables of comes back through both loaders; floating variables are trainable."""
    names = ('float32 float64 half bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool string complex64 complex128 '
             'qint8 quint8 qint32 float8_e5m2 float8_e4m3fn int4 uint4').split() + (['int2', 'uint2'] if NEW else [])
    floating = {'float32', 'float64', 'half', 'bfloat16', 'float8_e5m2', 'float8_e4m3fn'}
    random = np.random.default_rng(1)
    with scratch() as folder:
        values = {}
        for name in names:
            dtype = getattr(tf, name, None) or tf.dtypes.as_dtype(name)
            for shape in ((), (2, 3), (0, 4)):
                count = int(np.prod(shape, dtype=int))
                if name == 'string':
                    value = tf.constant([b'', b'a\0b', 'é'.encode(), b'x' * 200, b'1', b'2'][:count] or [], tf.string)
                elif name in ('bool', 'int2', 'uint2', 'int4', 'uint4'):
                    low, high = {'int2': (-2, 2), 'uint2': (0, 4), 'int4': (-8, 8)}.get(name, (0, 2 if name == 'bool' else 16))
                    value = tf.constant(random.integers(low, high, count).astype(dtype.as_numpy_dtype), dtype)
                else:
                    raw = random.bytes(count * dtype.size)
                    value = tf.constant(np.frombuffer(raw, np.uint8 if count == 0 else dtype.as_numpy_dtype)
                                        .astype(dtype.as_numpy_dtype), dtype) \
                        if not name.startswith('q') else tf.bitcast(tf.io.decode_raw(raw, {1: tf.uint8, 4: tf.int32}[dtype.size]), dtype)
                values[f'{name}/{len(shape)}{count}'] = tf.reshape(value, shape)
        prefix = str(folder / 'in.ckpt')
        tf.raw_ops.SaveV2(prefix=prefix, tensor_names=list(values), shape_and_slices=[''] * len(values),
                          tensors=list(values.values()))
        convert(prefix, folder / 'model', '--to', 'saved_model')
        model, session = tf.saved_model.load(str(folder / 'model')), load_session(folder / 'model')
        assert session.keys() == values.keys()
        for name, value in values.items():
            variable = attribute(model, *name.split('/'))
            value = np.asarray(value.numpy())
            assert bits(variable.numpy()) == bits(value) and variable.shape == value.shape, name
            assert bits(session[name][0]) == bits(value) and np.shape(session[name][0]) == value.shape, name
            assert variable.trainable == session[name][1] == (name.split('/')[0] in floating), name
            assert variable.name == name + ':0'


def test_names():
    """Names that cannot be Python attributes or graph names are replaced, uniquely, as the plan says; no value is lost."""
    flat, item = 'attribute', 'item'
    names = {  # name: (where TF2 has it, the graph's name)
        'dense/kernel': (('dense', 'kernel'), 'dense/kernel'),
        'dense/bias': (('dense', 'bias'), 'dense/bias'),
        'layer.0.weight': (('layer.0.weight',), 'layer.0.weight'),
        '0/1/2': (('0', '1', '2'), '0/1/2'),
        'a': (('a',), 'a'),
        'A': (('A',), 'A'),
        'a/b': ((flat, 'a/b'), 'a/b'),
        'a/b/c': ((flat, 'a/b/c'), 'a/b/c'),
        'x//y': (('x', 'y'), 'x//y'),
        'x/y': ((flat, 'x/y'), 'x/y'),
        'x/y/': ((flat, 'x/y/'), 'x/y_1'),
        '/x/z': (('x', 'z'), 'x/z'),
        'two words': (('two words',), 'two_words'),
        'two_words': (('two_words',), 'two_words_1'),
        'two:words': (('two:words',), 'two_words_2'),
        '_kernel': (('_kernel',), 'v_kernel'),
        'm/_kernel': (('m', '_kernel'), 'm/_kernel'),
        '-': (('-',), 'v-'),
        '\\': (('\\',), 'v_'),
        'é/ü': (('é', 'ü'), 'v__/__'),
        'new\nline': (('new\nline',), 'new_line'),
        'nul\0': (('nul\0',), 'nul_'),
        'nul\0a/b': (('nul\0a', 'b'), 'nul_a/b'),
        'nul\0c/b': (('nul\0c', 'b'), 'nul_c/b'),
        '/': ((flat, '/'), 'v'),
        'save/Const': (('save', 'Const'), 'save/Const'),
        'save_1/x': (('save_1', 'x'), 'save_1/x'),
        'init': (('init',), 'init'),
        'w': (('w',), 'w'),
        'w/Assign': ((flat, 'w/Assign'), 'w/Assign'),
        'w/Read/ReadVariableOp': ((flat, 'w/Read/ReadVariableOp'), 'w/Read/ReadVariableOp'),
        'w/Initializer/zeros': ((flat, 'w/Initializer/zeros'), 'w/Initializer/zeros'),
        'signatures': ((item, 'signatures'), 'signatures'),
        'm/signatures': (('m', 'signatures'), 'm/signatures'),
        'tensorflow_version/x': ((item, 'tensorflow_version/x'), 'tensorflow_version/x'),
        '__class__': ((item, '__class__'), 'v__class__'),
        'm/_self_update_uid': ((item, 'm/_self_update_uid'), 'm/_self_update_uid'),
        '_checkpoint_dependencies/x': ((item, '_checkpoint_dependencies/x'), 'v_checkpoint_dependencies/x'),
        'weights/kernel': (('weights', 'kernel'), 'weights/kernel'),
        'class': (('class',), 'class'),
        '.OPTIMIZER_SLOT': (('.OPTIMIZER_SLOT',), '.OPTIMIZER_SLOT'),
        'n' * 300: (('n' * 300,), 'n' * 300),
    }
    # A name that may stay keeps it, whatever is replaced: so 'two_words' does, and the others follow in the order of names.
    names['two_words'] = (('two_words',), 'two_words')
    names['two words'] = (('two words',), 'two_words_1')
    values = {name: np.full((i % 3, 2), i, np.float32) for i, name in enumerate(names, 1)}
    with scratch() as folder:
        write_safetensors(folder / 'in.safetensors', values)
        plan = json.loads(tenon('plan', '--json', folder / 'in.safetensors', folder / 'model', '--to', 'saved_model'))
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model')
        model, session = tf.saved_model.load(str(folder / 'model')), load_session(folder / 'model')
        assert len(session) == len(names)
        for name, (path, graph) in names.items():
            where = path
            if path[0] == flat:
                where = path[1:]
            elif path[0] == item:
                where = ('weights_1', path[1])
            variable = model
            for part in where:
                variable = variable[part] if where[0] == 'weights_1' and part != 'weights_1' else getattr(variable, part)
            assert bits(variable.numpy()) == bits(values[name]), name
            assert variable.name == graph + ':0', (name, variable.name)
            assert bits(session[graph][0]) == bits(values[name]), name
            told = ''.join(next(t['ops'] for t in plan['tensors'] if t['name'] == name))
            assert (f'graph name {graph}' in told) == (graph != name), (name, told)
            assert told.startswith(('attribute ', 'item of weights: ')) == (path[0] in (flat, item)), (name, told)
        codes = {finding['code'] for finding in plan['warnings']}
        assert {'graph-names', 'object-paths'} <= codes, codes
        # All that was written is found again, and a second SavedModel of the first one has the same values.
        again = folder / 'again'
        convert(folder / 'model', again, '--scheme', 'full')
        second = load_session(again)
        assert {bits(value) for value, _ in second.values()} == {bits(value) for value, _ in session.values()}
        assert len(second) == len(session)


def test_names_of_the_loader():
    """Names that TensorFlow's own loaded objects have hide nothing, break no loading, and no saving of what was loaded."""
    with scratch() as folder:
        write_safetensors(folder / 'in.safetensors', {'m/x': np.zeros(1, np.float32)})
        convert(folder / 'in.safetensors', folder / 'small', '--to', 'saved_model')
        small = tf.saved_model.load(str(folder / 'small'))
        taken = sorted(set(dir(small)) - {'m'}), sorted(set(dir(small.m)) - {'x'})
        assert len(taken[0]) > 60 and len(taken[1]) > 60
        names = taken[0] + ['m/' + name for name in taken[1]]
        values = {name: np.full(1 + i % 3, i, np.float32) for i, name in enumerate(names)}
        write_safetensors(folder / 'in.safetensors', values)
        plan = json.loads(tenon('plan', '--json', folder / 'in.safetensors', folder / 'model', '--to', 'saved_model'))
        items = {t['name'] for t in plan['tensors'] if any(op.startswith('item of weights: ') for op in t['ops'])}
        assert {'__class__', 'm/__dict__', 'signatures', 'm/_serialize_to_proto'} <= items
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model')
        model = tf.saved_model.load(str(folder / 'model'))
        tf.saved_model.save(model, str(folder / 'again'))
        for loaded in (model, tf.saved_model.load(str(folder / 'again'))):
            for name, value in values.items():
                variable = loaded.weights[name] if name in items else attribute(loaded, *name.split('/'))
                assert bits(variable.numpy()) == bits(value), name
        assert len(load_session(folder / 'model')) == len(names)


def test_names_come_back():
    """The names that a graph may have are its full names: a safetensors file comes back as it was, in either framework's style."""
    random = np.random.default_rng(4)
    names = ['layer.0.weight', 'layer.0.weight_g', 'h.Self/w', 'a..b', 'W', 'W/Adam', 'W/Adam_1', 'x//y', 'x/y', '0', '.a', 'save/Const']
    values = {name: random.standard_normal((2, 3), np.float32) for name in names}
    with scratch() as folder:
        write_safetensors(folder / 'in.safetensors', values)
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model')
        assert {name: bits(value) for name, (value, _) in load_session(folder / 'model').items()} == \
            {name: bits(value) for name, value in values.items()}
        convert(folder / 'model', folder / 'out.safetensors', '--scheme', 'full')
        assert tensors_of(folder / 'out.safetensors') == tensors_of(folder / 'in.safetensors')
        tenon('diff', '--scheme', 'full', folder / 'in.safetensors', folder / 'model')
        tenon('diff', '--scheme', 'full', folder / 'model', folder / 'in.safetensors')


def test_shards():
    """Several data files in variables/, which both loaders read."""
    values = {f'v{i}': np.arange(30, dtype=np.float32) + i for i in range(9)}
    with scratch() as folder:
        write_safetensors(folder / 'in.safetensors', values)
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model', '--max-shard-size', '400')
        assert len(list((folder / 'model/variables').glob('variables.data-*-of-*'))) >= 3
        model, session = tf.saved_model.load(str(folder / 'model')), load_session(folder / 'model')
        for name, value in values.items():
            assert bits(getattr(model, name).numpy()) == bits(session[name][0]) == bits(value)


def test_refusals():
    """What no loader could load is refused, with what to do instead."""
    with scratch() as folder:
        write_safetensors(folder / 'in.safetensors', {'x.ATTRIBUTES/y': np.zeros(2, np.float32)})
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model', code=3)
        write_safetensors(folder / 'in.safetensors', {'x': np.zeros(2, np.float32)})
        convert(folder / 'in.safetensors', folder / 'model.pb', '--to', 'saved_model', code=2)
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model', '--layout', 'objects', code=2)
        tf.raw_ops.SaveV2(prefix=str(folder / 'q'), tensor_names=['q'], shape_and_slices=[''],
                          tensors=[tf.bitcast(tf.constant([1, 2], tf.uint16), tf.quint16)])
        convert(folder / 'q', folder / 'model', '--to', 'saved_model', code=3)
        assert sorted(os.listdir(folder)) == ['in.safetensors', 'q.data-00000-of-00001', 'q.index']


def test_saved_again():
    """What was loaded can be saved again by TensorFlow, the checkpoint restored into it, and the TF1 saver saves all."""
    random = np.random.default_rng(2)
    values = {f'block_{i}/{name}': random.standard_normal((3, 2), np.float32) for i in range(4) for name in ('w', 'b')}
    with scratch() as folder:
        write_safetensors(folder / 'in.safetensors', values)
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model')
        model = tf.saved_model.load(str(folder / 'model'))
        assert dict(model.signatures) == {}
        tf.train.Checkpoint(model).read(str(folder / 'model/variables/variables')).assert_consumed()
        tf.saved_model.save(model, str(folder / 'again'))
        again = tf.saved_model.load(str(folder / 'again'))
        for name, value in values.items():
            assert bits(attribute(again, *name.split('/')).numpy()) == bits(value)
        with tf1.Session(graph=tf.Graph()) as session:
            tf1.saved_model.loader.load(session, ['serve'], str(folder / 'model'))
            session.run('save/control_dependency:0', {'save/Const:0': str(folder / 'saved')})
            session.run('init')
            assert not np.any(session.run('block_0/w/Read/ReadVariableOp:0'))
            session.run('save/restore_all', {'save/Const:0': str(folder / 'saved')})
            assert bits(session.run('block_0/w/Read/ReadVariableOp:0')) == bits(values['block_0/w'])
        done = subprocess.run([sys.executable, '-m', 'tensorflow.python.tools.saved_model_cli', 'show', '--all', '--dir',
                               str(folder / 'model')], capture_output=True, text=True, check=True)
        assert 'MetaGraphDef' in done.stdout


def test_partitioned_variables():
    """The parts of a partitioned variable become one variable; nothing is cut in the SavedModel's checkpoint."""
    with scratch() as folder:
        with tf1.Session(graph=tf.Graph()) as session:
            with tf1.variable_scope('s', partitioner=tf1.fixed_size_partitioner(3)):
                tf1.get_variable('table', initializer=tf.reshape(tf.range(40.0), (10, 4)), use_resource=True)
            session.run(tf1.global_variables_initializer())
            tf1.train.Saver().save(session, str(folder / 'in'))
        convert(folder / 'in', folder / 'model', '--to', 'saved_model')
        want = np.arange(40, dtype=np.float32).reshape(10, 4)
        assert bits(tf.saved_model.load(str(folder / 'model')).s.table.numpy()) == bits(want)
        assert bits(load_session(folder / 'model')['s/table'][0]) == bits(want)


def test_replacing():
    """-f replaces a SavedModel of TensorFlow's own, assets and all, and never a folder with a file of somebody else."""
    with scratch() as folder:
        old = folder / 'model'
        module = tf.Module()
        module.w = tf.Variable([1.0, 2.0])
        (folder / 'vocabulary.txt').write_text('a\nb\n')
        module.asset = tf.saved_model.Asset(str(folder / 'vocabulary.txt'))
        tf.saved_model.save(module, str(old))
        before = {str(path): path.read_bytes() for path in old.rglob('*') if path.is_file()}
        assert str(old / 'assets/vocabulary.txt') in before
        write_safetensors(folder / 'in.safetensors', {'x': np.ones(3, np.float32)})
        to = ('--to', 'saved_model')
        convert(folder / 'in.safetensors', old, *to, code=5)
        for note in (old / 'notes.txt', old / 'variables/notes.txt', old / 'assets.extra/notes.txt'):
            note.parent.mkdir(exist_ok=True)
            note.write_text('mine')
            convert(folder / 'in.safetensors', old, *to, '-f', code=5)
            note.unlink()
        (old / 'assets.extra').rmdir()
        assert before == {str(path): path.read_bytes() for path in old.rglob('*') if path.is_file()}
        convert(old, old, '-f', code=2)
        convert(old / 'variables/variables', old, *to, '-f', code=2)
        convert(folder / 'in.safetensors', str(old) + '/', *to, '-f')
        assert sorted(path.relative_to(old).as_posix() for path in old.rglob('*') if path.is_file()) == [
            'saved_model.pb', 'variables/variables.data-00000-of-00001', 'variables/variables.index']
        assert sorted(os.listdir(folder)) == ['in.safetensors', 'model', 'vocabulary.txt']
        assert bits(tf.saved_model.load(str(old)).x.numpy()) == bits(np.ones(3, np.float32))
        document = json.loads(tenon('convert', '--json', folder / 'in.safetensors', old, *to, '--skip-existing'))
        assert document['skipped']


def same_variables(source, folder):
    """Compares what a SavedModel's checkpoint holds with another's, by the names that tenon lists, read by TensorFlow."""
    def values(path):
        reader = tf.train.load_checkpoint(str(path / 'variables/variables'))
        return {t['name']: (bits(reader.get_tensor(t['aliases']['key'])), t['shape'], t['dtype'])
                for t in listing(path) if t['role'] != 'constant'}
    before, after = values(source), values(folder)
    assert before == after, (sorted(before), sorted(after))
    loaded = load_session(folder)
    assert sorted(bits(value) for value, _ in loaded.values()) == sorted(value for value, _, _ in before.values())
    return len(before)


def test_round_trips():
    """SavedModel to safetensors to SavedModel, and to SavedModel at once: every variable bit for bit under its name."""
    count = 0
    with scratch() as folder:
        for name in ('good-keras2-export', 'good-keras3-export', 'good-tf2-module', 'good-tf1-keys'):
            source = support.FIXTURES / 'saved_model' / name
            source = source if (source / 'saved_model.pb').exists() else source / 'model'
            convert(source, folder / f'{name}.safetensors')
            convert(folder / f'{name}.safetensors', folder / name, '--to', 'saved_model')
            count += same_variables(source, folder / name)
            convert(source, folder / f'{name}-direct', '--layout', 'weights')
            same_variables(source, folder / f'{name}-direct')
    assert count >= 18, count


def test_trainable():
    """What a graph says of training stays so, also where a moving average takes its variable's place."""
    said = set()
    with scratch() as folder:
        for name in ('good-keras3-export', 'good-tf2-module', 'good-tf1-keys', 'good-tf1-two-tags'):
            source = support.FIXTURES / 'saved_model' / name
            source = source if (source / 'saved_model.pb').exists() else source / 'model'
            convert(source, folder / name, '--layout', 'weights')
            full = {t['name']: t['aliases']['full'] for t in listing(folder / name) if t['role'] != 'constant'}
            session = load_session(folder / name)
            for t in listing(source):
                if t['trainable'] is not None and t['name'] in full:
                    assert session[full[t['name']]][1] == t['trainable'], (name, t)
                    said.add((t['trainable'], t['dtype']))
        assert {True, False} <= {yes for yes, _ in said}, said
        with tf1.Session(graph=tf.Graph()) as run:
            w = tf1.get_variable('w', initializer=[1.0, 2.0], use_resource=True)
            average = tf.train.ExponentialMovingAverage(0.5)
            step = average.apply([w])
            run.run(tf1.global_variables_initializer())
            run.run(step)
            tf1.saved_model.simple_save(run, str(folder / 'averaged'), {'x': tf1.placeholder(tf.float32)}, {'y': w + 0})
        convert(folder / 'averaged', folder / 'promoted', '--layout', 'weights', '--rules', 'preset:tf1/promote-ema')
        (value, trains), = load_session(folder / 'promoted').values()
        assert trains and value.tolist() == [1.0, 2.0]


def test_keras_files():
    """SavedModel to Keras .h5 to SavedModel, Keras 2 and 3 exports, a module, TF1: every variable, or the weights alone as Keras
    keeps them."""
    count = 0
    with scratch() as folder:
        for name in ('good-keras2-export', 'good-keras3-export', 'good-tf2-module', 'good-tf1-keys'):
            source = support.FIXTURES / 'saved_model' / name
            source = source if (source / 'saved_model.pb').exists() else source / 'model'
            convert(source, folder / f'{name}.h5', '--layout', 'plain')
            convert(folder / f'{name}.h5', folder / name, '--to', 'saved_model')
            count += same_variables(source, folder / name)
            if 'keras' in name:
                convert(source, folder / f'{name}-weights.h5', '--weights-only')
                convert(folder / f'{name}-weights.h5', folder / f'{name}-weights', '--to', 'saved_model')
                reader = tf.train.load_checkpoint(str(source / 'variables/variables'))
                want = sorted(bits(reader.get_tensor(t['aliases']['key'])) for t in listing(source, '--weights-only'))
                assert len(want) >= 4
                assert sorted(bits(value) for value, _ in load_session(folder / f'{name}-weights').values()) == want
    assert count >= 18, count


def test_many_variables():
    """Thousands of variables, in the order of no one."""
    random = np.random.default_rng(3)
    values = {f'l{i % 50}/m{i}/w': random.standard_normal(2, np.float32) for i in random.permutation(3000)}
    with scratch() as folder:
        write_safetensors(folder / 'in.safetensors', values)
        convert(folder / 'in.safetensors', folder / 'model', '--to', 'saved_model')
        convert(folder / 'in.safetensors', folder / 'same', '--to', 'saved_model', '--threads', '1')
        model, session = tf.saved_model.load(str(folder / 'model')), load_session(folder / 'model')
        for name, value in values.items():
            assert bits(attribute(model, *name.split('/')).numpy()) == bits(session[name][0]) == bits(value)
        for file in ('saved_model.pb', 'variables/variables.index', 'variables/variables.data-00000-of-00001'):
            assert (folder / 'model' / file).read_bytes() == (folder / 'same' / file).read_bytes()


if __name__ == '__main__':
    support.main(globals())
