#!/usr/bin/env python3
"""The Python way to do what tenon does, to be measured beside it: TensorFlow with h5py or safetensors.

    peers.py WORK [IN [OUT]]

Each function does its work the fastest way that the libraries offer, without reading back and without syncing. The bench
imports this file for the list of contestants, so the libraries are imported where they are used.
"""

import os
import pathlib
import sys

SCOPE, OTHER = "model/", "net/"
MOST_ROUNDS = 3  # these take many seconds


def read_tf(path):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(path)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def write_tf(path, arrays):
    import tensorflow as tf

    names = list(arrays)
    tf.raw_ops.SaveV2(
        prefix=path, tensor_names=names, shape_and_slices=[""] * len(names), tensors=[arrays[name] for name in names]
    )


def tf_to_st(source, target):
    import safetensors.numpy

    safetensors.numpy.save_file(read_tf(source), target)


def st_to_tf(source, target):
    import safetensors.numpy

    write_tf(target, safetensors.numpy.load_file(source))


def tf_to_hdf5(source, target):
    import h5py
    import tensorflow as tf

    reader = tf.train.load_checkpoint(source)
    with h5py.File(target, "w") as file:
        for name in reader.get_variable_to_shape_map():
            file.create_dataset(name, data=reader.get_tensor(name))


def hdf5_to_tf(source, target):
    import h5py

    arrays = {}
    with h5py.File(source, "r") as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    write_tf(target, arrays)


def rename(source, target):
    write_tf(target, {OTHER + name.removeprefix(SCOPE): array for name, array in read_tf(source).items()})


def diff(first, second):
    import numpy
    import safetensors.numpy

    ours, theirs = read_tf(first), safetensors.numpy.load_file(second)
    if ours.keys() != theirs.keys() or not all(numpy.array_equal(ours[name], theirs[name]) for name in ours):
        sys.exit("peers: different")


def verify(path):
    read_tf(path)  # TensorFlow checks the sum of each tensor that it reads


def ls_tf(path):
    import tensorflow as tf

    for name, _ in tf.train.list_variables(path):
        print(name)


def ls_st(path):
    import safetensors

    with safetensors.safe_open(path, "numpy") as file:
        for name in file.keys():
            print(name)


def import_tf():
    import tensorflow  # noqa: F401


def import_h5py():
    import h5py  # noqa: F401


def import_st():
    import safetensors.numpy  # noqa: F401


WORK = {
    "tf-to-st": (tf_to_st, "TensorFlow to safetensors", ["a-ckpt-1", "b.safetensors"], ["b.*"]),
    "st-to-tf": (st_to_tf, "safetensors to TensorFlow", ["a.safetensors", "b-ckpt-1"], ["b-*"]),
    "tf-to-hdf5": (tf_to_hdf5, "TensorFlow to HDF5", ["a-ckpt-1", "b.h5"], ["b.*"]),
    "hdf5-to-tf": (hdf5_to_tf, "HDF5 to TensorFlow", ["a.h5", "b-ckpt-1"], ["b-*"]),
    "rename": (rename, "rename in TensorFlow", ["a-ckpt-1", "b-ckpt-1"], ["b-*"]),
    "verify": (verify, "verify, TensorFlow", ["a-ckpt-1"], []),
    "diff": (diff, "diff, TensorFlow and safetensors", ["a-ckpt-1", "a.safetensors"], []),
    "ls-tf": (ls_tf, "ls --name-only, TensorFlow", ["a-ckpt-1"], []),
    "ls-st": (ls_st, "ls --name-only, safetensors", ["a.safetensors"], []),
}
IMPORTS = {
    "import-tf": (import_tf, "import tensorflow"),
    "import-h5py": (import_h5py, "import h5py"),
    "import-st": (import_st, "import safetensors.numpy"),
}


def command(python, key, arguments):
    return [python, __file__, key, *arguments]


def add(contest, python):
    """Adds all work of size groups to a contest."""
    for key, (_, label, arguments, leaves) in WORK.items():
        label = f"Python: {label}"
        line = command(python, key, arguments)
        contest.add(f"python-{key}", label, line, leaves, most_rounds=MOST_ROUNDS, who="python")


def add_imports(contest, python):
    for key, (_, label) in IMPORTS.items():
        contest.add(f"python-{key}", f"Python: {label}", command(python, key, []), most_rounds=MOST_ROUNDS, who="python")


def add_saved_model(contest, python, folder, words):
    program = pathlib.Path(python).with_name("saved_model_cli")
    line = ["env", "TF_CPP_MIN_LOG_LEVEL=3", program, "show", "--all", "--dir", folder]
    contest.add(f"python-{folder}", f"saved_model_cli, {words}", line, most_rounds=MOST_ROUNDS, who="python")


def main():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what TensorFlow says of the processor
    work = {**WORK, **IMPORTS}[sys.argv[1]][0]
    work(*sys.argv[2:])


if __name__ == "__main__":
    main()
