"""Operations of rule files against NumPy, on random shapes, and their slots."""
import json

from support import scratch, tenon

import ml_dtypes
import numpy as np
from safetensors.numpy import load_file, save_file

RANDOM = np.random.default_rng(20261124)


def values(*shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


def run(tensors, rules, head='', code=0):
    """Converts with one rule file and returns what is in the output."""
    with scratch() as folder:
        save_file(tensors, folder / 'in.safetensors')
        (folder / 'r.yaml').write_text('tenon: 1\n' + head + 'rules:\n' + ''.join(f'  - {rule}\n' for rule in rules))
        tenon('-q', 'convert', folder / 'in.safetensors', folder / 'out.safetensors', '--rules', folder / 'r.yaml', code=code)
        return load_file(folder / 'out.safetensors') if code == 0 else None


def same(ours, theirs):
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    for name, wanted in theirs.items():
        assert ours[name].dtype == wanted.dtype and ours[name].shape == wanted.shape, (name, ours[name].shape, wanted.shape)
        assert ours[name].tobytes() == np.ascontiguousarray(wanted).tobytes(), name


def test_transposes():
    """Every order of axes of random shapes, also of other element sizes."""
    for dtype in (np.float32, np.float64, np.int8, np.float16, ml_dtypes.bfloat16, np.complex64):
        for rank in range(1, 6):
            shape = RANDOM.integers(1, 7, rank)
            order = RANDOM.permutation(rank)
            left = 'abcdef'[:rank]
            right = ''.join(left[i] for i in order)
            x = values(*shape).astype(dtype)
            same(run({'x': x}, [f'{{match: x, to: y, do: [{{transpose: "{left}->{right}"}}]}}']), {'y': x.transpose(order)})


def test_large_transposes():
    """Larger than what is staged, so that they are read in tiles."""
    x = values(3000, 2500)
    same(run({'x': x}, ['{match: x, to: y, do: [{transpose: "io->oi"}]}']), {'y': x.T})
    x = values(300, 20, 500)
    same(run({'x': x}, ['{match: x, to: y, do: [{transpose: "abc->cab"}]}']), {'y': x.transpose(2, 0, 1)})


def test_rearrangements():
    """What einops' notation means, by reshape and transpose."""
    h, two, d, x = 3, 2, 5, 4
    q = values(h * two * d, x)
    wanted = q.reshape(h, two, d, x).transpose(0, 2, 1, 3).reshape(h * d * two, x)
    same(run({'q': q}, ['{match: q, to: r, do: [{rearrange: "(h two d) x -> (h d two) x", with: {h: 3, two: 2}}]}']), {'r': wanted})
    k = values(3, 3, 8, 2)
    wanted = k.transpose(2, 3, 0, 1).reshape(16, 1, 3, 3)
    same(run({'k': k}, ['{match: k, to: r, do: [{rearrange: "h w c m -> (c m) 1 h w"}]}']), {'r': wanted})
    same(run({'s': k[:1]}, ['{match: s, to: r, do: [{rearrange: "1 i o p -> i o p"}]}']), {'r': k[0]})


def test_reshapes():
    """Row-major, with one size left open."""
    x = values(6, 4)
    same(run({'x': x}, ['{match: x, to: y, do: [{reshape: [-1, 8]}]}']), {'y': x.reshape(-1, 8)})
    run({'x': x}, ['{match: x, to: y, do: [{reshape: [5, 5]}]}'], code=1)


def test_splits():
    """Equal, unequal, from the end, and in groups."""
    x = values(4, 12)
    rule = '{match: x, to: [a, b, c], do: [{split: {axis: -1%s}}]}'
    a, b, c = np.split(x, 3, 1)
    same(run({'x': x}, [rule % '']), {'a': a, 'b': b, 'c': c})
    a, b, c = np.split(x, [7, 10], 1)
    same(run({'x': x}, [rule % ', sizes: [n+3, 3, 2]'], 'vars: {n: 4}\n'), {'a': a, 'b': b, 'c': c})
    grouped = values(2 * (4 + 1 + 1) * 3, 5)
    parts = grouped.reshape(2, 6, 3, 5)
    wanted = {'q': parts[:, :4].reshape(24, 5), 'k': parts[:, 4].reshape(6, 5), 'v': parts[:, 5].reshape(6, 5)}
    same(run({'x': grouped}, ['{match: x, to: [q, k, v], do: [{split: {axis: 0, groups: g, sizes: [4*d, d, d]}}]}'],
             'vars: {g: 2, d: 3}\n'), wanted)
    run({'x': x}, [rule % ', sizes: [5, 5, 5]'], code=1)


def test_joins():
    """concat by patterns, stack and unstack over a hole, over many groups at once."""
    tensors = {f'l{i}/{part}': values(3, 2 + k) for i in range(12) for k, part in enumerate(('gate', 'up'))}
    wanted = {f'l.{i}.gate_up': np.concatenate([tensors[f'l{i}/gate'], tensors[f'l{i}/up']], 1) for i in range(12)}
    same(run(tensors, ['{match: ["l{i:int}/gate", "l{i:int}/up"], to: "l.{i}.gate_up", do: [{concat: {axis: 1}}]}']), wanted)
    tensors = {f'moe.{i}.expert.{e}.w': values(2, 3) for i in range(3) for e in range(11)}
    stacked = {f'moe.{i}.w': np.stack([tensors[f'moe.{i}.expert.{e}.w'] for e in range(11)], 1) for i in range(3)}
    rule = '{match: "moe.{i:int}.expert.{e:int}.w", to: "moe.{i}.w", do: [{stack: {over: e, axis: 1}}], expect: {e: 0..10}}'
    same(run(tensors, [rule]), stacked)
    back = '{match: "moe.{i:int}.w", to: "moe.{i}.expert.{e}.w", do: [{unstack: {over: e, axis: 1}}]}'
    same(run(stacked, [back]), tensors)
    del tensors['moe.1.expert.4.w']
    run(tensors, [rule.replace(', expect: {e: 0..10}', '')], code=1)


def test_chains():
    """Several operations in one rule are done in order."""
    a, b = values(4, 3), values(4, 3)
    wanted = np.concatenate([a.T, b.T], 0).reshape(2, 12).astype(ml_dtypes.bfloat16)
    rule = ('{match: ["{x}/a", "{x}/b"], to: "{x}", do: [{transpose: "io->oi"}, {concat: {axis: 0}}, {reshape: [2, -1]}, '
            '{cast: bf16}]}')
    same(run({'m/a': a, 'm/b': b}, [rule]), {'m': wanted})


def test_what_follows_a_split():
    """Operations behind split and unstack are done with each tensor."""
    x = values(4, 12)
    a, b = np.split(x, [7], 1)
    rule = '{match: x, to: [a, b], do: [{split: {axis: 1, sizes: [7, 5]}}, {transpose: "io->oi"}, {cast: f16}]}'
    same(run({'x': x}, [rule]), {'a': a.T.astype(np.float16), 'b': b.T.astype(np.float16)})
    rule = '{match: x, to: "x{e}", do: [{unstack: {over: e, axis: 0}}, {reshape: [3, 4]}]}'
    same(run({'x': x}, [rule]), {f'x{i}': x[i].reshape(3, 4) for i in range(4)})
    same(run({'x': x[:1]}, [rule]), {'x0': x[0].reshape(3, 4)})


def test_casts():
    """As ml_dtypes and NumPy cast; overflow is an error unless the rule says otherwise."""
    x = values(1000) * 100
    for name, dtype in [('f16', np.float16), ('bf16', ml_dtypes.bfloat16), ('f64', np.float64)]:
        same(run({'x': x}, [f'{{match: x, to: y, do: [{{cast: {name}}}]}}']), {'y': x.astype(dtype)})
    big = x * 1e6
    run({'x': big}, ['{match: x, to: y, do: [{cast: f16}]}'], code=1)
    with np.errstate(over='ignore'):
        same(run({'x': big}, ['{match: x, to: y, do: [{cast: f16, overflow: ieee}]}']), {'y': big.astype(np.float16)})
    clipped = np.clip(big, -65504, 65504).astype(np.float16)
    same(run({'x': big}, ['{match: x, to: y, do: [{cast: f16, overflow: saturate}]}']), {'y': clipped})


def test_the_flag():
    """--cast means floating tensors, with their slots; an exact name reaches any; TensorFlow reads what came of it."""
    import tensorflow as tf
    w, m, v = values(5, 3), values(5, 3), values(5, 3)
    with scratch() as folder:
        save_file({'d/w': w, 'd/w/Adam': m, 'd/w/Adam_1': v, 'global_step': np.array(7), 'ids': np.arange(4)}, folder / 'in.safetensors')
        tenon('-q', 'convert', folder / 'in.safetensors', folder / 'out.ckpt', '--cast', '**/w=bf16', '--cast', 'ids=int16')
        reader = tf.train.load_checkpoint(str(folder / 'out.ckpt'))
        for name, wanted in [('d/w', w), ('d/w/Adam', m), ('d/w/Adam_1', v)]:
            got = reader.get_tensor(name)
            assert got.dtype == ml_dtypes.bfloat16 and got.tobytes() == wanted.astype(ml_dtypes.bfloat16).tobytes(), name
        assert reader.get_tensor('global_step') == 7 and reader.get_tensor('global_step').dtype == np.int64
        assert reader.get_tensor('ids').dtype == np.int16 and (reader.get_tensor('ids') == np.arange(4)).all()
        tenon('-q', 'convert', folder / 'in.safetensors', folder / 'x.safetensors', '--cast', '**/w=bf16', '--cast', 'f16', code=1)
        tenon('-q', 'convert', folder / 'in.safetensors', folder / 'x.safetensors', '--cast', 'nothing=f16', code=2)


def test_a_cast_object_graph_restores():
    """A model saved in float32 and cast as a whole restores into the same model built in bfloat16."""
    import tensorflow as tf
    with scratch() as folder:
        def model(dtype):
            return tf.train.Checkpoint(w=tf.Variable(tf.zeros((3, 2), dtype)), step=tf.Variable(0, dtype=tf.int64))
        one = model(tf.float32)
        one.w.assign(values(3, 2))
        prefix = one.write(str(folder / 'ckpt'))
        tenon('-q', 'convert', prefix, folder / 'cast-1', '--cast', 'bf16')
        other = model(tf.bfloat16)
        other.read(str(folder / 'cast-1')).assert_consumed()
        assert (other.w.numpy() == one.w.numpy().astype(ml_dtypes.bfloat16)).all()


def test_partitions():
    """partition writes a variable in slices that TensorFlow reads as one; unpartition makes it whole."""
    import tensorflow as tf
    x = values(10, 4)
    with scratch() as folder:
        save_file({'emb': x}, folder / 'in.safetensors')
        (folder / 'r.yaml').write_text('tenon: 1\nrules:\n  - {match: emb, to: emb, do: [{partition: {axis: 0, sizes: [4, 3, 3]}}]}\n')
        tenon('-q', 'convert', folder / 'in.safetensors', folder / 'cut.ckpt', '--rules', folder / 'r.yaml')
        assert (tf.train.load_checkpoint(str(folder / 'cut.ckpt')).get_tensor('emb') == x).all()
        (folder / 'b.yaml').write_text('tenon: 1\nrules:\n  - {match: emb, to: emb, do: [{unpartition: {}}]}\n')
        tenon('-q', 'convert', folder / 'cut.ckpt', folder / 'whole.ckpt', '--rules', folder / 'b.yaml')
        assert (tf.train.load_checkpoint(str(folder / 'whole.ckpt')).get_tensor('emb') == x).all()
        shards = json.loads(tenon('ls', '--json', folder / 'cut.ckpt'))['tensors'][0]
        assert shards['shape'] == [10, 4]


def test_reports_of_casts():
    """A cast that is to be reported says its greatest error and how many values were rounded or became subnormal."""
    with scratch() as folder:
        x = (values(300, 70) * np.float32(10) ** RANDOM.integers(-9, 3, (300, 70)).astype(np.float32)).astype(np.float32)
        save_file({'qk': x, 'z': np.zeros(2, np.float32)}, folder / 'in.safetensors')
        (folder / 'r.yaml').write_text(
            'tenon: 1\nrules:\n  - {match: qk, to: [q, k], do: [{cast: f16, report: [max_abs_err, inexact, subnormals, nans]}, '
            '{split: {axis: 0}}]}\n  - {match: z, do: [{cast: bf16, report: [overflows]}]}\n')
        said = json.loads(tenon('convert', '--json', folder / 'in.safetensors', folder / 'o.safetensors', '--rules', folder / 'r.yaml'))
        half = x.astype(np.float16).astype(np.float64)
        error = np.abs(half - x.astype(np.float64))
        tiny = ((np.abs(half) < 2.0**-14) & (half != 0)).sum()
        assert tiny > 100
        assert [(one['name'], one['message']) for one in said['warnings'] if one['code'] == 'cast-report'] == [
            ('qk', f'cast from float32 to float16: max_abs_err {error.max():.9g}, inexact {(error != 0).sum()}, subnormals {tiny}, nans 0'),
            ('z', 'cast from float32 to bfloat16: overflows 0')]


def test_made_tensors():
    """make fills a tensor of any dtype; a name that is taken is a collision."""
    x = values(2)
    rules = ['{match: x, to: x}', '{make: "head.bias", init: zeros, shape: [n, 2], dtype: f32}', '{make: step, init: 7, shape: [], dtype: i64}',
             '{make: scale, init: 0.5, shape: [3], dtype: f16}', '{make: mask, init: ones, shape: [2, 0], dtype: bool}']
    wanted = {'x': x, 'head.bias': np.zeros((4, 2), np.float32), 'step': np.array(7, np.int64), 'scale': np.full(3, .5, np.float16),
              'mask': np.ones((2, 0), bool)}
    same(run({'x': x}, rules, 'vars: {n: 4}\n'), wanted)
    run({'x': x}, ['{match: x, to: x}', '{make: x, init: zeros, shape: [2], dtype: f32}'], code=1)


def test_sums():
    """add computes in float64 and rounds once."""
    x, b = values(500), values(500)
    rules = ['{match: "bn{i:int}/mean", to: "bn{i}.mean", do: [{add: {tensor: "conv{i}/bias", scale: -1}}]}',
             '{match: "bn{i:int}/var", to: "bn{i}.var", do: [{add: {value: 1e-3}}]}']
    wanted = {'bn3.mean': (x.astype(np.float64) - b.astype(np.float64)).astype(np.float32),
              'bn3.var': (b.astype(np.float64) + 1e-3).astype(np.float32)}
    same(run({'bn3/mean': x, 'conv3/bias': b, 'bn3/var': b}, rules), wanted)
    run({'bn3/mean': x, 'conv3/bias': b[:4], 'bn3/var': b}, rules, code=1)
    run({'bn3/mean': x, 'bn3/var': b}, rules, code=1)


def test_slots_follow():
    """What is done with a variable is done with its optimizer's slots; one that does not fit is an error."""
    w, m, v = values(3, 2), values(3, 2), values(3, 2)
    rule = '{match: "{x}/kernel", to: "{x}.weight", do: [{transpose: "io->oi"}]}'
    same(run({'d/kernel': w, 'd/kernel/Adam': m, 'd/kernel/Adam_1': v}, [rule]),
         {'d.weight': w.T, 'd.weight/Adam': m.T, 'd.weight/Adam_1': v.T})
    split = '{match: "{x}/qk", to: ["{x}/q", "{x}/k"], do: [{split: {axis: 0, sizes: [1, 2]}}]}'
    same(run({'d/qk': w, 'd/qk/Adam': m, 'd/qk/Adam_1': v}, [split]),
         {'d/q': w[:1], 'd/k': w[1:], 'd/q/Adam': m[:1], 'd/k/Adam': m[1:], 'd/q/Adam_1': v[:1], 'd/k/Adam_1': v[1:]})
    join = '{match: ["a", "b"], to: c, do: [{concat: {axis: 0}}]}'
    run({'a': w, 'b': w, 'a/Adam': m, 'a/Adam_1': v}, [join], code=1)
    run({'a': w, 'b': w, 'b/Adam': m, 'b/Adam_1': v}, [join], code=1)


def test_the_plan_shows_it():
    """plan --json says sources, operations, what is copied and computed, and the loss."""
    with scratch() as folder:
        save_file({'l0/a': values(2, 2), 'l0/b': values(2, 2)}, folder / 'in.safetensors')
        (folder / 'r.yaml').write_text('tenon: 1\nrules:\n  - {match: ["l{i:int}/a", "l{i:int}/b"], to: "l{i}", '
                                       'do: [{concat: {axis: 0}}, {cast: f16}]}\n')
        plan = json.loads(tenon('plan', '--json', folder / 'in.safetensors', folder / 'o.safetensors', '--rules', folder / 'r.yaml'))
        row, = plan['tensors']
        assert [one['name'] for one in row['from']] == ['l0/a', 'l0/b'] and row['shape'] == [4, 2] and row['dtype'] == 'float16'
        assert row['ops'] == ['concat {axis: 0}', 'cast f16'] and row['computed'] == 16 and row['copied'] == 0
        assert row['loss'] == 'float32 is rounded to float16'


if __name__ == '__main__':
    import support
    support.main(globals())
