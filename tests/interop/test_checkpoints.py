"""What TensorFlow and safetensors read of what tenon wrote, and what tenon says of what they wrote."""
import io
import json
import shutil
import subprocess
import zipfile

import support
from support import convert, fixtures, listing, scratch, tenon

import ml_dtypes  # noqa: F401  (dtypes of NumPy)
import numpy as np
import tensorflow as tf
from safetensors import safe_open
from safetensors.numpy import load_file

NOT_IN_SAFETENSORS = {'string', 'variant', 'complex128', 'int2', 'int4', 'uint2', 'uint4', 'float8_e4m3b11fnuz'}

NOT_IN_NUMPY_LOADER = {'bfloat16', 'float8_e4m3fn', 'float8_e5m2', 'float8_e4m3fnuz', 'float8_e5m2fnuz'}  # of safetensors 0.8


def tensors_of(expected):
    return [record for record in expected['tensors'] if record['role'] != 'metadata' and not record.get('twin_of')]


def read_values(prefix):
    """Returns all values that TensorFlow reads, by key; variants are left out, partitioned variables are whole."""
    reader = tf.train.load_checkpoint(str(prefix))
    return {key: reader.get_tensor(key) for key, dtype in reader.get_variable_to_dtype_map().items() if dtype != tf.variant}


def same_values(ours, theirs):
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    for key, value in theirs.items():
        one, other = np.asarray(ours[key]), np.asarray(value)
        assert one.dtype == other.dtype and one.shape == other.shape, key
        assert one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes(), key


def is_utf8(expected):
    return all('key_b64' not in record for record in expected['tensors'])


def test_keys_are_those_of_list_variables():
    """`ls --all --scheme key` lists just the keys of tf.train.list_variables."""
    for name, path, expected in fixtures('tf_checkpoint'):
        if is_utf8(expected):
            ours = [row['name'] for row in listing(path, '--all', '--scheme', 'key')]
            theirs = [key for key, _ in tf.train.list_variables(str(path))]
            assert sorted(ours) == sorted(theirs), name


def test_keras3_names_are_of_layers():
    """A trained Keras 3 model lists its layers' object paths, not the optimizer's lists."""
    names = {row['name'] for row in listing(support.FIXTURES / 'tf_checkpoint/good-keras3-sequential')}
    assert 'model/_functional/_operations/1/_kernel' in names
    assert not any('_trainable_variables' in name for name in names)


def test_tensorflow_to_tensorflow():
    """Every fixture written again: TensorFlow reads the same keys, dtypes, shapes and values."""
    for name, path, expected in fixtures('tf_checkpoint'):
        with scratch() as folder:
            convert(path, folder / 'out', '--to', 'tf_checkpoint')
            if is_utf8(expected):
                same_values(read_values(folder / 'out'), read_values(path))


def test_names_layout():
    """--layout names: the values stand under the names that tenon prints, without an object graph."""
    for name, path, expected in fixtures('tf_checkpoint'):
        with scratch() as folder:
            if not is_utf8(expected) or expected['layout'] != 'objects':
                continue
            convert(path, folder / 'out', '--to', 'tf_checkpoint', '--layout', 'names')
            ours, theirs = read_values(folder / 'out'), read_values(path)
            wanted = {record['name']: theirs[record['key']] for record in tensors_of(expected)}
            same_values(ours, wanted)


def test_tensorflow_to_safetensors():
    """The official library reads equal values from what tenon made of a checkpoint."""
    for name, path, expected in fixtures('tf_checkpoint'):
        with scratch() as folder:
            if not is_utf8(expected):
                continue
            out = folder / 'out.safetensors'
            odd = [record['name'] for record in tensors_of(expected)
                   if record['dtype'] in NOT_IN_SAFETENSORS | NOT_IN_NUMPY_LOADER]
            drops = [word for odd_name in odd for word in ('--drop', odd_name)]
            if len(odd) == len(tensors_of(expected)):
                continue
            convert(path, out, *drops)
            theirs = read_values(path)
            with safe_open(str(out), 'numpy') as file:
                assert file.metadata() == {'format': 'pt'}, name
            ours = load_file(str(out))
            for record in tensors_of(expected):
                if record['name'] not in odd:
                    value = np.asarray(theirs[record['key']])
                    assert ours.pop(record['name']).tobytes() == value.tobytes(), (name, record['name'])
            assert not ours, (name, ours.keys())


def test_there_and_back():
    """TensorFlow to safetensors to TensorFlow: the same names, dtypes, shapes, bytes."""
    for name, path, expected in fixtures('tf_checkpoint'):
        dtypes = {record['dtype'] for record in tensors_of(expected)}
        if not is_utf8(expected) or dtypes & NOT_IN_SAFETENSORS or any(word.startswith('q') for word in dtypes):
            continue
        with scratch() as folder:
            convert(path, folder / 'a.safetensors')
            convert(folder / 'a.safetensors', folder / 'back', '--to', 'tf_checkpoint')
            theirs = read_values(path)
            same_values(read_values(folder / 'back'),
                        {record['name']: theirs[record['key']] for record in tensors_of(expected)})


def test_resharded():
    """safetensors in shards: the hub's index, shards that the library reads, and the same bytes when joined again."""
    rng = np.random.default_rng(3)
    arrays = {f'layer.{i}.weight': rng.standard_normal((7, i + 1)).astype('float32') for i in range(20)}
    from safetensors.numpy import save_file
    with scratch() as folder:
        save_file(arrays, folder / 'whole.safetensors', metadata={'format': 'pt'})
        convert(folder / 'whole.safetensors', folder / 'model.safetensors', '--max-shard-size', '1k')
        index = json.loads((folder / 'model.safetensors.index.json').read_text())
        assert index['metadata']['total_size'] == sum(array.nbytes for array in arrays.values())
        found = {}
        for shard in set(index['weight_map'].values()):
            found |= load_file(str(folder / shard))
        same_values(found, arrays)
        convert(folder / 'model.safetensors.index.json', folder / 'joined.safetensors')
        assert (folder / 'joined.safetensors').read_bytes() == (folder / 'whole.safetensors').read_bytes()


def random_tensors(rng, count, name):
    types = ['float32', 'float64', 'float16', 'int64', 'int32', 'uint8', 'bool', 'complex64', 'bfloat16', 'string']
    for index in range(count):
        shape = tuple(rng.integers(0, 4, rng.integers(0, 4)))
        dtype = types[rng.integers(len(types))]
        if dtype == 'string':
            value = np.array([rng.bytes(rng.integers(0, 40)) for _ in range(int(np.prod(shape)))], object).reshape(shape)
            yield name(index), tf.constant(value, tf.string, shape)
        else:
            yield name(index), tf.cast(tf.constant(rng.integers(0, 2, shape)), dtype)


def save(prefix, pairs):
    names, tensors = zip(*pairs)
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(names), shape_and_slices=[''] * len(names), tensors=tensors)


def test_indexes_byte_for_byte():
    """Index and data that tenon writes are those that SaveV2 writes for the same tensors."""
    rng = np.random.default_rng(11)
    makers = [(1, lambda i: 'w'), (17, lambda i: f'layer_{i}/kernel'), (3000, lambda i: f'model/block_{i // 7}/v{i % 7}'),
              (40, lambda i: 'k' * (i * 997 % 5000 + 1) + str(i)), (3, lambda i: chr(0x100 + i) * 150000),
              (300, lambda i: f'{i * 7919 % 300:03d}\u00e9/\U0001F600' + 'x' * (i % 50))]
    for count, name in makers:
        with scratch() as folder:
            save(folder / 'a', random_tensors(rng, count, name))
            convert(folder / 'a', folder / 'b', '--to', 'tf_checkpoint', '--limit', 'name-bytes=1M')
            for suffix in ('.index', '.data-00000-of-00001'):
                assert (folder / f'a{suffix}').read_bytes() == (folder / f'b{suffix}').read_bytes(), (count, suffix)


def test_merged_shards():
    """Shards that MergeV2Checkpoints put together, whole and partitioned tensors, come out as they went in."""
    rng = np.random.default_rng(5)
    big = rng.standard_normal((10, 4)).astype('float32')
    with scratch() as folder:
        tf.raw_ops.SaveV2(prefix=f'{folder}/p0', tensor_names=['a', 'big'], shape_and_slices=['', '10 4 0,5:-'],
                          tensors=[tf.constant([1, 2, 3]), tf.constant(big[:5])])
        tf.raw_ops.SaveV2(prefix=f'{folder}/p1', tensor_names=['b', 'big'], shape_and_slices=['', '10 4 5,5:-'],
                          tensors=[tf.constant(7.5), tf.constant(big[5:])])
        tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=[f'{folder}/p0', f'{folder}/p1'],
                                      destination_prefix=f'{folder}/merged', delete_old_dirs=False)
        convert(folder / 'merged', folder / 'out', '--to', 'tf_checkpoint', '--max-shard-size', '1')
        assert len(list(folder.glob('out.data-*'))) > 1
        same_values(read_values(folder / 'out'), {'a': np.array([1, 2, 3], 'int32'), 'b': np.float32(7.5), 'big': big})
        convert(folder / 'out', folder / 'x.safetensors')
        assert load_file(str(folder / 'x.safetensors'))['big'].tobytes() == big.tobytes()


def test_threads_do_not_show():
    """The output does not depend on --threads."""
    for path in ('tf_checkpoint/good-v1-sharded', 'tf_checkpoint/good-v1-partitioned', 'tf_checkpoint/good-big-endian'):
        expected = json.loads((support.FIXTURES / path / 'expected.json').read_text())
        with scratch() as folder:
            for threads in (1, 4):
                convert(support.FIXTURES / path / expected['path'], folder / f'{threads}', '--to', 'tf_checkpoint',
                        '--threads', threads)
            for suffix in ('.index', '.data-00000-of-00001'):
                assert (folder / f'1{suffix}').read_bytes() == (folder / f'4{suffix}').read_bytes(), path


def test_get_as_numpy():
    """`get` as npy, npz and json, and slices of it, are what NumPy makes of the same array."""
    rng = np.random.default_rng(9)
    arrays = {'f': rng.standard_normal((5, 6, 7)).astype('float32'), 'i': rng.integers(-9, 9, (4, 3)),
              'd': rng.standard_normal(()), 'b': rng.integers(0, 2, 9).astype(bool)}
    from safetensors.numpy import save_file
    with scratch() as folder:
        save_file(arrays, folder / 'a.safetensors')
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            assert tenon('get', folder / 'a.safetensors', name, '--as', 'npy') == buffer.getvalue(), name
            values = json.loads(tenon('get', folder / 'a.safetensors', name, '--as', 'json'))['tensors'][0]['values']
            assert np.array_equal(np.array(values, array.dtype), array), name
        tenon('get', folder / 'a.safetensors', '*', '-o', folder / 'all.npz')
        same_values(dict(np.load(folder / 'all.npz')), arrays)
        assert zipfile.ZipFile(folder / 'all.npz').testzip() is None
        for spec in ('0', '-1', '1:4', '::2', '::-1,:,3', '...,-2:', '2:,1,::3', '4:1:-1,0:0'):
            sliced = eval(f"arrays['f'][{spec}]")  # the specification is the test's own
            raw = tenon('get', folder / 'a.safetensors', 'f', '--slice', spec, '--as', 'raw')
            assert raw == np.ascontiguousarray(sliced).tobytes(), spec


def test_statistics():
    """`ls --stats` says what NumPy says."""
    rng = np.random.default_rng(2)
    values = rng.standard_normal(10000).astype('float32')
    values[[3, 5, 8]], values[[1, 2]] = np.nan, 0
    from safetensors.numpy import save_file
    with scratch() as folder:
        save_file({'v': values}, folder / 'a.safetensors')
        stats = listing(folder / 'a.safetensors', '--stats')[0]['stats']
        assert stats['nan'] == 3 and stats['zeros'] == 2 and stats['inf'] == 0
        assert stats['min'] == float(np.nanmin(values)) and stats['max'] == float(np.nanmax(values))
        assert abs(stats['mean'] - np.nanmean(values.astype('float64'))) < 1e-12


def test_constant_memory():
    """Two GiB go through less than 64 MiB of memory, both ways, and so they do when verified."""
    elements = 1 << 20
    block = np.arange(elements, dtype='float32')
    with scratch() as folder:
        header = {f'w{i:03d}': {'dtype': 'F32', 'shape': [elements], 'data_offsets': [i * block.nbytes, (i + 1) * block.nbytes]}
                  for i in range(512)}
        text = json.dumps(header).encode()
        text += b' ' * (-len(text) % 8)
        with open(folder / 'big.safetensors', 'wb') as file:
            file.write(len(text).to_bytes(8, 'little') + text)
            for _ in range(512):
                file.write(block.tobytes())
        commands = [['-q', 'convert', 'big.safetensors', 'big', '--to', 'tf_checkpoint'], ['-q', 'verify', 'big'],
                    ['-q', 'convert', 'big', 'again.safetensors']]
        for command in commands:
            script = ('import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); '
                      'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)')
            done = subprocess.run(['python3', '-c', script, support.PROGRAM, *command], cwd=folder, capture_output=True,
                                  text=True, check=True)
            assert int(done.stdout.split()[-1]) < 64 * 1024, (command, done.stdout)
        reader = tf.train.load_checkpoint(str(folder / 'big'))
        assert np.array_equal(reader.get_tensor('w511'), block)



def test_linked_checkpoints():
    """What --link made: TensorFlow reads the renamed keys and the same values, also of several shards and of strings."""
    for name, prefix in [('good-v1-adam', 'model.ckpt'), ('good-v1-sharded', 'model.ckpt'), ('good-strings', 'ckpt')]:
        with scratch() as folder:
            shutil.copytree(support.FIXTURES / 'tf_checkpoint' / name, folder / 'in')
            theirs = read_values(folder / 'in' / prefix)
            convert(folder / 'in' / prefix, folder / 'out-1', '--link', '--layout', 'names', '--rename', '/=moved/')
            ours = read_values(folder / 'out-1')
            same_values({key.removeprefix('moved/'): value for key, value in ours.items()}, theirs)
            assert any(key.startswith('moved/') for key in ours), name


if __name__ == '__main__':
    support.main(globals())
