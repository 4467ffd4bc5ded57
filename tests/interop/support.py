"""What the interop tests share: running tenon, reading fixtures, and counting.

A test file defines functions named test_…, each with a sentence, and ends with `support.main(globals())`. It is run as
`test_x.py PROGRAM` and prints one line for each failure and, last, `N passed, N failed, N skipped`.
"""
import base64
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / 'fixtures'
sys.path.insert(0, str(FIXTURES / 'make'))

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else str(ROOT / 'build/release/tenon')


def tenon(*arguments, code=0):
    """Runs tenon, demands its exit code, and returns its standard output."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, check=False)
    if done.returncode != code:
        raise AssertionError(f"tenon {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                             f"{done.stderr.decode(errors='replace')}")
    return done.stdout


def convert(*arguments, code=0):
    return tenon('-q', 'convert', *arguments, code=code)


def listing(path, *arguments):
    """Returns the tensors of `ls --json`."""
    return json.loads(tenon('-q', 'ls', '--json', *arguments, path))['tensors']


def fixtures(format_name):
    """Gives (name, path to open, expected) of all fixtures of one format."""
    for folder in sorted((FIXTURES / format_name).iterdir()):
        if (folder / 'expected.json').exists():
            expected = json.loads((folder / 'expected.json').read_text())
            yield folder.name, folder / expected['path'], expected


def raw_key(record):
    return base64.b64decode(record['key_b64']) if 'key_b64' in record else record['key'].encode()


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix='tenon-interop-') as folder:
        yield pathlib.Path(folder)


def main(names):
    """Runs all test_… functions."""
    passed, failed = 0, 0
    for name, test in list(names.items()):
        if not name.startswith('test_') or not callable(test):
            continue
        try:
            test()
            passed += 1
        except Exception:  # a failure is told, and the others still run
            failed += 1
            print(f'FAILED {name}: {(test.__doc__ or "").strip()}')
            traceback.print_exc(file=sys.stdout)
    print(f'{passed} passed, {failed} failed, 0 skipped')
    sys.exit(1 if failed else 0)
