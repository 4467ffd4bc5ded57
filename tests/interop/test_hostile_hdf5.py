"""HDF5 files of h5py that are too large to keep: bombs, crowds and depths, each of which the program must end decently on
(tests/fuzz/hdf5-reproducers says what that is, 128 MiB of memory among it)."""
import json
import re
import struct
import subprocess

import support
from support import PROGRAM, ROOT, scratch

import h5py
import numpy as np

GIB = 1 << 30


def judge(write, code=None, **how):
    """Writes a file and has it judged; `code` is what it must be refused for."""
    with scratch() as folder:
        with h5py.File(folder / 'model.h5', 'w', **how) as file:
            write(file)
        if code is not None:
            (folder / 'refused.json').write_text(json.dumps({'code': code}))
        done = subprocess.run([ROOT / 'tests/fuzz/hdf5-reproducers', '--program', PROGRAM, folder], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def zeros(file, count, chunk):
    """Zeros, deflated: one chunk is packed, and its bytes serve all."""
    dataset = file.create_dataset('zeros', (count,), 'u1', chunks=(chunk,), compression='gzip', compression_opts=9)
    dataset[:chunk] = 0
    _, packed = dataset.id.read_direct_chunk((0,))
    for first in range(chunk, count, chunk):
        dataset.id.write_direct_chunk((first,), packed)


def test_deflate_bomb():
    """A GiB of zeros, deflated once, in a MiB."""
    judge(lambda file: zeros(file, GIB, GIB // 16), 'TN_E_LIMIT')


def test_deflated_zeros():
    """What is no bomb yet, a sixteenth of the limit, is decoded in little memory."""
    assert 'convert: 2 exit 0' in judge(lambda file: zeros(file, GIB // 8, GIB // 32))


def test_chunk_is_larger_than_it_says():
    """A chunk that is said to hold 4 KiB and inflates to half a GiB."""
    def write(file):
        zeros(file, GIB // 2, GIB // 2 // 4)
        _, packed = file['zeros'].id.read_direct_chunk((0,))
        del file['zeros']
        small = file.create_dataset('small', (4096,), 'u1', chunks=(4096,), compression='gzip')
        small.id.write_direct_chunk((0,), packed)
    judge(write)


def repeat(file, length, times):
    """Makes the reference to the only string of `length` bytes stand there `times` times, as others do behind it."""
    file.flush()
    with open(file.filename, 'r+b') as raw:
        data = raw.read()
        heaps = [found.start() for found in re.finditer(b'GCOL', data)]
        found = [data.find(struct.pack('<IQ', length, heap)) for heap in heaps]
        at = max(found)
        raw.seek(at)
        raw.write(data[at : at + 16] * times)


def test_texts_of_one_text():
    """250 MiB of strings out of 1 MiB: listed, for that reads none of them, and verified to be too much."""
    def write(file):
        file.create_dataset('text', data=['x' * (1 << 20)] + ['y'] * 249, dtype=h5py.string_dtype())
        repeat(file, 1 << 20, 250)
    assert 'verify: 1 exit 6' in judge(write)


def test_texts_of_blanks():
    """400 MiB of deflated strings of fixed length."""
    def write(file):
        texts = np.full(4096, b'x' * 100000, 'S100000')
        file.create_dataset('text', data=texts, chunks=(64,), compression='gzip')
    assert 'verify: 1 exit 6' in judge(write)


def test_attribute_of_one_text():
    """200 MiB of strings out of 1 MiB in an attribute, which is read when the file is opened."""
    def write(file):
        file.attrs.create('names', ['x' * (1 << 20)] + ['y'] * 199, dtype=h5py.string_dtype())
        repeat(file, 1 << 20, 200)
    judge(write, 'TN_E_LIMIT')


def test_attribute_of_64_mib():
    """An attribute of 64 MiB, which only files of the newer format can hold."""
    judge(lambda file: file.attrs.create('big', np.zeros(1 << 23)), libver='latest')


def test_many_attributes():
    """65,000 attributes of one group."""
    def write(file):
        for index in range(65000):
            file.attrs[str(index)] = np.int8(1)
    judge(write, libver='latest')


def test_many_objects():
    """100,000 empty groups."""
    def write(file):
        for index in range(100000):
            file.create_group(str(index))
    judge(write, libver='latest')


def test_deep_groups():
    """Groups 10,000 deep."""
    def write(file):
        group = file
        for _ in range(10000):
            group = group.create_group('g')
    judge(write, 'TN_E_LIMIT')


if __name__ == '__main__':
    support.main(globals())
