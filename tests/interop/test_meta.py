"""A Saver's .meta goes along with its checkpoint: TensorFlow imports the renamed graph, restores the renamed values, and computes
the same numbers. What would not restore is not written."""
import subprocess

import support
from support import scratch

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

tf1 = tf.compat.v1
tf1.disable_v2_behavior()

INPUT = np.linspace(-1, 1, 10, dtype='float32').reshape(2, 5)


def network(resource, partitions=None):
    """Two layers and Adam, in a scope; the input is x:0, what comes out y:0, the training train."""
    x = tf1.placeholder(tf.float32, (2, 5), 'x')
    partitioner = tf1.fixed_size_partitioner(partitions) if partitions else None
    with tf1.variable_scope('net', use_resource=resource, partitioner=partitioner,
                            initializer=tf1.random_normal_initializer(seed=7)):
        with tf1.variable_scope('first'):
            w = tf1.get_variable('W', (5, 4), regularizer=lambda v: tf.nn.l2_loss(v, name='l2'))
            hidden = tf.nn.relu(x @ tf.convert_to_tensor(w) + tf1.get_variable('b', (4,)))
        scores = hidden @ tf.convert_to_tensor(tf1.get_variable('W', (4, 3)))
    y = tf.identity(scores, 'y')
    tf1.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(tf.square(y)), global_step=tf1.train.create_global_step(),
                                          name='train')


def control_flow():
    """Loops and branches that name the variables that they use, nested, with gradients, and a moving average."""
    x = tf1.placeholder(tf.float32, (2, 5), 'x')
    with tf1.variable_scope('net', initializer=tf1.random_normal_initializer(seed=7)):
        w, v = tf1.get_variable('W', (5, 5)), tf1.get_variable('V', (5,), use_resource=True)
        body = lambda i, h: (i + 1, tf1.cond(i < 2, lambda: tf.tanh(h @ w) * v, lambda: h + tf.identity(v)))
        _, h = tf1.while_loop(lambda i, h: i < 4, body, (tf.constant(0), x))
        scores = tf1.cond(tf.reduce_sum(v) > 0, lambda: h @ w, lambda: h * v)
    y = tf.identity(scores, 'y')
    step = tf1.train.create_global_step()
    train = tf1.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(tf.square(y)), global_step=step)
    with tf1.control_dependencies([train]):
        tf1.train.ExponentialMovingAverage(0.9).apply([w, v])
    tf.group(train, name='train')


def functions():
    """A function of the graph's library that reads a variable."""
    x = tf1.placeholder(tf.float32, (2, 5), 'x')
    with tf1.variable_scope('net', use_resource=True, initializer=tf1.random_normal_initializer(seed=7)):
        w = tf1.get_variable('W', (5, 3))
    layer = tf.function(lambda value: value @ w + tf.reduce_sum(w))
    y = tf.identity(layer(x), 'y')
    tf1.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y), global_step=tf1.train.create_global_step(),
                                                     name='train')


def outcome(session):
    """Says what a restored graph holds and computes, before and after a step of training."""
    graph = session.graph
    values = lambda: {v.op.name: session.run(v) for v in tf1.global_variables()}
    before, y = values(), session.run('y:0', {'x:0': INPUT})
    session.run(graph.get_operation_by_name('train'), {'x:0': INPUT})
    return before, y, values(), [v.op.name for v in tf1.trainable_variables()]


def save(prefix, build, **options):
    """Builds, initialises, trains once and saves; returns what outcome says of it."""
    with tf1.Graph().as_default(), tf1.Session() as session:
        build()
        session.run(tf1.global_variables_initializer())
        session.run('train', {'x:0': INPUT})
        tf1.train.Saver(**options).save(session, str(prefix), write_state=False)
        return outcome(session)


def load(prefix):
    with tf1.Graph().as_default(), tf1.Session() as session:
        tf1.train.import_meta_graph(f'{prefix}.meta').restore(session, str(prefix))
        return outcome(session)


def convert(*arguments, to='tf_checkpoint'):
    """Runs tenon; returns its warnings."""
    done = subprocess.run([support.PROGRAM, 'convert', *map(str, arguments), '--to', to], capture_output=True, check=False,
                          text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def same(ours, theirs, rename):
    """Holds two outcomes against each other: all numbers are equal bit for bit."""
    for mine, its in ((ours[0], theirs[0]), (ours[2], theirs[2])):
        its = {rename(name): value for name, value in its.items()}
        assert mine.keys() == its.keys(), mine.keys() ^ its.keys()
        for name, value in its.items():
            assert mine[name].tobytes() == value.tobytes(), name
    assert ours[1].tobytes() == theirs[1].tobytes()
    assert ours[3] == [rename(name) for name in theirs[3]], ours[3]


def texts(message, path=()):
    """Yields all texts within a message, and where they stand."""
    for field, value in message.ListFields():
        several = field.label == field.LABEL_REPEATED if hasattr(field, 'label') else field.is_repeated
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            items = [((field.name, key), item) for key, item in value.items()]
        else:
            items = [((field.name, i), item) for i, item in enumerate(value)] if several else [((field.name, 0), value)]
        for place, item in items:
            if hasattr(item, 'ListFields'):
                yield from texts(item, path + place)
            elif isinstance(item, (str, bytes)):
                yield path + place, item if isinstance(item, bytes) else item.encode()


def graph_of(prefix):
    return meta_graph_pb2.MetaGraphDef.FromString(prefix.with_name(prefix.name + '.meta').read_bytes())


def there_and_back(build, old, new, to='tf_checkpoint', shard='', **options):
    """Renames a scope, compares what TensorFlow makes of both, and renames it back to the same bytes."""
    with scratch() as folder:
        wanted = save(folder / 'in', build, **options)
        convert(folder / f'in{shard}', folder / 'out', '--rename', f'{old}={new}', to=to)
        rename = lambda name: new + name[len(old):] if name.startswith(old) else name
        same(load(folder / 'out'), wanted, rename)
        convert(folder / 'out', folder / 'back', '--rename', f'{new}={old}', to=to)
        assert (folder / 'back.meta').read_bytes() == (folder / 'in.meta').read_bytes()
        variables = [name.encode() for name in wanted[0] if name.startswith(old)]
        for where, text in texts(graph_of(folder / 'out')):
            left = [name for name in variables if text == name or text.startswith((name + b':', name + b'/', b'^' + name))]
            assert not left or '_user_specified_name' in where, (where, text)


def test_ref_variables():
    """Variables as TensorFlow 1 made them, with Adam's slots."""
    there_and_back(lambda: network(False), 'net/', 'a/longer/scope/')


def test_resource_variables():
    """Variables as TensorFlow 2 makes them; the scope goes."""
    there_and_back(lambda: network(True), 'net/', 'n/')


def test_partitioned():
    """Partitioned variables of both kinds and their slots: NAME/part_0, NAME/part_0/Adam."""
    there_and_back(lambda: network(False, 2), 'net/', 'mesh/of/parts/')
    there_and_back(lambda: network(True, 3), 'net/first/', 'one/')


def test_one_partition():
    """One part is stored whole, and is called part_0 all the same."""
    there_and_back(lambda: network(False, 1), 'net/', 'other/')


def test_sharded():
    """Shards that the graph's own operations merge."""
    there_and_back(lambda: network(True), 'net/', 'x/y/', sharded=True)


def test_first_format():
    """Checkpoints of the first format, whole, in shards, partitioned."""
    first = {'to': 'tf_checkpoint_v1', 'write_version': tf1.train.SaverDef.V1}
    there_and_back(lambda: network(False), 'net/', 'a/longer/scope/', **first)
    there_and_back(lambda: network(True), 'net/', 'n/', shard='-00000-of-00001', sharded=True, **first)
    there_and_back(lambda: network(False, 2), 'net/', 'mesh/', **first)


def test_from_format_to_format():
    """What restores a checkpoint of one format restores one of the other."""
    versions = {'tf_checkpoint': tf1.train.SaverDef.V1, 'tf_checkpoint_v1': tf1.train.SaverDef.V2}
    for to, version in versions.items():
        with scratch() as folder:
            wanted = save(folder / 'in', lambda: network(True), write_version=version)
            convert(folder / 'in', folder / 'out', '--rename', 'net/=n/', to=to)
            same(load(folder / 'out'), wanted, lambda name: 'n/' + name[4:] if name.startswith('net/') else name)


def test_control_flow():
    """While loops and conditions, which say by name what they use."""
    there_and_back(control_flow, 'net/', 'mesh/')


def test_functions():
    """Functions of the library."""
    there_and_back(functions, 'net/', 'mesh/')


def test_control_flow_survives_a_second_export():
    """The contexts of loops and conditions are read when the graph is imported, and written again from what was read."""
    with scratch() as folder:
        save(folder / 'in', control_flow)
        convert(folder / 'in', folder / 'out', '--rename', 'net/=mesh/')
        with tf1.Graph().as_default():
            tf1.train.import_meta_graph(f'{folder}/out.meta')
            again = tf1.train.export_meta_graph()
        contexts = [value for key in ('cond_context', 'while_context') for value in again.collection_def[key].bytes_list.value]
        assert contexts and not any(b'net/V' in value or b'net/W' in value for value in contexts)
        assert any(b'mesh/V' in value for value in contexts) and any(b'mesh/W' in value for value in contexts)


def test_swap():
    """Two variables of one shape take each other's names."""
    def build():
        x = tf1.placeholder(tf.float32, (2, 5), 'x')
        a, b = (tf1.get_variable(n, (5, 5), initializer=tf1.random_normal_initializer(seed=s)) for n, s in (('a', 1), ('b', 2)))
        y = tf.identity(tf.tanh(x @ a) @ b, 'y')
        tf1.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(y), name='train')
    with scratch() as folder:
        wanted = save(folder / 'in', build)
        convert(folder / 'in', folder / 'out', '--rename', 'a=b', '--rename', 'b=a')
        swap = lambda name: {'a': 'b', 'b': 'a'}[name[0]] + name[1:]
        same(load(folder / 'out'), wanted, swap)


def test_without_renames():
    """The same bytes, also where TensorFlow's are none that tenon would write."""
    with scratch() as folder:
        wanted = save(folder / 'in', lambda: network(True))
        meta = folder / 'in.meta'
        meta.write_bytes(meta.read_bytes() + b'\x8a\x80\x00\x00')  # an unknown field whose tag is longer than it need be
        convert(folder / 'in', folder / 'out')
        assert (folder / 'out.meta').read_bytes() == meta.read_bytes()
        same(load(folder / 'out'), wanted, lambda name: name)


def test_unknown_fields_stay():
    """What protobuf does not know is carried through a rename."""
    with scratch() as folder:
        save(folder / 'in', lambda: network(True))
        meta = folder / 'in.meta'
        meta.write_bytes(meta.read_bytes() + b'\xf2\x3f\x05extra')
        convert(folder / 'in', folder / 'out', '--rename', 'net/=n/')
        assert (folder / 'out.meta').read_bytes().endswith(b'\xf2\x3f\x05extra')


def test_keys_that_are_no_names():
    """A Saver of its own keys: the key changes, and the variable keeps its name; a variable called as its key follows."""
    def build():
        network(False)
    with scratch() as folder:
        with tf1.Graph().as_default(), tf1.Session() as session:
            build()
            session.run(tf1.global_variables_initializer())
            session.run('train', {'x:0': INPUT})
            keys = {('kept/' + v.op.name if v.op.name.startswith('net/first/') else v.op.name): v for v in tf1.global_variables()}
            tf1.train.Saver(keys).save(session, f'{folder}/in', write_state=False)
            wanted = outcome(session)
        convert(folder / 'in', folder / 'out', '--rename', 'kept/net/first/=f/', '--rename', 'net/=n/')
        names = {name for name, _ in tf1.train.list_variables(f'{folder}/out')}
        assert 'f/W/Adam' in names and 'n/W/Adam' in names and not any(name.startswith(('kept', 'net')) for name in names)
        rename = lambda name: 'n/' + name[4:] if name.startswith('net/') and not name.startswith('net/first/') else name
        same(load(folder / 'out'), wanted, rename)


def test_another_checkpoint():
    """What init_from_checkpoint reads is another checkpoint, whose names stay."""
    with scratch() as folder:
        save(folder / 'old', lambda: network(False))

        def build():
            network(False)
            tf1.train.init_from_checkpoint(f'{folder}/old', {'net/': 'net/'})
        wanted = save(folder / 'in', build)
        convert(folder / 'in', folder / 'out', '--rename', 'net/=n/')
        same(load(folder / 'out'), wanted, lambda name: 'n/' + name[4:] if name.startswith('net/') else name)
        with tf1.Graph().as_default(), tf1.Session() as session:
            tf1.train.import_meta_graph(f'{folder}/out.meta')
            session.run(tf1.global_variables_initializer())  # restores from the other checkpoint


def test_two_savers():
    """A second Saver, of some variables, in the collection of savers: it restores too."""
    with scratch() as folder:
        with tf1.Graph().as_default(), tf1.Session() as session:
            network(True)
            session.run(tf1.global_variables_initializer())
            some = tf1.train.Saver(tf1.trainable_variables())
            tf1.add_to_collection(tf1.GraphKeys.SAVERS, some)
            tf1.train.Saver().save(session, f'{folder}/in', write_state=False)
            wanted = session.run('y:0', {'x:0': INPUT})
        convert(folder / 'in', folder / 'out', '--rename', 'net/=n/')
        with tf1.Graph().as_default(), tf1.Session() as session:
            tf1.train.import_meta_graph(f'{folder}/out.meta')
            tf1.get_collection(tf1.GraphKeys.SAVERS)[0].restore(session, f'{folder}/out')
            assert session.run('y:0', {'x:0': INPUT}).tobytes() == wanted.tobytes()


def left_out(folder, *arguments, why):
    text = convert(folder / 'in', folder / 'out', '-f', *arguments)
    assert 'out.meta is not written: ' in text and why in text, text
    assert not (folder / 'out.meta').exists()


def test_what_does_not_restore():
    """A graph whose Saver would not find its values, or that cannot have the names, is left out, and why is said."""
    with scratch() as folder:
        save(folder / 'in', lambda: network(False))
        left_out(folder, '--weights-only', why="it restores 'beta1_power', which is left out")
        left_out(folder, '--drop', 'net/W', why="which is left out")
        left_out(folder, '--cast', 'net/W=float16', why='which is written as another dtype')
        left_out(folder, '--rename', 'net/=a b/', why="no operation can be called 'a b/")
        left_out(folder, '--rename', 'net/W=x', why="two operations would be called 'x'")


def test_what_the_saver_left_out_itself():
    """Slots that the checkpoint never had follow their variable in the graph."""
    with scratch() as folder:
        with tf1.Graph().as_default(), tf1.Session() as session:
            network(True)
            session.run(tf1.global_variables_initializer())
            tf1.train.Saver(tf1.trainable_variables()).save(session, f'{folder}/in', write_state=False)
            wanted = session.run('y:0', {'x:0': INPUT})
        convert(folder / 'in', folder / 'out', '--rename', 'net/=n/')
        with tf1.Graph().as_default(), tf1.Session() as session:
            tf1.train.import_meta_graph(f'{folder}/out.meta').restore(session, f'{folder}/out')
            assert session.run('y:0', {'x:0': INPUT}).tobytes() == wanted.tobytes()
            names = {v.op.name for v in tf1.global_variables()}
            assert 'n/W/Adam' in names and 'net/W/Adam' not in names, names
            session.run(tf1.global_variables_initializer())
            session.run('train', {'x:0': INPUT})


if __name__ == '__main__':
    support.main(globals())
