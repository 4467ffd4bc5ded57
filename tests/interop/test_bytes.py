"""Byte for byte: indexes and data against SaveV2, safetensors through shards and back, values and slices against NumPy."""
import io
import json
import zipfile

import support
from support import convert, fixtures, listing, raw_key, scratch, tenon

import ml_dtypes
import numpy as np
import safetensors
import tensorflow as tf
from safetensors.numpy import save_file

import producing
import safetensors_files
import tf_handmade
import tf_objects

NOT_FROM_SAFETENSORS = ('float4', 'float6', 'float8_e8m0')  # what a TensorFlow checkpoint has no type for
NO_ARRAYS = {'string', 'variant', 'int2', 'uint2', 'int4', 'uint4'}  # stored otherwise by safetensors, or not at all
NOT_IN_SAFETENSORS = NO_ARRAYS | {'complex128', 'float8_e4m3b11fnuz'}


def pieces(prefix):
    """The bytes of a checkpoint's files by what follows the prefix."""
    return {path.name.removeprefix(prefix.name): path.read_bytes() for path in prefix.parent.glob(f'{prefix.name}.*')}


def save_slices(prefix, entries):
    """entries: (name, shape and slice, tensor)."""
    names, slices, tensors = zip(*entries)
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(names), shape_and_slices=list(slices), tensors=list(tensors))


def string_tensor(rng, shape):
    count = int(np.prod(shape))
    values = [rng.bytes(int(rng.integers(0, 300))) for _ in range(count)]
    return tf.constant(values, tf.string, shape) if count else tf.zeros(shape, tf.string)


def any_tensor(rng, dtype):
    shape = tuple(int(size) for size in rng.integers(0, 5, rng.integers(0, 4)))
    if dtype == 'string':
        return string_tensor(rng, shape)
    return tf_objects.tensor_of(dtype, shape or ((1,) if dtype.startswith('complex') else ()))


def cut(rng, array):
    """Cuts an array along one or two axes into slices that cover it; a whole axis is written as `-`."""
    shape = ' '.join(map(str, array.shape))
    axes = sorted(rng.choice(array.ndim, int(rng.integers(1, min(array.ndim, 2) + 1)), replace=False))
    boxes = [[]]
    for axis, size in enumerate(array.shape):
        borders = [0, *sorted(set(rng.integers(1, size, 3).tolist())), size] if axis in axes and size > 1 else None
        ranges = list(zip(borders, borders[1:])) if borders else [None]
        boxes = [[*box, one] for box in boxes for one in ranges]
    for box in boxes:
        words = ['-' if one is None else f'{one[0]},{one[1] - one[0]}' for one in box]
        part = array[tuple(slice(None) if one is None else slice(*one) for one in box)]
        yield f"{shape} {':'.join(words)}", part


def carried_alike(prefix, *options):
    """Demands that tenon's copy is TensorFlow's file, byte for byte."""
    out = prefix.parent / f'{prefix.name}-copy'
    convert(prefix, out, '--to', 'tf_checkpoint', *options)
    ours, theirs = pieces(out), pieces(prefix)
    assert ours.keys() == theirs.keys(), (ours.keys(), theirs.keys())
    for suffix, content in theirs.items():
        assert ours[suffix] == content, suffix


def test_every_dtype_as_savev2():
    """Random shapes, empty ones too, of every dtype that SaveV2 takes, in random order."""
    rng = np.random.default_rng(31)
    dtypes = [*tf_objects.NUMBER_TYPES, *tf_objects.QUANTIZED_TYPES, 'string']
    for count in (1, 2, 60, 700):
        with scratch() as folder:
            names = [f'scope_{int(rng.integers(0, 50))}/{index:x}' for index in rng.permutation(count)]
            tensors = [any_tensor(rng, dtypes[int(rng.integers(len(dtypes)))]) for _ in names]
            save_slices(folder / 'a', [(name, '', tensor) for name, tensor in zip(names, tensors)])
            carried_alike(folder / 'a')


def test_random_names_as_savev2():
    """Names of any bytes, long common beginnings, 0xff at the borders of blocks."""
    rng = np.random.default_rng(32)
    for alphabet, longest in ((range(256), 40), ((0, 1, 254, 255), 30), (b'ab/', 3000), ((255,), 2500)):
        with scratch() as folder:
            names = {bytes(rng.choice(list(alphabet), int(rng.integers(1, longest))).astype('u1')) for _ in range(300)}
            names = [name for name in sorted(names) if name[0] != 0]  # such keys are those of slices
            save_slices(folder / 'a', [(name, '', tf.constant(7, tf.uint8)) for name in names])
            carried_alike(folder / 'a')


def test_slices_as_savev2():
    """Tensors in slices along one axis or two, with `-` for a whole axis, beside whole ones."""
    rng = np.random.default_rng(33)
    for _ in range(12):
        with scratch() as folder:
            entries, wholes = [], {}
            for index in range(6):
                shape = tuple(int(size) for size in rng.integers(1, 9, rng.integers(1, 4)))
                array = rng.standard_normal(shape).astype(rng.choice(['float32', 'float64', 'int64']))
                wholes[f'v{index}'] = array
                entries += [(f'v{index}', spec, tf.constant(part)) for spec, part in cut(rng, array)]
            entries.append(('plain', '', tf.constant([1, 2, 3])))
            save_slices(folder / 'a', [entries[index] for index in rng.permutation(len(entries))])
            carried_alike(folder / 'a')
            reader = tf.train.load_checkpoint(str(folder / 'a-copy'))
            rows = {row['name']: row for row in listing(folder / 'a')}
            for name, array in wholes.items():
                assert reader.get_tensor(name).tobytes() == array.tobytes(), name
                assert rows[name]['shape'] == list(array.shape)
                assert tenon('-q', 'get', '--as', 'raw', folder / 'a', name) == array.tobytes(), name
            save_file({**wholes, 'plain': np.array([1, 2, 3], 'int32')}, folder / 'b.safetensors')
            assert tenon('-q', 'diff', folder / 'a', folder / 'b.safetensors') == b''


def test_merged_as_mergev2():
    """Shards that MergeV2Checkpoints joins: the copy's tensors and slices are read like the original's, by RestoreV2 too."""
    rng = np.random.default_rng(34)
    array = rng.standard_normal((9, 6)).astype('float32')
    with scratch() as folder:
        parts = list(cut(np.random.default_rng(1), array))
        prefixes = [folder / f'part-{index}' for index in range(3)]
        for index, prefix in enumerate(prefixes):
            mine = [('cut', spec, tf.constant(part)) for spec, part in parts[index::3]]
            own = [(f'own/{index}', '', tf.constant(float(index))), (f's{index}', '', tf.constant([b'x' * index]))]
            save_slices(prefix, mine + own)
        tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=[str(prefix) for prefix in prefixes], delete_old_dirs=False,
                                      destination_prefix=f'{folder}/merged')
        convert(folder / 'merged', folder / 'copy', '--to', 'tf_checkpoint')
        specs = [spec for spec, _ in parts] + ['', '9 6 2,3:-', '9 6 -:1,4', '9 6 3,5:2,2']
        read = [tf.raw_ops.RestoreV2(prefix=str(prefix), tensor_names=['cut'] * len(specs), shape_and_slices=specs,
                                     dtypes=[tf.float32] * len(specs)) for prefix in (folder / 'merged', folder / 'copy')]
        for one, other in zip(*read, strict=True):
            assert one.numpy().tobytes() == other.numpy().tobytes()
        ours, theirs = (tf.train.load_checkpoint(str(folder / name)) for name in ('copy', 'merged'))
        assert ours.get_variable_to_shape_map() == theirs.get_variable_to_shape_map()
        assert all(ours.get_tensor(f's{index}').tolist() == [b'x' * index] for index in range(3))
        assert tenon('-q', 'diff', folder / 'merged', folder / 'copy') == b''


def test_names_that_are_not_utf8():
    """RestoreV2 reads tensors whose names are no UTF-8, after one conversion and after two."""
    path = support.FIXTURES / 'tf_checkpoint/good-non-utf8-names/ckpt'
    expected = json.loads((path.parent / 'expected.json').read_text())
    with scratch() as folder:
        convert(path, folder / 'out', '--to', 'tf_checkpoint')
        convert(folder / 'out', folder / 'again', '--to', 'tf_checkpoint', '--layout', 'names')
        for prefix in ('out', 'again'):
            for record in expected['tensors']:
                tensor, = tf.raw_ops.RestoreV2(prefix=f'{folder}/{prefix}', tensor_names=[raw_key(record)],
                                               shape_and_slices=[''], dtypes=[tf.float32])
                assert tensor.numpy().tobytes().hex() == record['hex'], record['key']


def test_byte_order_and_gaps():
    """Big-endian data, compressed and small blocks, gaps: the copy is what SaveV2 writes for the same values.

    The copy keeps the source's order of payload, which is here the order of names.
    """
    for name, tensors in (('big-endian', tf_handmade.all_types()), ('several-blocks', tf_handmade.many_weights()),
                          ('snappy-blocks', tf_handmade.many_weights()),
                          ('alignment-gaps', tf_handmade.many_weights() |
                           {b'strings': ('DT_STRING', (4,), tf_handmade.STRINGS)})):
        with scratch() as folder:
            save_slices(folder / 'theirs', [(key, '', tf_handmade.tensorflow_value(*tensors[key])) for key in sorted(tensors)])
            convert(support.FIXTURES / f'tf_checkpoint/good-{name}/ckpt', folder / 'ours', '--to', 'tf_checkpoint')
            ours, theirs = pieces(folder / 'ours'), pieces(folder / 'theirs')
            assert ours == theirs, (name, [suffix for suffix in theirs if ours.get(suffix) != theirs[suffix]])


def test_threads_and_large_data():
    """Four workers write the bytes that one writes: slices, strings and big-endian values over many buffers."""
    rng = np.random.default_rng(35)
    with scratch() as folder:
        array = rng.standard_normal((1500, 1024)).astype('float32')
        entries = [('cut', spec, tf.constant(part)) for spec, part in cut(np.random.default_rng(5), array)]
        entries += [(f'w{index}', '', tf.constant(rng.standard_normal(int(rng.integers(1, 300000))).astype('float32')))
                    for index in range(40)]
        entries.append(('text', '', string_tensor(rng, (3000,))))
        save_slices(folder / 'in', entries)
        made = []
        for threads in (1, 4):
            (folder / str(threads)).mkdir()
            convert(folder / 'in', folder / f'{threads}/out', '--to', 'tf_checkpoint', '--threads', threads)
            convert(folder / 'in', folder / f'{threads}/shards', '--to', 'tf_checkpoint', '--threads', threads,
                    '--max-shard-size', '3M')
            convert(folder / 'in', folder / f'{threads}/o.safetensors', '--drop', 'text', '--threads', threads)
            convert(folder / 'in', folder / f'{threads}/s.safetensors', '--drop', 'text', '--threads', threads,
                    '--max-shard-size', '5M')
            made.append({path.name: path.read_bytes() for path in (folder / str(threads)).iterdir()})
        assert made[0].keys() == made[1].keys() and len(made[0]) > 10
        different = [name for name in made[0] if made[0][name] != made[1][name]]
        assert not different, different
        assert pieces(folder / '1/out') == pieces(folder / 'in')
        reader = tf.train.load_checkpoint(str(folder / '4/shards'))
        assert reader.get_tensor('cut').tobytes() == array.tobytes()
        assert max(path.stat().st_size for path in (folder / '1').glob('shards.data-*')) <= 3_000_000


def records(path):
    """What the library's core reads: it knows more dtypes than its NumPy interface."""
    tensors = safetensors.deserialize(path.read_bytes())
    return {key: (one['dtype'], list(one['shape']), bytes(one['data'])) for key, one in tensors}


def wanted_records(expected):
    words = {word: name for name, word in safetensors_files.WORDS.items()}
    return {record['key']: (words[record['dtype']], record['shape'], bytes.fromhex(record['hex']))
            for record in expected['tensors']}


def test_safetensors_fixtures():
    """Each file copied, split and joined: the library reads equal dtypes, shapes and bytes, and the metadata is carried."""
    for name, path, expected in fixtures('safetensors'):
        wanted = wanted_records(expected)
        with scratch() as folder:
            if not wanted:
                convert(path, folder / 'one.safetensors', code=1)  # an output without tensors is never written
                continue
            convert(path, folder / 'one.safetensors')
            assert records(folder / 'one.safetensors') == wanted, name
            convert(path, folder / 'split.safetensors', '--max-shard-size', '1')
            split = sorted(folder.glob('split-*.safetensors'))
            if split:
                index = json.loads((folder / 'split.safetensors.index.json').read_text())
                read = {shard.name: records(shard) for shard in split}
                assert index['weight_map'] == {key: shard for shard, ones in read.items() for key in ones}, name
                assert index['metadata']['total_size'] == sum(len(data) for _, _, data in wanted.values()), name
                assert [shard.name for shard in split] == [f'split-{number + 1:05d}-of-{len(split):05d}.safetensors'
                                                           for number in range(len(split))], name
                assert {key: one for ones in read.values() for key, one in ones.items()} == wanted, name
                convert(folder / 'split.safetensors.index.json', folder / 'joined.safetensors')
                assert records(folder / 'joined.safetensors') == wanted, name
            with safetensors.safe_open(str(folder / 'one.safetensors'), 'numpy') as opened:
                assert {**expected['metadata'], **opened.metadata()} == opened.metadata(), name


def test_safetensors_by_way_of_tensorflow():
    """Each file to a checkpoint that TensorFlow reads, and back: the same bytes."""
    for name, path, expected in fixtures('safetensors'):
        wanted = wanted_records(expected)
        lost = [record['key'] for record in expected['tensors'] if record['dtype'].startswith(NOT_FROM_SAFETENSORS)]
        if len(lost) == len(wanted) or any('\0' in key for key in lost):
            continue
        with scratch() as folder:
            odd = [key for key in wanted if key == '']  # SaveV2 itself has no tensor without a name
            drops = [word for key in lost + odd for word in ('--drop', key)]
            convert(path, folder / 'tf', '--to', 'tf_checkpoint', *drops)
            reader = tf.train.load_checkpoint(str(folder / 'tf'))
            dtypes = reader.get_variable_to_dtype_map()
            assert dtypes.keys() == wanted.keys() - set(lost) - set(odd), name
            for key in dtypes:
                assert reader.get_tensor(key).tobytes() == wanted[key][2], (name, key)
            convert(folder / 'tf', folder / 'back.safetensors')
            assert records(folder / 'back.safetensors') == {key: wanted[key] for key in dtypes}, name


def test_small_floats_to_safetensors():
    """bfloat16 and the eight-bit floats of a checkpoint arrive with their bits."""
    path = support.FIXTURES / 'tf_checkpoint/good-dtypes/ckpt'
    expected = json.loads((path.parent / 'expected.json').read_text())
    gone = [record['name'] for record in expected['tensors'] if record['dtype'] in NOT_IN_SAFETENSORS]
    with scratch() as folder:
        convert(path, folder / 'o.safetensors', *[word for one in gone for word in ('--drop', one)])
        read = records(folder / 'o.safetensors')
        for record in expected['tensors']:
            if record['name'] not in gone:
                dtype, shape, data = read.pop(record['name'])
                word = tf_objects.QUANTIZED_TYPES.get(record['dtype'], record['dtype'])
                wanted = (word, record['shape'], record['hex'])
                assert (safetensors_files.WORDS[dtype], shape, data.hex()) == wanted, record['name']
        assert not read


def numpy_file(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_npy_of_every_dtype():
    """`get --as npy` is np.save's own file for every dtype and shape; an npz holds such files under the tensors' names."""
    rng = np.random.default_rng(36)
    arrays = {}
    for dtype in safetensors_files.NUMPY_TYPES:
        for index, shape in enumerate([(), (1,), (0,), (3, 0, 2), (7,), (2, 3), (2, 1, 3, 1, 2), (1000, 3), (123456,)]):
            arrays[f'{dtype}/{index}'] = producing.values(f'{dtype} {index}', shape, dtype) if shape or dtype != 'complex64' \
                else np.array(1.5 - 2j, 'complex64')
    with scratch() as folder:
        contiguous = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
        save_file(contiguous, folder / 'a.safetensors')
        for name in rng.permutation(list(arrays))[:60]:
            assert tenon('get', folder / 'a.safetensors', name, '--as', 'npy') == numpy_file(arrays[name]), name
        tenon('get', folder / 'a.safetensors', '**', '-o', folder / 'all.npz')
        with zipfile.ZipFile(folder / 'all.npz') as archive:
            assert sorted(archive.namelist()) == sorted(f'{name}.npy' for name in arrays)
            assert all(archive.read(f'{name}.npy') == numpy_file(array) for name, array in arrays.items())
        with np.load(folder / 'all.npz') as loaded:
            assert loaded.files and all(loaded[name].dtype == array.dtype for name, array in arrays.items())


def random_slice(rng, shape):
    """A random basic slicing of NumPy: integers, ranges with any sign of step, an ellipsis, fewer axes than there are."""
    words = []
    for size in shape[:int(rng.integers(0, len(shape) + 1))] or shape[:1]:
        kind = int(rng.integers(0, 4))
        if kind == 0 and size:
            words.append(str(int(rng.integers(-size, size))))
            continue
        bounds = [str(int(rng.integers(-size - 2, size + 3))) if rng.integers(0, 2) else '' for _ in range(2)]
        step = str(int(rng.choice([-3, -2, -1, 1, 2, 5]))) if rng.integers(0, 2) else None
        words.append(':'.join(bounds if step is None else [*bounds, step]))
    if rng.integers(0, 4) == 0:
        words.insert(int(rng.integers(0, len(words) + 1)), '...')
        if words[-1] != '...' and len(words) - 1 > len(shape):
            words.remove('...')
    return ','.join(words)


def test_random_slices():
    """`get --slice` is NumPy's slicing: 300 random specifications over contiguous, partitioned and big-endian tensors."""
    rng = np.random.default_rng(37)
    with scratch() as folder:
        array = rng.standard_normal((6, 5, 4)).astype('float32')
        save_slices(folder / 'cut', [('w', spec, tf.constant(part)) for spec, part in cut(np.random.default_rng(4), array)])
        save_file({'w': array, 'v': array.ravel(), 'i': np.arange(210).reshape(1, 2, 3, 5, 7)}, folder / 'plain.safetensors')
        _, _, big = tf_handmade.number('complex64')
        places = [(folder / 'cut', 'w', array), (folder / 'plain.safetensors', 'w', array),
                  (folder / 'plain.safetensors', 'v', array.ravel()),
                  (folder / 'plain.safetensors', 'i', np.arange(210).reshape(1, 2, 3, 5, 7)),
                  (support.FIXTURES / 'tf_checkpoint/good-big-endian/ckpt', 'numbers/complex64', big)]
        for _ in range(300):
            path, name, whole = places[int(rng.integers(len(places)))]
            spec = random_slice(rng, whole.shape)
            wanted = whole[eval(f'np.s_[{spec}]')]  # the specification is this test's own
            ours = tenon('-q', 'get', path, name, f'--slice={spec}', '--as', 'npy')
            assert ours == numpy_file(np.ascontiguousarray(wanted).reshape(wanted.shape)), (path, name, spec)


def test_json_of_random_bits():
    """`get --as json` of random bits: parsed again, every finite number is the same number, of every width."""
    rng = np.random.default_rng(38)
    arrays = {f'f{bits}': rng.integers(0, 256, 2000 * bits // 8).astype('u1').view(f'float{bits}') for bits in (16, 32, 64)}
    arrays |= {f'{kind}{width}': rng.integers(0, 256, 200 * width).astype('u1').view(f'{kind}{width}')
               for kind in 'iu' for width in (1, 2, 4, 8)}
    arrays['bf'] = rng.integers(0, 256, 4000).astype('u1').view(ml_dtypes.bfloat16)
    with scratch() as folder:
        save_file(arrays, folder / 'a.safetensors')
        document = json.loads(tenon('-q', 'get', '--as', 'json', folder / 'a.safetensors', '**'))
        for row in document['tensors']:
            array = arrays[row['name']]
            if array.dtype.kind in 'iu':
                assert row['values'] == array.tolist(), row['name']
                continue
            ours = np.array([float(str(one).replace('Infinity', 'inf')) for one in row['values']])
            with np.errstate(invalid='ignore'):  # signalling NaN
                nan = np.isnan(array.astype('float64'))
            assert (np.isnan(ours) == nan).all(), row['name']
            assert ours[~nan].astype(array.dtype).tobytes() == array[~nan].tobytes(), row['name']


def test_statistics_of_every_dtype():
    """`ls --stats`: least, greatest, mean, NaN, infinities and zeros are NumPy's, for every dtype of numbers."""
    rng = np.random.default_rng(39)
    arrays = {dtype: producing.values(f'stats {dtype}', (40, 50), dtype) for dtype in safetensors_files.NUMPY_TYPES
              if dtype != 'complex64'}
    arrays |= {dtype: rng.standard_normal(2000).astype(getattr(ml_dtypes, dtype)) for dtype in ('bfloat16', 'float8_e5m2')}
    for dtype in ('float16', 'float32', 'float64', 'bfloat16', 'float8_e5m2'):
        arrays[f'{dtype} odd'] = arrays[dtype].copy()
        arrays[f'{dtype} odd'].flat[[1, 5, 9]] = [np.nan, np.inf, -0.0]
    arrays['one'] = np.array([-2.5], 'float32')
    arrays['nan'] = np.full(3, np.nan, 'float64')
    with scratch() as folder:
        save_file(arrays, folder / 'a.safetensors')
        for row in listing(folder / 'a.safetensors', '--stats'):
            array, stats = arrays[row['name']].ravel(), row['stats']
            wide = array.astype(object if array.dtype.kind in 'iu' else 'float64')
            nan = np.array([one != one for one in wide])
            numbers = wide[~nan]
            assert stats['nan'] == nan.sum() and stats['zeros'] == (numbers == 0).sum(), row
            assert stats['inf'] == sum(abs(one) == np.inf for one in numbers), row
            if numbers.size:
                least, greatest = (float(str(stats[field]).replace('Infinity', 'inf')) for field in ('min', 'max'))
                assert least == numbers.min() and greatest == numbers.max(), row
                if np.isfinite(numbers.astype('float64')).all():
                    mean = float(numbers.sum() / numbers.size)
                    assert abs(stats['mean'] - mean) <= 1e-12 * max(1, abs(mean)), row


if __name__ == '__main__':
    support.main(globals())
