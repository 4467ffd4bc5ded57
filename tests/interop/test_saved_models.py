"""SavedModels, beyond what their fixtures' expected.json says: what TensorFlow's own tools say of them."""
import json
import os
import re
import subprocess
import sys

import support
from support import FIXTURES, tenon

SAVED = sorted(path.parent for path in (FIXTURES / 'saved_model').glob('good-*/model/saved_model.pb*'))
OPS = re.compile(r'(contains the following ops: )\{(.*)\}')


def lines_of(text):
    """Lines with the set of operations in order, and the options of one function in order of what they say: TensorFlow gives
    the functions new names when it loads them, and prints them in the order of those."""
    text = OPS.sub(lambda match: match[1] + '{' + ', '.join(sorted(match[2].split(', '))) + '}', text)
    parts = re.split(r'(?m)^(?=  Function Name: )', text)
    for i, part in enumerate(parts):
        head, *options = re.split(r'    Option #\d+\n', part)
        parts[i] = head + ''.join(f'    Option\n{option.rstrip()}\n' for option in sorted(options))
    return ''.join(parts).splitlines()


def test_style_tf():
    """`show --style tf` prints the lines of `saved_model_cli show --all`."""
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3')
    for path in SAVED:
        done = subprocess.run([sys.executable, '-m', 'tensorflow.python.tools.saved_model_cli', 'show', '--all', '--dir', path],
                              capture_output=True, check=True, env=environment)
        ours = tenon('-q', 'show', '--style', 'tf', path).decode()
        assert lines_of(ours) == lines_of(done.stdout.decode()), (path, ours, done.stdout.decode())
    assert len(SAVED) > 6


if __name__ == '__main__':
    support.main(globals())
