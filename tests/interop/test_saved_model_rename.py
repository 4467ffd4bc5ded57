"""SavedModels whose variables were renamed or replaced: both of TensorFlow's loaders give the signature's old numbers, the
variables under their new names, and what saves again saves the new names."""
import subprocess

import support
from support import convert, listing, scratch, tenon

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2, trackable_object_graph_pb2

try:
    import tf_keras
except ImportError:  # TensorFlow 2.15, whose own Keras is Keras 2
    tf_keras = tf.keras

tf.get_logger().setLevel('ERROR')
tf1 = tf.compat.v1
tf1.logging.set_verbosity(tf1.logging.ERROR)

INPUT = np.linspace(-1, 1, 6, dtype='float32').reshape(2, 3)
SERVING = 'serving_default'


def bits(outputs):
    return {name: np.asarray(value).tobytes() for name, value in outputs.items()}


def run_v2(folder):
    """Loads as TensorFlow 2; returns what the signature gives, and the model."""
    model = tf.saved_model.load(str(folder), tags='serve')
    signature = model.signatures[SERVING]
    (name,) = signature.structured_input_signature[1]
    return bits(signature(**{name: tf.constant(INPUT)})), model


def run_v1(folder, saved_to=None, tags=('serve',)):
    """Loads as TensorFlow 1; returns what the signature gives, and the variables; saves with the graph's own saver."""
    with tf1.Session(graph=tf.Graph()) as session:
        meta = tf1.saved_model.loader.load(session, list(tags), str(folder))
        signature = meta.signature_def[SERVING]
        (source,) = signature.inputs.values()
        found = session.run({key: info.name for key, info in signature.outputs.items()}, {source.name: INPUT})
        values = {v.op.name: session.run(v).tobytes() for v in tf1.global_variables() if v.dtype.base_dtype != tf.string}
        if saved_to is not None:
            session.run(meta.saver_def.save_tensor_name, {meta.saver_def.filename_tensor_name: str(saved_to)})
        return bits(found), values


def keys_of(prefix):
    return {name for name, _ in tf.train.list_variables(str(prefix))}


def edges_of(prefix):
    """The object graph of a checkpoint: the edges' names, and what its attributes say."""
    text = tf.train.load_checkpoint(str(prefix)).get_tensor('_CHECKPOINTABLE_OBJECT_GRAPH')
    nodes = trackable_object_graph_pb2.TrackableObjectGraph.FromString(text).nodes
    return ([sorted((child.local_name, child.node_id) for child in node.children) for node in nodes],
            [sorted((one.name, one.checkpoint_key, one.full_name) for one in node.attributes) for node in nodes])


class Block(tf.Module):
    def __init__(self, width, name):
        super().__init__(name=name)
        with self.name_scope:
            self.kernel = tf.Variable(tf.random.stateless_normal((3, width), [1, width]), name='kernel')
            self.bias = tf.Variable(tf.ones(width), name='bias')


class Model(tf.Module):
    """Blocks in attributes and a list, a variable of the root, a counter, a table, control flow, and an asset."""

    def __init__(self, folder):
        super().__init__(name='model')
        vocabulary = folder / 'vocabulary.txt'
        vocabulary.write_text('a\nb\n')
        self.first, self.rest = Block(3, 'first'), [Block(3, 'second'), Block(2, 'third')]
        self.scale = tf.Variable(2.0, name='scale')
        self.calls = tf.Variable(0, dtype=tf.int64, trainable=False, name='calls')
        self.asset = tf.saved_model.Asset(str(vocabulary))

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, 'x')])
    def serve(self, x):
        self.calls.assign_add(1)
        steps = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(h @ self.first.kernel + self.first.bias)), (0, x))
        h = tf.cond(self.scale > 0, lambda: steps[1] * self.scale, lambda: steps[1])
        for block in self.rest:
            h = h @ block.kernel + block.bias
        return {'y': h}


def save_module(folder):
    model = Model(folder)
    tf.saved_model.save(model, str(folder / 'in'), {SERVING: model.serve})
    return folder / 'in'


def same(folder, old, new, renamed):
    """Both loaders of both models give the same numbers; what either saves has the keys of the new checkpoint."""
    wanted, model = run_v2(new)
    assert wanted == run_v2(old)[0]
    first, before = run_v1(old, folder / 'saved-old')
    second, after = run_v1(new, folder / 'saved-new')
    assert first == second == wanted
    assert sorted(before.values()) == sorted(after.values())
    assert {renamed(name): value for name, value in before.items()} == after, (before.keys(), after.keys())
    assert keys_of(folder / 'saved-new') == keys_of(new / 'variables/variables')
    if '_CHECKPOINTABLE_OBJECT_GRAPH' in keys_of(new / 'variables/variables'):
        ours, theirs = edges_of(new / 'variables/variables'), edges_of(folder / 'saved-new')
        assert ours[0] == theirs[0]
        assert [[one[:2] for one in node] for node in ours[1]] == [[one[:2] for one in node] for node in theirs[1]]
    return model


def stays(name):
    return name


def test_objects():
    """Names are paths of objects: edges, keys, and what the graph restores and saves change; graph names stay."""
    with scratch() as folder:
        old = save_module(folder)
        convert(old, folder / 'out', '--rename', 'first/=encoder/', '--rename', 'scale=gain')
        model = same(folder, old, folder / 'out', stays)
        assert model.encoder.kernel.numpy().tobytes() == tf.saved_model.load(str(old)).first.kernel.numpy().tobytes()
        assert not hasattr(model, 'first') and model.gain.numpy() == 2
        assert 'encoder/kernel/.ATTRIBUTES/VARIABLE_VALUE' in keys_of(folder / 'out/variables/variables')
        tf.train.Checkpoint(root=model, encoder=model.encoder)  # the loaded objects are trackable as ever
        convert(folder / 'out', folder / 'back', '--rename', 'encoder/=first/', '--rename', 'gain=scale')
        assert (folder / 'back/saved_model.pb').read_bytes() == (old / 'saved_model.pb').read_bytes()
        assert (folder / 'out/assets/vocabulary.txt').read_bytes() == (old / 'assets/vocabulary.txt').read_bytes()


def test_saved_again():
    """A renamed model that is loaded and saved once more is the same again."""
    with scratch() as folder:
        old = save_module(folder)
        convert(old, folder / 'out', '--rename', 'first/=encoder/')
        model = tf.saved_model.load(str(folder / 'out'))
        tf.saved_model.save(model, str(folder / 'again'), {SERVING: model.signatures[SERVING]})
        assert run_v2(folder / 'again')[0] == run_v2(old)[0]
        names = {tensor['name'] for tensor in listing(folder / 'again')}
        assert {'encoder/kernel', 'encoder/bias'} <= names, names


def test_swapped_objects():
    """Two objects take each other's names."""
    with scratch() as folder:
        old = save_module(folder)
        convert(old, folder / 'out', '--rename', 'rest/0/=rest/1/', '--rename', 'rest/1/=rest/0/')
        model = run_v1(folder / 'out')
        assert model == run_v1(old)


def test_keys():
    """Keys alone."""
    with scratch() as folder:
        old = save_module(folder)
        convert(old, folder / 'out', '--scheme', 'key', '--rename', 'first/=a key/')
        model = same(folder, old, folder / 'out', stays)
        assert hasattr(model, 'first')
        assert 'a key/kernel/.ATTRIBUTES/VARIABLE_VALUE' in keys_of(folder / 'out/variables/variables')


def test_full_names():
    """Names in the graph, by which variables are shared; keys and objects stay."""
    with scratch() as folder:
        old = save_module(folder)
        convert(old, folder / 'out', '--scheme', 'full', '--rename', 'first/=a/longer/scope/', '--rename', 'scale=s')
        renamed = lambda name: 'a/longer/scope/' + name[6:] if name.startswith('first/') else {'scale': 's'}.get(name, name)
        model = same(folder, old, folder / 'out', renamed)
        assert model.first.kernel.name == 'a/longer/scope/kernel:0' and hasattr(model, 'scale')
        assert keys_of(folder / 'out/variables/variables') == keys_of(old / 'variables/variables')
        full = [one[2] for node in edges_of(folder / 'out/variables/variables')[1] for one in node]
        assert 'a/longer/scope/kernel' in full and 'first/kernel' not in full, full
        model = saved_model_pb2.SavedModel.FromString((folder / 'out/saved_model.pb').read_bytes())
        (meta,) = model.meta_graphs
        nodes = [*meta.graph_def.node, *(node for function in meta.graph_def.library.function for node in function.node_def)]
        names = {node.name for node in meta.graph_def.node} | {node.attr['shared_name'].s.decode() for node in nodes}
        names |= {node.variable.name for node in meta.object_graph_def.nodes}
        assert not any(name.startswith('first/') for name in names) and 'a/longer/scope/kernel' in names, names
        convert(folder / 'out', folder / 'back', '--scheme', 'full', '--rename', 'a/longer/scope/=first/', '--rename', 's=scale')
        assert (folder / 'back/saved_model.pb').read_bytes() == (old / 'saved_model.pb').read_bytes()


def keras_model():
    tf_keras.backend.clear_session()
    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Dense(4, name='hidden', input_shape=(3,)), layers.BatchNormalization(name='norm'),
                                 layers.Dense(2, name='logits')], name='seq')
    model.compile('adam', 'mse')
    model.fit(INPUT, np.ones((2, 2), 'float32'), verbose=0)
    return model


def test_keras_2():
    """A trained Keras 2 model, with slots; its own loader reads it where the layers' paths stay."""
    with scratch() as folder:
        keras_model().save(str(folder / 'in'), save_format='tf')
        old = folder / 'in'
        names = {tensor['name'] for tensor in listing(old)}
        assert 'layer_with_weights-0/kernel' in names, names
        done = subprocess.run([support.PROGRAM, 'convert', old, folder / 'out', '--rename', 'layer_with_weights-0/=dense/'],
                              capture_output=True, check=False, text=True)
        assert done.returncode == 0 and 'keras_metadata.pb is left out' in done.stderr, done.stderr
        assert run_v2(folder / 'out')[0] == run_v2(old)[0]
        assert run_v1(folder / 'out')[0] == run_v1(old)[0]
        convert(old, folder / 'full', '--scheme', 'full', '--rename', 'hidden/kernel=encoder/kernel')
        assert run_v2(folder / 'full')[0] == run_v2(old)[0]
        assert run_v1(folder / 'full')[0] == run_v1(old)[0]
        wanted = tf_keras.models.load_model(str(old)).predict(INPUT, verbose=0)
        assert tf_keras.models.load_model(str(folder / 'full')).predict(INPUT, verbose=0).tobytes() == wanted.tobytes()


def test_keras_exports():
    """What Keras 2 exports and Keras 3 exports. Keras 3 has no paths that lead to its variables alone: full names do."""
    models = support.FIXTURES / 'saved_model'
    with scratch() as folder:
        old = models / 'good-keras2-export/model'
        convert(old, folder / 'two', '--scheme', 'full', '--rename', 'hidden/=encoder/')
        same(folder, old, folder / 'two', lambda name: name.replace('hidden/', 'encoder/'))
        old = models / 'good-keras3-export/model'
        convert(old, folder / 'three', '--rename', 'seq/hidden/=encoder/', code=2)
        convert(old, folder / 'three', '--scheme', 'full', '--rename', 'seq/hidden/=encoder/')
        same(folder, old, folder / 'three', lambda name: name.replace('seq/hidden/', 'encoder/'))


def save_tf1(folder, partitions=None, keys=None, tags=(('serve',),)):
    """A TF1 SavedModel with training operations; `keys` gives the saver's own names."""
    partitioner = tf1.fixed_size_partitioner(partitions) if partitions else None
    builder = tf1.saved_model.Builder(str(folder / 'in'))
    for number, each in enumerate(tags):
        with tf1.Graph().as_default(), tf1.Session() as session:
            x = tf1.placeholder(tf.float32, (None, 3), 'x')
            with tf1.variable_scope('net', partitioner=partitioner, initializer=tf1.random_normal_initializer(seed=3)):
                w = tf1.get_variable('W', (3, 4), use_resource=partitions is None)
                b = tf1.get_variable('b', (2, 2), use_resource=False)
            hidden = x @ tf.convert_to_tensor(w)
            y = tf.tanh(hidden, name=f'y{number}') @ tf.reshape(tf.convert_to_tensor(b), (4, 1))
            tf1.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(y), global_step=tf1.train.create_global_step(),
                                                           name='train')
            session.run(tf1.global_variables_initializer())
            signatures = {SERVING: tf1.saved_model.predict_signature_def({'x': x}, {'y': y})}
            saver = tf1.train.Saver({keys(v.op.name): v for v in tf1.global_variables()}) if keys else None
            if number == 0:
                session.run('train', {'x:0': INPUT})
                builder.add_meta_graph_and_variables(session, list(each), signatures, saver=saver)
            else:
                builder.add_meta_graph(list(each), signatures, saver=saver)
    builder.save()
    return folder / 'in'


def in_net(new):
    return lambda name: new + name[4:] if name.startswith('net/') else name


def test_tf1():
    """The key and the variable behind it change together; both loaders run it."""
    with scratch() as folder:
        old = save_tf1(folder)
        convert(old, folder / 'out', '--rename', 'net/=a/longer/net/')
        same(folder, old, folder / 'out', in_net('a/longer/net/'))
        convert(folder / 'out', folder / 'back', '--rename', 'a/longer/net/=net/')
        assert (folder / 'back/saved_model.pb').read_bytes() == (old / 'saved_model.pb').read_bytes()


def test_tf1_several_graphs():
    """Every MetaGraph has the new names, also where they are partitioned."""
    with scratch() as folder:
        old = save_tf1(folder, tags=(('train', 'gpu'), ('serve',)))
        convert(old, folder / 'out', '--rename', 'net/=n/')
        same(folder, old, folder / 'out', in_net('n/'))
        assert run_v1(folder / 'out', tags=('train', 'gpu'))[0] == run_v1(old, tags=('train', 'gpu'))[0]
    with scratch() as folder:
        old = save_tf1(folder, partitions=2)
        convert(old, folder / 'out', '--rename', 'net/=mesh/')
        assert run_v1(folder / 'out', folder / 'saved')[0] == run_v1(old)[0]
        assert keys_of(folder / 'saved') == keys_of(folder / 'out/variables/variables')


def test_tf1_schemes():
    """Keys alone, and names in the graph alone."""
    with scratch() as folder:
        old = save_tf1(folder)
        convert(old, folder / 'keys', '--scheme', 'key', '--rename', 'net/=kept/')
        same(folder, old, folder / 'keys', stays)
        assert 'kept/W' in keys_of(folder / 'keys/variables/variables')
        convert(old, folder / 'full', '--scheme', 'full', '--rename', 'net/=graph/')
        same(folder, old, folder / 'full', in_net('graph/'))
        assert keys_of(folder / 'full/variables/variables') == keys_of(old / 'variables/variables')


def test_tf1_own_keys():
    """A saver of its own keys: only these change, and variables that are called as their keys."""
    with scratch() as folder:
        old = save_tf1(folder, keys=lambda name: 'kept/' + name if name.endswith('/W') else name)
        convert(old, folder / 'out', '--rename', 'kept/net/=k/', '--rename', 'net/=n/', '--ignore-unmatch')
        names = keys_of(folder / 'out/variables/variables')
        assert 'k/W' in names and 'n/b' in names, names
        assert run_v1(folder / 'out')[0] == run_v1(old)[0]
        assert 'net/W' in run_v1(folder / 'out')[1]


def test_replaced_values():
    """Another file's values in a SavedModel's graph: as if they were assigned before it was saved."""
    with scratch() as folder:
        old = save_module(folder)
        model = tf.saved_model.load(str(old))
        for variable in (model.first.kernel, model.first.bias, model.scale):
            variable.assign(tf.zeros_like(variable) + 3)
        tf.train.Checkpoint(model).write(str(folder / 'ckpt'))
        tf.saved_model.save(model, str(folder / 'wanted'), {SERVING: model.signatures[SERVING]})
        convert(folder / 'ckpt', folder / 'out', '--like', old, '--to', 'saved_model', '--fill', '**')
        assert run_v2(folder / 'out')[0] == run_v2(folder / 'wanted')[0] != run_v2(old)[0]
        assert (folder / 'out/saved_model.pb').read_bytes() == (old / 'saved_model.pb').read_bytes()


def refused(old, folder, *arguments, why, code=2):
    done = subprocess.run([support.PROGRAM, 'convert', old, folder / 'no', *arguments], capture_output=True, check=False, text=True)
    assert done.returncode == code and why in done.stderr, (done.returncode, done.stderr)
    assert not (folder / 'no').exists()


def test_refusals():
    """What a graph cannot do without, and renames that no graph can follow."""
    with scratch() as folder:
        old = save_module(folder)
        refused(old, folder, '--drop', 'scale', why="its graph restores 'scale/.ATTRIBUTES/VARIABLE_VALUE', which is left out")
        refused(old, folder, '--cast', 'scale=float16', why='which is written as another dtype')
        refused(old, folder, '--rename', 'first/=deep/first/', why='relabelling makes none')
        refused(old, folder, '--rename', 'scale=serve', why="two children of the name 'serve'", code=1)
        refused(old, folder, '--rename', 'scale=signatures', why="two children of the name 'signatures'", code=1)
        refused(old, folder, '--scheme', 'full', '--rename', 'scale=a b', why="no operation can be called 'a b'", code=3)
        refused(old, folder, '--scheme', 'key', '--rename', 'scale/.ATTRIBUTES/VARIABLE_VALUE=scale', code=3,
                why="only if its key ends in '/.ATTRIBUTES/VARIABLE_VALUE'")
        convert(old, folder / 'weights', '--layout', 'weights', '--drop', 'scale')
        assert not tf.saved_model.load(str(folder / 'weights')).signatures


if __name__ == '__main__':
    support.main(globals())
