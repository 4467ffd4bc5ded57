"""What the bench measures beside tenon does the same work: each output of the Python way equals what it was made from."""
import subprocess
import sys

import support
from support import convert, scratch, tenon

import numpy as np
import safetensors.numpy

PEERS = support.ROOT / 'bench/peers.py'
NAMES = [f'model/layer_{number}/kernel' for number in range(3)]


def model(folder):
    """Writes the files that the bench's contestants start from: a.safetensors, a-ckpt-1, a.h5."""
    arrays = {name: np.arange(12, dtype=np.float32).reshape(3, 4) + 100 * at for at, name in enumerate(NAMES)}
    safetensors.numpy.save_file(arrays, folder / 'a.safetensors')
    convert(folder / 'a.safetensors', folder / 'a-ckpt-1', '--to', 'tf_checkpoint')
    convert(folder / 'a-ckpt-1', folder / 'a.h5', '--layout', 'plain')
    return folder


def peer(folder, *arguments, code=0):
    """Runs one contestant in the folder, demands its exit code, and returns its standard output."""
    done = subprocess.run([sys.executable, PEERS, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done.stdout


def test_conversions():
    """Every conversion carries all tensors, bit for bit."""
    with scratch() as place:
        folder = model(place)
        for work, source, target in (('tf-to-st', 'a-ckpt-1', 'b.safetensors'), ('st-to-tf', 'a.safetensors', 'b-ckpt-1'),
                                     ('tf-to-hdf5', 'a-ckpt-1', 'b.h5'), ('hdf5-to-tf', 'a.h5', 'b-ckpt-2')):
            peer(folder, work, source, target)
            tenon('-q', 'diff', folder / source, folder / target)


def test_rename():
    """The rename moves the same scope as the bench's own."""
    with scratch() as place:
        folder = model(place)
        peer(folder, 'rename', 'a-ckpt-1', 'b-ckpt-1')
        convert(folder / 'a-ckpt-1', folder / 'c-ckpt-1', '--rename', 'model/=net/')
        tenon('-q', 'diff', folder / 'b-ckpt-1', folder / 'c-ckpt-1')


def test_readers():
    """The lists name every tensor; what reads and compares ends with yes, and with no where one byte differs."""
    with scratch() as place:
        folder = model(place)
        for work, path in (('ls-tf', 'a-ckpt-1'), ('ls-st', 'a.safetensors')):
            assert sorted(peer(folder, work, path).split()) == NAMES
        peer(folder, 'verify', 'a-ckpt-1')
        peer(folder, 'diff', 'a-ckpt-1', 'a.safetensors')
        for name in ('a-ckpt-1.data-00000-of-00001', 'a.safetensors'):
            with open(folder / name, 'r+b') as file:
                file.seek(-1, 2)
                file.write(b'\x7f')
        peer(folder, 'verify', 'a-ckpt-1', code=1)
        convert(folder / 'a.h5', folder / 'c-ckpt-1', '--to', 'tf_checkpoint')
        peer(folder, 'diff', 'c-ckpt-1', 'a.safetensors', code=1)


support.main(globals())
