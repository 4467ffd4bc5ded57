"""`graph freeze`: TensorFlow runs the frozen graph and gets the same numbers, and its own converter makes the same nodes."""
import json
import pathlib
import re
import subprocess

import support
from support import scratch, tenon

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tensorflow.python.ops import gen_array_ops, gen_control_flow_ops

tf1 = tf.compat.v1
tf1.logging.set_verbosity('ERROR')
tf.get_logger().setLevel('ERROR')
tf1.disable_control_flow_v2()

RANDOM = np.random.default_rng(11)
FUNCTION_NUMBER = re.compile(r'"(\w+?)(_frozen)?_\d+"')  # TensorFlow's converter renames functions that it touches
READS = {'ReadVariableOp', 'ResourceGather', 'ResourceGatherNd'}


def values(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def variable(name, value, resource, **rest):
    return tf1.get_variable(name, initializer=tf.constant(value), use_resource=resource, **rest)


def dense(resource):
    """A layer, its optimizer with slots, a large constant, an assertion that a read waits for, and a colocated operation."""
    x = tf1.placeholder(tf.float32, [None, 3], 'x')
    w, b = variable('scope/W', values(3, 40), resource), variable('scope/b', values(40), resource)
    with tf.control_dependencies([tf1.debugging.assert_positive(tf.shape(x)[0], name='rows')]):
        product = tf.matmul(x, w.read_value() if resource else tf.identity(w))
    large = tf.constant(values(60, 40), name='large')
    with tf1.colocate_with(w.op):
        scores = tf.add(product, b, name='scores') + tf.reduce_sum(large)
    loss = tf.reduce_sum(tf.identity(scores, 'out'), name='loss')
    tf1.train.AdamOptimizer().minimize(loss, tf1.train.get_or_create_global_step())
    return {x: values(2, 3)}, ['out']


def dtypes(resource):
    """A variable of each kind of number, of no dimension and of none elements."""
    kinds = [np.float64, np.float16, np.int8, np.uint8, np.int16, np.int32, np.int64, np.complex64, np.complex128, np.bool_,
             tf.bfloat16.as_numpy_dtype]
    outputs = []
    for i, kind in enumerate(kinds):
        one = variable(f'v{i}', (RANDOM.normal(size=(2, 5)) * 50).astype(kind), resource)
        outputs.append(tf.identity(one, f'out{i}').op.name)
    outputs.append(tf.identity(variable('scalar', np.float32(-0.0), resource), 'zero').op.name)
    outputs.append(tf.identity(variable('none', values(0, 4), resource), 'empty').op.name)
    return {}, outputs


def strings(resource):
    """A variable of strings."""
    return {}, [tf.identity(variable('words', np.array([b'a', b'', b'\0long' * 60], object), resource), 'out').op.name]


def partitioned(resource):
    """Variables in parts: along rows, and along columns, which lie in pieces in the checkpoint."""
    with tf1.variable_scope('', partitioner=tf1.fixed_size_partitioner(3, 0)):
        rows = tf1.get_variable('rows', [8, 4], use_resource=resource)
    with tf1.variable_scope('', partitioner=tf1.fixed_size_partitioner(2, 1)):
        columns = tf1.get_variable('columns', [5, 4], use_resource=resource)
    ids = tf.constant([0, 7, 3])
    looked = tf1.nn.embedding_lookup(rows, ids, partition_strategy='div')
    return {}, [tf.matmul(looked, tf.convert_to_tensor(columns), transpose_b=True, name='out').op.name]


def cond_and_while(resource):
    """Control flow of TensorFlow 1: variables pass Switch and Enter, references RefSwitch."""
    p = tf1.placeholder(tf.bool, [], 'p')
    v, w = variable('v', values(3), resource), variable('w', values(3), resource)
    chosen = tf1.cond(p, lambda: v + 1., lambda: tf1.identity(w) * 2.)
    _, total = tf1.while_loop(lambda i, t: i < 5, lambda i, t: (i + 1, t + v * w), [0, chosen])
    outputs = [tf.identity(total, 'out').op.name]
    if not resource:
        one, other = gen_control_flow_ops.ref_switch(v._ref(), p, name='by')
        merged = gen_control_flow_ops.merge([tf.identity(one) * 3., tf.identity(other) * 4.], name='either')
        outputs += [merged.output.op.name, gen_array_ops.ref_identity(v._ref(), name='same').op.name]
    return {p: True}, outputs


def gathers(resource):
    """Rows by number, also where the name that the axis would have is taken."""
    table = variable('table', values(9, 4), resource)
    ids, pairs = tf.constant([8, 0, 1], tf.int64), tf.constant([[1, 2], [8, 3]])
    one = tf.nn.embedding_lookup(table, ids, name='rows')
    other = tf.gather_nd(table, pairs) if not resource else tf1.raw_ops.ResourceGatherNd(
        resource=table.handle, indices=pairs, dtype=tf.float32)
    return {}, [tf.add(tf.reduce_sum(one), tf.reduce_sum(other), name='out').op.name]


def functions(resource):
    """Control flow of TensorFlow 2 in a graph of TensorFlow 1, functions that call functions, and some that nobody calls."""
    x = tf1.placeholder(tf.float32, [3], 'x')
    v = tf.identity(variable('v', values(3), resource))

    @tf.function
    def inner(a):
        return a * 2. + 1.

    @tf.function
    def outer(a):
        return inner(a) - inner(a * a)

    @tf.function
    def unused(a):
        return a - 5.
    unused(x)
    tf1.enable_control_flow_v2()
    try:
        chosen = tf1.cond(tf.reduce_sum(x) > 0., lambda: outer(x) + v, lambda: x * v)
        _, total = tf1.while_loop(lambda i, t: i < 3, lambda i, t: (i + 1, inner(t) + v), [0, chosen])
    finally:
        tf1.disable_control_flow_v2()
    return {x: values(3)}, [tf.identity(total, 'out').op.name]


GRAPHS = [dense, dtypes, strings, partitioned, cond_and_while, gathers, functions]


def each_graph():
    """Gives (title, session, feeds by name, outputs, folder, paths that lead to the saved graph)."""
    for build in GRAPHS:
        for resource in (False, True):
            with scratch() as folder, tf.Graph().as_default() as graph, tf1.Session() as session:
                feeds, outputs = build(resource)
                feeds = feeds or {tf1.placeholder(tf.float32, [], 'unused'): 0.}
                session.run(tf1.global_variables_initializer())
                tf1.train.Saver().save(session, str(folder / 'model.ckpt'))
                outs = {name: graph.get_tensor_by_name(f'{name}:0') for name in outputs}
                tf1.saved_model.simple_save(session, str(folder / 'saved'), {t.op.name: t for t in feeds}, outs)
                text = folder / 'text'
                text.mkdir()
                (text / 'variables').symlink_to(folder / 'saved/variables')
                message = saved_model_pb2.SavedModel()
                message.ParseFromString((folder / 'saved/saved_model.pb').read_bytes())
                (text / 'saved_model.pbtxt').write_text(str(message))
                paths = [folder / 'model.ckpt.meta', folder / 'model.ckpt', folder / 'saved', text]
                yield f'{build.__name__} {resource}', session, {t.name: feeds[t] for t in feeds}, outputs, folder, paths


def read(path):
    definition = tf1.GraphDef()
    definition.ParseFromString(pathlib.Path(path).read_bytes())
    return definition


def run(definition, feeds, outputs):
    with tf.Graph().as_default(), tf1.Session() as session:
        tf.import_graph_def(definition, name='')
        feeds = {name: value for name, value in feeds.items() if name != 'unused:0'}
        return session.run([f'{name}:0' for name in outputs], feeds)


def same(one, other):
    one, other = np.asarray(one), np.asarray(other)
    equal = one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes()
    return one.dtype == other.dtype and one.shape == other.shape and equal


def test_same_numbers():
    """Bit for bit the numbers of the graph with its variables, from a .meta, a checkpoint, a SavedModel, and one as text."""
    seen = 0
    for title, session, feeds, outputs, folder, paths in each_graph():
        expected = session.run([f'{name}:0' for name in outputs], feeds)
        for path in paths:
            tenon('-q', 'graph', 'freeze', path, folder / 'frozen.pb', '-f', *sum((['--outputs', name] for name in outputs), []))
            found = run(read(folder / 'frozen.pb'), feeds, outputs)
            assert all(same(a, b) for a, b in zip(found, expected)), (title, path, found, expected)
            names = {node.op for node in read(folder / 'frozen.pb').node}
            assert not names & {'VariableV2', 'VarHandleOp', 'ReadVariableOp', 'SaveV2', 'RefSwitch'}, (title, names)
            seen += 1
    assert seen == 4 * 2 * len(GRAPHS), seen


def text_of(message):
    return FUNCTION_NUMBER.sub(r'"\1"', str(message))


def attributes(node):
    return {key: text_of(value) for key, value in node.attr.items() if key != '_output_shapes'}


def compare_nodes(ours, theirs, before):
    """Compares nodes. Known differences: ours keep what a read waits for, and change references, which theirs leave."""
    assert [node.name for node in ours] == [node.name for node in theirs]
    for our, their in zip(ours, theirs):
        old = before.get(our.name, our)
        controls = [name for name in our.input if name.startswith('^')]
        if old.op in READS:
            assert controls == [name for name in old.input if name.startswith('^')], (our, old)
            assert [name for name in our.input if name not in controls] == list(their.input), (our, their)
        else:
            assert our.input == their.input, (our, their)
        assert our.op == their.op.removeprefix('Ref') and our.device == their.device, (our, their)
        if our.op == 'Const':
            assert our.attr['dtype'].type == their.attr['dtype'].type == our.attr['value'].tensor.dtype
            assert same(tf.make_ndarray(our.attr['value'].tensor), tf.make_ndarray(their.attr['value'].tensor)), our.name
        else:
            assert attributes(our) == attributes(their), (our, their)


def compare_libraries(ours, theirs):
    """Compares functions: ours are those that are called. Returns the names of both."""
    named = [{FUNCTION_NUMBER.sub(r'\1', f'"{one.signature.name}"'): one for one in library.function} for library in (ours, theirs)]
    for name, one in named[0].items():
        assert [text_of(node) for node in one.node_def] == [text_of(node) for node in named[1][name].node_def], name
        assert one.ret == named[1][name].ret, name
    return [one.signature.name for one in ours.function], [one.signature.name for one in theirs.function]


def test_same_nodes():
    """Node by node what convert_variables_to_constants makes; of the library only what is called."""
    fewer = 0
    for title, session, feeds, outputs, folder, paths in each_graph():
        meta = meta_graph_pb2.MetaGraphDef()
        meta.ParseFromString(paths[0].read_bytes())
        theirs = tf1.graph_util.convert_variables_to_constants(session, meta.graph_def, outputs)
        tenon('-q', 'graph', 'freeze', paths[0], folder / 'frozen.pb', '--outputs', ','.join(outputs))
        frozen = read(folder / 'frozen.pb')
        assert frozen.versions == theirs.versions
        compare_nodes(frozen.node, theirs.node, {node.name: node for node in meta.graph_def.node})
        ours, all_functions = compare_libraries(frozen.library, theirs.library)
        fewer += len(ours) < len(all_functions)
        if title.startswith('functions'):
            assert len(ours) >= 6 and not any('unused' in name for name in ours), ours
    assert fewer > 0


def test_read_back():
    """`get` reads every constant that was a variable, bit for bit."""
    for title, session, feeds, outputs, folder, paths in each_graph():
        tenon('-q', 'graph', 'freeze', paths[2], folder / 'frozen.pb', '--outputs', *outputs[:1])
        constants = {node.name for node in read(folder / 'frozen.pb').node if node.op == 'Const'}
        for one in tf1.global_variables():
            if one.op.name in constants and one.dtype.base_dtype not in (tf.string, tf.bfloat16):
                tenon('-q', 'get', folder / 'frozen.pb', one.op.name, '--as', 'npy', '-o', folder / 'v.npy')
                assert same(np.load(folder / 'v.npy'), session.run(one)), (title, one.name)
                (folder / 'v.npy').unlink()


def failure(code, *arguments):
    """Runs `graph freeze`, demands its exit code, and returns the document's error."""
    done = subprocess.run([support.PROGRAM, '--json', 'graph', 'freeze', *map(str, arguments)], capture_output=True, check=False)
    document = json.loads(done.stdout)
    assert done.returncode == code, (done.returncode, document['error'])
    return document['error']


def test_refused():
    """What no constant can stand for is refused before anything is written."""
    with scratch() as folder, tf.Graph().as_default(), tf1.Session() as session:
        v, w = variable('v', values(3), True), variable('w', values(3), False)
        local = tf1.get_local_variable('local', initializer=tf.constant(1.))
        with tf.control_dependencies([v.assign_add(values(3))]):
            tf.identity(v.read_value(), 'after')
        tf.identity(tf1.assign_add(w, values(3)), 'changed')
        tf.identity(local, 'unsaved')
        f = tf.function(lambda: v + 1.)
        tf.identity(f(), 'called')
        session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
        tf1.train.Saver().save(session, str(folder / 'm.ckpt'))
        frozen = folder / 'f.pb'
        for output, said in (('after', 'does more with the variable v'), ('changed', 'does more with the variable w'),
                             ('called', 'TensorFlow 2'), ('unsaved', 'saver does not restore')):
            error = failure(3, folder / 'm.ckpt.meta', frozen, '--outputs', output)
            assert said in error['message'], error
        assert failure(2, folder / 'm.ckpt.meta', frozen, '--outputs', 'nothing')['code'] == 'TN_E_NO_MATCH'
        assert failure(2, folder / 'm.ckpt.meta', frozen, '--outputs', 'v/read:7')['code'] == 'TN_E_NO_MATCH'
        tf1.train.Saver([w]).save(session, str(folder / 'm.ckpt'), write_meta_graph=False)
        assert 'the checkpoint has no v' in failure(3, folder / 'm.ckpt.meta', frozen, '--outputs', 'v')['message']
        assert not frozen.exists()
    with scratch() as folder:
        module = tf.Module()
        module.v = tf.Variable(values(3))
        module.f = tf.function(lambda x: x + module.v, [tf.TensorSpec([3])])
        tf.saved_model.save(module, str(folder / 'saved'), signatures=module.f.get_concrete_function())
        error = failure(3, folder / 'saved', folder / 'f.pb', '--outputs', 'StatefulPartitionedCall')
        assert 'TensorFlow 2' in error['message'] and not (folder / 'f.pb').exists(), error


def restored_from_one(count, megabytes):
    """Gives a MetaGraph of many variables that its saver restores from one tensor."""
    names = [f'v{i}' for i in range(count)]
    with tf.Graph().as_default() as graph:
        restored = tf1.raw_ops.RestoreV2(prefix='', tensor_names=['big'] * count, shape_and_slices=[''] * count,
                                         dtypes=[tf.uint8] * count, name='restore')
        variables = [tf1.raw_ops.VariableV2(shape=[megabytes << 20], dtype=tf.uint8, name=name) for name in names]
        assigns = [tf1.raw_ops.Assign(ref=ref, value=value).op for ref, value in zip(variables, restored)]
        tf.group(*assigns, name='all')
        tf.reduce_sum([tf.cast(one[-1], tf.int32) for one in variables], name='out')
        meta = meta_graph_pb2.MetaGraphDef(graph_def=graph.as_graph_def())
    meta.meta_info_def.tensorflow_version = tf.__version__
    meta.saver_def.restore_op_name = 'all'
    return meta


def test_two_gibibytes():
    """What no protobuf message can hold is refused before a byte is written; somewhat less is not."""
    with scratch() as folder:
        with tf.Graph().as_default(), tf1.Session() as session:
            big = variable('big', RANDOM.integers(0, 255, 4 << 20, np.uint8), False)
            session.run(big.initializer)
            tf1.train.Saver().save(session, str(folder / 'm'), write_meta_graph=False)
            last = int(session.run(big)[-1])
        for count, code in ((512, 3), (2, 0)):
            (folder / 'm.meta').write_bytes(restored_from_one(count, 4).SerializeToString())
            error = failure(code, folder / 'm.meta', folder / 'f.pb', '--outputs', 'out')
            assert (error is None) == (code == 0) == (folder / 'f.pb').exists()
            assert error is None or (error['code'] == 'TN_E_CANNOT_HOLD' and '2 GiB' in error['message']), error
        assert run(read(folder / 'f.pb'), {}, ['out'])[0] == 2 * last


def test_proposed():
    """Without outputs those of the signatures are proposed, which TensorFlow knows by the same names."""
    for title, session, feeds, outputs, folder, paths in each_graph():
        done = subprocess.run([support.PROGRAM, '--json', 'graph', 'freeze', str(paths[2]), str(folder / 'f.pb')],
                              capture_output=True, check=False)
        document = json.loads(done.stdout)
        assert done.returncode == 2 and sorted(document['candidates']) == sorted(outputs), (title, document['candidates'])
        assert not (folder / 'f.pb').exists()


def test_axis_name():
    """The axis of a gather gets another name where its own is taken."""
    with scratch() as folder, tf.Graph().as_default(), tf1.Session() as session:
        table = variable('table', values(9, 4), True)
        rows = tf1.raw_ops.ResourceGather(resource=table.handle, indices=tf.constant([4, 2]), dtype=tf.float32, name='rows')
        tf.add(rows, tf.constant(values(1, 4), name='rows/axis/'), name='out')
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, str(folder / 'm.ckpt'))
        tenon('-q', 'graph', 'freeze', folder / 'm.ckpt', folder / 'f.pb', '--outputs', 'out:0')
        assert same(run(read(folder / 'f.pb'), {}, ['out'])[0], session.run('out:0'))
        assert {'rows/axis', 'rows/axis_1'} <= {node.name for node in read(folder / 'f.pb').node}


if __name__ == '__main__':
    support.main(globals())
