"""What tenon says of every good fixture is what its framework says, in documents that fit the schema.

`expected.json` holds the framework's own listing and values; names, roles and slots in it come from fixtures/make/expect.py,
the second implementation of the naming rules.
"""
import base64
import json
import subprocess

import support
from support import PROGRAM, fixtures, listing, raw_key, scratch

import jsonschema
import ml_dtypes
import numpy as np

FORMATS = ('tf_checkpoint', 'tf_checkpoint_v1', 'saved_model', 'safetensors', 'keras_h5', 'names_list')
QUANTIZED = {'qint8': 'int8', 'quint8': 'uint8', 'qint16': 'int16', 'quint16': 'uint16', 'qint32': 'int32'}
PACKED = ('float4', 'float6')  # raw as stored: no values


def everything():
    for format_name in FORMATS:
        yield from fixtures(format_name)


def raw_name(record, field='name'):
    return base64.b64decode(record[f'{field}_b64']) if f'{field}_b64' in record else record[field].encode()


def said(row):
    """The raw name of a tensor in a document of tenon."""
    return base64.b64decode(row['name_bytes']) if 'name_bytes' in row else row['name'].encode()


def dtype_of(word):
    return np.dtype(getattr(ml_dtypes, word, None) or QUANTIZED.get(word, word))




def test_listing():
    """`ls --json --all`: names, keys, dtypes, shapes, roles, object paths, full names, slots, owners and twins."""
    seen = 0
    for name, path, expected in everything():
        rows = {said(row): row for row in listing(path, '--all')}
        wanted = {raw_name(record): record for record in expected['tensors'] if not record['twin_of']}
        assert rows.keys() == wanted.keys(), (name, rows.keys() ^ wanted.keys())
        for key, record in wanted.items():
            row, where = rows[key], (name, key)
            for field in ('dtype', 'shape', 'role', 'slot', 'slot_of', 'twins'):
                assert row[field] == record[field], (where, field, row[field], record[field])
            for alias in ('object', 'full', 'order'):
                assert row['aliases'][alias] == record.get(alias, row['aliases'][alias]), (where, alias)
            if 'key_b64' not in record and '\\' not in record['key']:
                assert row['aliases']['key'] == record['key'], where
            seen += 1
    assert seen > 1000, seen


def test_keys_with_twins():
    """`ls --all --scheme key --name-only -0`: every key of the container, byte for byte."""
    for name, path, expected in everything():
        done = subprocess.run([PROGRAM, '-q', 'ls', '--all', '--scheme', 'key', '--name-only', '-0', str(path)],
                              capture_output=True, check=True)
        keys = done.stdout.split(b'\0')
        if any(b'\0' in raw_key(record) for record in expected['tensors']):
            assert done.stdout == b''.join(sorted(raw_key(record) + b'\0' for record in expected['tensors'])), name
        else:
            assert sorted(keys[:-1]) == sorted(raw_key(record) for record in expected['tensors']), name


def test_raw_values():
    """`get --as raw` of every tensor gives the bytes that the framework read."""
    seen = 0
    for name, path, expected in everything():
        for record in expected['tensors']:
            key = raw_name(record)
            if 'hex' not in record or record['twin_of'] or b'\0' in key:
                continue
            done = subprocess.run([PROGRAM, '-q', 'get', '--as', 'raw', '--', str(path), key], capture_output=True, check=False)
            assert done.returncode == 0, (name, key, done.stderr)
            assert done.stdout.hex() == record['hex'], (name, key)
            seen += 1
    assert seen > 900, seen


def flat(values):
    """The leaves of nested lists, but not of complex numbers, which are lists of two as well."""
    return [leaf for value in values for leaf in flat(value)] if isinstance(values, list) else [values]


def number(leaf):
    return float(leaf.lower().replace('infinity', 'inf')) if isinstance(leaf, str) else leaf


def same_numbers(values, record):
    """Demands the bits of the framework's values; a NaN has no payload in JSON."""
    dtype = dtype_of(record['dtype'])
    leaves = [number(leaf) for leaf in flat(values)]
    wanted = np.frombuffer(bytes.fromhex(record['hex']), 'u1' if record['dtype'].endswith(('int4', 'int2')) else dtype)
    if record['dtype'] in ('int4', 'int2'):
        bits = int(record['dtype'][-1])
        wanted = (wanted.astype(int) ^ (1 << (bits - 1))) - (1 << (bits - 1))
        return leaves == wanted.tolist()
    if dtype.kind == 'c':
        wanted = wanted.view(f'f{dtype.itemsize // 2}')
    ours = np.array(leaves, object if wanted.dtype.kind in 'iu' else 'float64')
    ours = np.array([int(one) for one in ours], wanted.dtype) if wanted.dtype.kind in 'iu' else ours.astype(wanted.dtype)
    wide, other = ours.astype('float64'), wanted.astype('float64')
    nan = np.isnan(other)
    unsigned = ours.view(f'u{wanted.dtype.itemsize}'), wanted.view(f'u{wanted.dtype.itemsize}')
    if ours.size != wanted.size or not (np.isnan(wide) == nan).all():
        return False
    return np.array_equal(*(one[~nan] for one in unsigned))


def test_json_values():
    """`get --as json` is exact: parsed again, every number has the framework's bits, every string its bytes."""
    for name, path, expected in everything():
        rows = [row['name'] for row in listing(path)]
        wanted = {raw_name(record): record for record in expected['tensors'] if not record['twin_of']}
        if not rows or expected['layout'] == 'meta' or any(record['dtype'] is None or record['dtype'].startswith(PACKED) for record in wanted.values()):
            continue
        document = json.loads(support.tenon('-q', 'get', '--as', 'json', path, '**'))
        assert len(document['tensors']) == len(rows), name
        for row in document['tensors']:
            record = wanted[said(row)]
            assert row['shape'] == record['shape'] and row['dtype'] == record['dtype'], (name, row['name'])
            if 'strings_b64' in record:
                strings = [base64.b64decode(leaf['b64']) if isinstance(leaf, dict) else leaf.encode()
                           for leaf in flat(row['values'])]
                assert strings == [base64.b64decode(one) for one in record['strings_b64']], (name, row['name'])
            elif 'hex' in record:
                assert same_numbers(row['values'], record), (name, row['name'])


def schema():
    document = json.loads((support.ROOT / 'schemas/output.schema.json').read_text())
    return jsonschema.Draft202012Validator(document)


def documents(arguments):
    """Runs a verb with --json or --jsonl and gives each line of both streams, parsed."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, check=False)
    assert 0 <= done.returncode < 128, (arguments, done.returncode, done.stderr)
    lines = done.stdout.splitlines() + [line for line in done.stderr.splitlines() if line]
    assert lines, arguments
    for line in lines:
        yield done.returncode, json.loads(line)


def commands(path, out):
    """What can be asked of one path."""
    yield from (['ls', '--json', '--all', '--stats', path], ['ls', '--jsonl', path],
                ['ls', '--json', '--scheme', 'key', '--all', path],
                ['ls', '--json', '--weights-only', path], ['show', '--json', '--objects', '--metadata', path],
                ['get', '--json', path, '**'], ['get', '--json', path, 'no/such/tensor'], ['verify', '--json', path],
                ['diff', '--json', path, path], ['diff', '--jsonl', path, path], ['check', '--json', path, '--against', path],
                ['check', '--jsonl', path, '--against', path],
                ['plan', '--json', path, out / 'p.safetensors'], ['plan', '--json', path, out / 'p', '--to', 'tf_checkpoint'],
                ['plan', '--json', path, out / 'p.safetensors', '--drop', '**/kernel', '--weights-only'],
                ['convert', '--json', path, out / 'o.safetensors'], ['convert', '--json', path, out / 'o.safetensors'],
                ['convert', '--json', path, out / 'o', '--to', 'tf_checkpoint', '--max-shard-size', '100'],
                ['convert', '--json', path, out / 'o', '--to', 'tf_checkpoint', '--skip-existing'],
                ['convert', '--json', path, out / 'd', '--to', 'tf_checkpoint', '--only', 'no/such/tensor'])


def test_documents_fit_the_schema():
    """Every document of every verb over every fixture, answers and refusals, with the exit code that it says itself."""
    validator, failures, seen = schema(), [], {}
    for name, path, _ in everything():
        with scratch() as out:
            for command in commands(path, out):
                for code, document in documents(command):
                    for error in validator.iter_errors(document):
                        failures.append(f'{name}: {command[:2]}: {error.json_path}: {error.message[:200]}')
                    if 'tenon' in document:
                        assert document['exit'] == code and document['verb'] == command[0], (name, command, document['exit'], code)
                        seen[(command[0], code)] = seen.get((command[0], code), 0) + 1
    for command in (['formats', '--json'], ['ckpt', 'ls', '--json', support.FIXTURES / 'example'],
                    ['ckpt', 'latest', '--json', support.FIXTURES / 'example'],
                    ['ls', '--json', support.FIXTURES / 'bad/model.safetensors'], ['ls', '--json', support.FIXTURES / 'nothing'],
                    ['verify', '--json', support.FIXTURES / 'bad/model.ckpt.index', support.FIXTURES / 'example'],
                    ['ls', '--json'], ['ls', '--json', '--no-such-option', 'x']):
        for code, document in documents(command):
            failures += [f'{command}: {error.json_path}: {error.message[:200]}' for error in validator.iter_errors(document)]
    assert not failures, '\n'.join(failures[:20])
    assert seen[('ls', 0)] > 150 and seen[('convert', 5)] > 30 and seen[('get', 1)] > 40, seen


if __name__ == '__main__':
    support.main(globals())
