"""SavedModels, beyond what their fixtures' expected.json says: what TensorFlow's own tools say of them."""
import json
import os
import pathlib
import random
import re
import subprocess
import sys

import support
from support import FIXTURES, tenon

import jsonschema
import tensorflow as tf

import expect_saved_model

SAVED = sorted(path.parent for path in (FIXTURES / 'saved_model').glob('good-*/model/saved_model.pb*'))
SCHEMA = jsonschema.Draft202012Validator(json.loads((support.ROOT / 'schemas/output.schema.json').read_text()))
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


def graphs():
    """Gives (path for tenon, --tags or nothing, GraphDef) of every graph of the fixtures."""
    for path in sorted((FIXTURES / 'saved_model').glob('good-*/expected.json')):
        expected = json.loads(path.read_text())
        main = path.parent / expected['path']
        files = [main / 'saved_model.pb', main / 'saved_model.pbtxt', main, pathlib.Path(f'{main}.meta')]
        file = next(one for one in files if one.is_file())
        metas = expect_saved_model.parse(str(file))
        for meta in metas:
            tags = ['--tags', ','.join(meta.meta_info_def.tags)] if len(metas) > 1 else []
            yield main, tags, meta.graph_def


def names_of(graph, random):
    """Names that are there and names that are not, in all forms."""
    operations = graph.get_operations()
    names = ['', ':', ':0', 'x', 'x:', 'x:y', 'x:0:0', '^x', 'no/such', 'no/such:0', 'train_op', 'train_op:0', 'W', 'W:0', 'W:1']
    for operation in random.sample(operations, min(len(operations), 25)):
        name = operation.name
        names += [name, f'{name}:0', f'{name}:1', f'{name}:-1', f'{name}:{len(operation.outputs)}', f'{name}:99']
        output = random.choice([' 0', '0 ', '+0', '00', '0_0', '_0', '0_', '-', '0x0', '1e0', '', 'a', '-0', '--1', '\t0\n'])
        names += [f'{name}:{output}', f'^{name}', f'{name}/', f'/{name}', name[1:], name[:-1] + 'q', f'{name}_1:0', name.upper()]
    return [name for name in names if '*' not in name and '{' not in name]


def said_of_tensor(graph, name):
    """Returns the tensor, or the reason that TensorFlow gives."""
    try:
        return graph.get_tensor_by_name(name), None
    except (KeyError, ValueError) as error:
        text = str(error)
    for part, why in (('refers to an Operation, not a Tensor', 'is_operation'), ('(invalid) Operation name', 'bad_operation_name'),
                      ('does not exist in the graph', 'no_such_operation'), ('exists but only has', 'no_such_output'),
                      ('looks a like a Tensor name', 'malformed')):
        if part in text:
            return None, why
    raise AssertionError(text)


def said_of_operation(graph, name):
    try:
        return graph.get_operation_by_name(name), None
    except (KeyError, ValueError) as error:
        text = str(error)
    if 'appears to refer to a Tensor' in text:
        return None, 'is_tensor'
    assert 'refers to an Operation not in the graph' in text, text
    return None, 'no_such_operation'


def same_tensor(answer, tensor):
    dtype = None if tensor.dtype.base_dtype == tf.resource else tensor.dtype.base_dtype.name
    shape = tf.TensorShape(answer['shape'])
    return (answer['operation'] == tensor.op.name and answer['output'] == tensor.value_index and answer['dtype'] == dtype
            and tensor.shape.is_compatible_with(shape))


def test_resolve():
    """`graph resolve` says what get_tensor_by_name and get_operation_by_name do, of names good and bad."""
    generator, seen, shapes = random.Random(7), 0, 0
    for path, tags, definition in graphs():
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(definition, name='')
        names = names_of(graph, generator)
        done = subprocess.run([support.PROGRAM, '-q', '--json', 'graph', 'resolve', *tags, '--', path, *names],
                              capture_output=True, check=False)
        document = json.loads(done.stdout)
        assert document['error'] is None and len(document['queries']) == len(names), (path, document['error'])
        SCHEMA.validate(document)
        for name, query in zip(names, document['queries']):
            tensor, why = said_of_tensor(graph, name)
            assert query['query'] == name and query['tensor'].get('why') == why, (path, name, query, why)
            assert tensor is None or same_tensor(query['tensor'], tensor), (path, name, query['tensor'], tensor)
            operation, why = said_of_operation(graph, name)
            assert query['operation'].get('why') == why and query['operation']['ok'] == (operation is not None), (path, name)
            shapes += tensor is not None and query['tensor']['shape'] is not None
            seen += 1
    assert seen > 2000 and shapes > 100, (seen, shapes)


def test_ls():
    """`graph ls` lists the operations with their types, inputs, and the dtypes of their outputs."""
    seen = 0
    for path, tags, definition in graphs():
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(definition, name='')
        document = json.loads(tenon('-q', '--json', 'graph', 'ls', *tags, path))
        SCHEMA.validate(document)
        own = {row['name']: row for row in document['operations'] if row['function'] is None}
        assert own.keys() == {operation.name for operation in graph.get_operations()}, path
        for node in definition.node:
            operation, row = graph.get_operation_by_name(node.name), own[node.name]
            dtypes = [None if one.dtype.base_dtype == tf.resource else one.dtype.base_dtype.name for one in operation.outputs]
            assert row['type'] == node.op and row['inputs'] == list(node.input), (path, row)
            assert [one['dtype'] for one in row['outputs']] == dtypes, (path, row, dtypes)
            seen += 1
        assert document['functions'] == [one.signature.name for one in definition.library.function], path
        inner = [(one.signature.name, node.name) for one in definition.library.function for node in one.node_def]
        assert [(row['function'], row['name']) for row in document['operations'] if row['function']] == inner, path
    assert seen > 300, seen


if __name__ == '__main__':
    support.main(globals())
