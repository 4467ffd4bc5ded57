"""`get --cast` against NumPy and ml_dtypes, bit for bit: every pattern of 8 and 16 bits, and of wider dtypes ties, limits,
subnormals, NaN payloads and random bits."""
import itertools
import json
import struct
import warnings

import support
from support import scratch, tenon

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

INTEGERS = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64']
SMALL = {name: np.dtype(getattr(ml_dtypes, name)) for name in ('bfloat16', 'float8_e4m3fn', 'float8_e5m2')}
FLOATS = ['float64', 'float32', 'float16', *SMALL]
WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
# What passes through float32 here but not there: there NaN of these pairs loses its payload, or stays a signalling one.
OTHER_PAYLOADS = {('bfloat16', 'float16'), ('float16', 'float64')}


def dtype_of(name):
    return SMALL.get(name) or np.dtype(name)


def bits(array):
    return array.view(WORDS[array.dtype.itemsize])


def astype(array, name):
    with warnings.catch_warnings(), np.errstate(all='ignore'):
        warnings.simplefilter('ignore')
        return array.astype(dtype_of(name))


def is_nan(array):
    return np.isnan(astype(array, 'float64')) if array.dtype.kind in 'fV' else np.zeros(array.shape, bool)


def float_samples(name, rng):
    """Bits of float32 or float64: random ones, and for each narrower float its values, ties and their neighbours."""
    word = WORDS[dtype_of(name).itemsize]
    random = rng.integers(0, np.iinfo(word).max, 100_000, word, endpoint=True).view(name)
    samples = [random, rng.standard_normal(50_000).astype(name)]
    for other in ('float16', *SMALL):
        every = np.arange(1 << 8 * dtype_of(other).itemsize).astype(WORDS[dtype_of(other).itemsize])
        values = astype(every.view(dtype_of(other)), 'float64')
        values = np.unique(values[np.isfinite(values)])
        ties = ((values[1:] + values[:-1]) / 2).astype(name)
        beyond = astype((values[[0, -1]] * np.array([[1], [1.02], [1.03125], [1.0625], [1.2]])).ravel(), name)
        around = np.concatenate([values.astype(name), ties, beyond])
        samples += [around, np.nextafter(around, np.array(np.inf, name)),
                    np.nextafter(around, np.array(-np.inf, name))]
    nans = np.array([1, 2, 3, 5, 1 << 12, 1 << 13, 1 << 15, 1 << 16, 1 << 20, 1 << 22, 0x7FFFFF], word)
    nans = np.concatenate([nans, nans << (29 if word is np.uint64 else 0)])
    infinity = bits(np.array([np.inf], name))
    samples += [(infinity | nans).view(name), (bits(np.array([-np.inf], name)) | nans).view(name),
                np.array([0.0, -0.0, np.inf, -np.inf, np.finfo(name).max, np.finfo(name).smallest_subnormal], name)]
    return np.concatenate(samples)


def integer_samples(name, rng):
    about = np.iinfo(name)
    if about.bits <= 16:
        return np.arange(about.min, about.max + 1).astype(name)
    near = {int(value) for k in range(about.bits) for sign in (1, -1) for low in range(0, k + 1, 5) for step in (-1, 0, 1)
            for value in [sign * ((1 << k) + (1 << low) + step)] if about.min <= value <= about.max}
    word = WORDS[about.bits // 8]
    random = rng.integers(0, np.iinfo(word).max, 60_000, word, endpoint=True)
    return np.concatenate([np.array(sorted(near), name), random.view(name),
                           (random >> rng.integers(0, about.bits, len(random)).astype(word)).view(name),
                           np.array([about.min, about.max], name)])


def samples(name):
    rng = np.random.default_rng(20)
    if name == 'bool':
        return np.array([False, True])
    if name in INTEGERS:
        return integer_samples(name, rng)
    if name in ('float32', 'float64'):
        return float_samples(name, rng)
    size = dtype_of(name).itemsize
    return np.arange(1 << 8 * size).astype(WORDS[size]).view(dtype_of(name))


def overflows(array, to):
    """Which values rules.md calls an overflow, by what NumPy makes of them and by the ranges of integers."""
    if to == 'bool':
        return np.zeros(array.shape, bool)
    if to in INTEGERS:
        about = np.iinfo(to)
        if array.dtype.kind in 'iu':
            return np.array([not about.min <= value <= about.max for value in array.tolist()])
        with np.errstate(invalid='ignore'):
            whole = np.trunc(astype(array, 'float64'))
            return ~((whole >= float(about.min)) & (whole < float(about.max + 1)))
    value, result = astype(array, 'float64'), astype(astype(array, to), 'float64')
    return np.isfinite(value) & ~np.isfinite(result) | np.isinf(value) & np.isnan(result)


def pairs():
    names = ['bool', *INTEGERS, *FLOATS]
    return [(one, two) for one, two in itertools.product(names, names) if one != two]


def check(folder, stored, one, two):
    array, over = stored[one], overflows(stored[one], two)
    out = folder / 'out.raw'
    tenon('get', folder / 'in.safetensors', f'{one}/fits/{two}', '--cast', two, '-o', out)
    found = np.frombuffer(out.read_bytes(), dtype_of(two))
    want = astype(array[~over], two)
    same = bits(found) == bits(want)
    if (one, two) in OTHER_PAYLOADS:
        nan = is_nan(want)
        assert (is_nan(found) == nan).all() and (np.signbit(found)[nan] == np.signbit(want)[nan]).all()
        same |= nan
    where = np.flatnonzero(~same)
    assert len(found) == len(want) and not len(where), (
        f'{one} to {two}: {len(where)} differ, first {bits(array[~over])[where[:3]]}: '
        f'{bits(found)[where[:3]]}, not {bits(want)[where[:3]]}')
    return len(want)


def test_every_pair():
    """Each float, integer and bool to each other one: what NumPy and ml_dtypes make of all values that do not overflow."""
    stored = {name: samples(name) for name in ['bool', *INTEGERS, *FLOATS]}
    with scratch() as folder:
        save_file({f'{one}/fits/{two}': stored[one][~overflows(stored[one], two)] for one, two in pairs()},
                  folder / 'in.safetensors')
        total = sum(check(folder, stored, one, two) for one, two in pairs())
        print(f'{len(pairs())} pairs, {total} values')
        assert total > 10_000_000


def test_overflow_is_the_exit_code():
    """One value that overflows is exit 1 and leaves no file; its neighbour that rounds down is none."""
    edges = {'float16': (65519.99, 65520), 'bfloat16': (3.3895e38, 3.3961775292304e38), 'float8_e4m3fn': (464, 464.1),
             'float8_e5m2': (61439.99, 61440), 'int8': (127.99, 128), 'uint8': (-0.99, -1), 'int64': (9.223371e18, 2.0**63)}
    with scratch() as folder:
        for name, (below, beyond) in edges.items():
            path, out = folder / f'{name}.safetensors', folder / f'{name}.raw'
            save_file({'below': np.array([below], np.float64), 'beyond': np.array([1, beyond], np.float64)}, path)
            tenon('get', path, 'below', '--cast', name, '-o', out)
            out.unlink()
            tenon('get', path, 'beyond', '--cast', name, '-o', out, code=1)
            assert not out.exists()


def test_other_float8():
    """Every pattern of the float8 dtypes that are only sources, as float32, float64 and bfloat16."""
    words = {'float8_e4m3fnuz': 'F8_E4M3FNUZ', 'float8_e5m2fnuz': 'F8_E5M2FNUZ', 'float8_e8m0fnu': 'F8_E8M0'}
    patterns = np.arange(256).astype(np.uint8)
    with scratch() as folder:
        for name, word in words.items():
            header = json.dumps({'w': {'dtype': word, 'shape': [256], 'data_offsets': [0, 256]}}).encode()
            path, out = folder / f'{name}.safetensors', folder / 'out.raw'
            path.write_bytes(struct.pack('<Q', len(header)) + header + patterns.tobytes())
            values = patterns.view(getattr(ml_dtypes, name))
            for to in ('float32', 'float64', 'bfloat16'):
                tenon('get', path, 'w', '--cast', to, '-o', out)
                found, want = np.frombuffer(out.read_bytes(), dtype_of(to)), astype(values, to)
                assert (bits(found) == bits(want)).all(), (name, to, np.flatnonzero(bits(found) != bits(want)))


def test_npy_and_slices():
    """What NumPy has no dtype for comes as float32, whole, in an archive, and in slices."""
    rng = np.random.default_rng(3)
    array = rng.standard_normal((40, 30)).astype(SMALL['bfloat16'])
    with scratch() as folder:
        path, out = folder / 'in.safetensors', folder / 'out.npy'
        save_file({'w': array, 'steps': np.arange(5)}, path)
        tenon('get', path, 'w', '-o', out, code=3)
        tenon('get', path, 'w', '--cast', 'f32', '-o', out)
        loaded = np.load(out)
        assert loaded.dtype == np.float32 and (loaded == array.astype(np.float32)).all()
        tenon('get', path, 'w', '--cast', 'float32', '--slice', '::-3,1:20:2', '-o', out)
        assert (np.load(out) == array[::-3, 1:20:2].astype(np.float32)).all()
        tenon('get', path, '*', '--cast', 'float32', '-o', folder / 'out.npz')
        both = np.load(folder / 'out.npz')
        assert both['w'].dtype == np.float32 and both['steps'].dtype == np.int64


if __name__ == '__main__':
    support.main(globals())
