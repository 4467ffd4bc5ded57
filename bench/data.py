"""Makes the models that are converted: safetensors by hand, the other formats from it by the program that is measured."""

import math
import os
import struct
import subprocess

BLOCK = 8 << 20
SCOPE = "model/"


def header_of(count, shape):
    """Returns the header of `count` float32 tensors of one shape, which lie one behind the other."""
    size = 4 * math.prod(shape)
    sizes = ",".join(map(str, shape))
    parts = (
        f'"{SCOPE}layer_{index}/kernel":{{"dtype":"F32","shape":[{sizes}],"data_offsets":[{index * size},{(index + 1) * size}]}}'
        for index in range(count)
    )
    text = ("{" + ",".join(parts) + "}").encode()
    return text + b" " * (-len(text) % 8)


def make_safetensors(path, count, total, down=1):
    """Writes `count` float32 tensors of about `total` bytes together, `down` rows each; the numbers are random, made
    once and repeated."""
    across = max(1, total // count // 4 // down)
    elements = down * across
    header = header_of(count, (across,) if down == 1 else (down, across))
    left = count * elements * 4
    block = bytearray(os.urandom(min(BLOCK, left)))
    block[3::4] = b"\x3f" * (len(block) // 4)  # numbers from 0.5 to 2, which every float holds
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        while left > 0:
            left -= file.write(block[:left])
        os.fsync(file.fileno())


class Model:
    """One model in a folder in several formats: a.safetensors, a-ckpt-1 (TensorFlow) and, if asked for, a.h5."""

    def __init__(self, tenon, folder, count, total, hdf5=False, down=1):
        self.tenon, self.folder, self.count = tenon, folder, count
        make_safetensors(folder / "a.safetensors", count, total, down)
        self._convert("a.safetensors", "a-ckpt-1", "--to", "tf_checkpoint")
        if hdf5:
            self._convert("a-ckpt-1", "a.h5", "--layout", "plain")

    def _convert(self, *arguments):
        subprocess.run([self.tenon, "-q", "convert", *arguments], cwd=self.folder, check=True)

    def files(self):
        return sorted(self.folder.glob("a*"))

    def remove(self):
        for path in self.files():
            path.unlink()
