#!/usr/bin/env python3
"""Compares `tenon ls --style tf` with TensorFlow's CheckpointReader.debug_string on every fixture: ls_style_tf.py PROGRAM

TensorFlow leaves partitioned variables out and lists their slices by encoded keys, which begin with a NUL byte; tenon
lists the whole variable. Only there may the lines differ.
"""
import json
import os
import pathlib
import subprocess
import sys

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import tensorflow as tf  # noqa: E402

FIXTURES = pathlib.Path(__file__).resolve().parent.parent.parent / 'fixtures'


def partitioned(slice_key):
    """Reads the variable's name from a slice's key (checkpoint.proto's ordered code: NUL is spelled \\x00\\xff)."""
    return slice_key[1:].split(b'\x00\x01', 1)[0].replace(b'\x00\xff', b'\x00')


def compare(program, path):
    """Returns how many lines are equal and the lines that differ without reason."""
    ours = subprocess.run([program, 'ls', '-q', '--style', 'tf', path], capture_output=True, check=True).stdout
    theirs = tf.train.load_checkpoint(str(path)).debug_string()
    theirs = theirs if isinstance(theirs, bytes) else theirs.encode('utf-8', 'surrogateescape')
    if ours == theirs:
        return ours.count(b'\n'), []
    slices = [line for line in theirs.split(b'\n') if line.startswith(b'\x00')]
    split = {partitioned(line) for line in slices}
    whole = [line for line in theirs.split(b'\n') if line not in slices]
    unsplit = [line for line in ours.split(b'\n') if line.rsplit(b' (', 1)[0] not in split]
    return len(whole), sorted(set(whole) ^ set(unsplit))


def main():
    equal, wrong = 0, []
    for folder in sorted((FIXTURES / 'tf_checkpoint').iterdir()) + [FIXTURES / 'example']:
        path = json.loads((folder / 'expected.json').read_text())['path']
        lines, different = compare(sys.argv[1], folder / path)
        equal += lines
        wrong += [f'{folder.name}: {line!r}' for line in different]
    print('\n'.join(wrong) or f'{equal} lines are those of TensorFlow {tf.__version__}')
    return 1 if wrong or not equal else 0


if __name__ == '__main__':
    sys.exit(main())
