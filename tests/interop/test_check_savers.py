"""`check` by names: what tf.compat.v1.train.Saver.restore does in a fresh graph, pair by pair."""
import support
from checking import holds, verdict
from support import scratch

import tensorflow as tf

tf1 = tf.compat.v1


def saved(folder, name, build):
    """Saves what a function builds in a graph of its own."""
    with tf1.Graph().as_default():
        build()
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            return tf1.train.Saver().save(session, f'{folder}/{name}', write_meta_graph=False, write_state=False)


def restores(path, build):
    """Tells whether Saver.restore succeeds in a fresh graph."""
    with tf1.Graph().as_default():
        build()
        with tf1.Session() as session:
            try:
                tf1.train.Saver().restore(session, path)
                return True
            except (tf.errors.NotFoundError, tf.errors.InvalidArgumentError, ValueError):
                return False


def judge(file, program, wanted=None):
    """Demands of tenon what Saver.restore does with a file and a program that two functions build."""
    with scratch() as folder:
        path, other = saved(folder, 'file', file), saved(folder, 'program', program)
        theirs = restores(path, program)
        ours = verdict(path, other, '--loader', 'names', '--mode', 'existing')
        assert ours == theirs, f'tenon says {ours}, TensorFlow {theirs}'
        assert wanted in (None, theirs), f'TensorFlow says {theirs}'


def get(name, *shape, dtype=tf.float32, resource=False):
    return tf1.get_variable(name, shape, dtype, tf1.zeros_initializer(), use_resource=resource)


def scoped(scope, *names, shape=(3, 2), resource=False):
    def build():
        with tf1.variable_scope(scope):
            return [get(name, *shape, resource=resource) for name in names]
    return build


def plain(*names, **options):
    def build():
        return [get(name, *options.get('shape', (3, 2)), dtype=options.get('dtype', tf.float32)) for name in names]
    return build


def stepped(build, optimizer, scope=None):
    """Adds an optimizer and a step to what a function builds."""
    def make():
        loss = tf.add_n([tf.reduce_sum(tf.square(tf.convert_to_tensor(one))) for one in build()])
        with tf1.variable_scope(scope) if scope else tf1.variable_scope(tf1.get_variable_scope()):
            optimizer().minimize(loss, global_step=tf1.train.create_global_step())
    return make


def partitioned(parts, rows=10):
    def build():
        with tf1.variable_scope('emb', partitioner=tf1.fixed_size_partitioner(parts) if parts else None):
            return [get('table', rows, 4)]
    return build


def test_alike():
    """The same names."""
    judge(plain('W', 'b'), plain('W', 'b'), True)


def test_scope_added():
    """The program put all in a scope."""
    judge(plain('W', 'b'), scoped('net', 'W', 'b'), False)


def test_scope_changed():
    """The program has another scope."""
    judge(scoped('old', 'W', 'b'), scoped('new', 'W', 'b'), False)


def test_suffix():
    """The program built its layer a second time."""
    judge(plain('dense/kernel'), plain('dense_1/kernel'), False)


def test_extra():
    """The file has more than the program wants."""
    judge(plain('W', 'b', 'c'), plain('W', 'b'), True)


def test_missing():
    """The program wants more than the file has."""
    judge(plain('W', 'b'), plain('W', 'b', 'c'), False)


def test_nothing_in_common():
    """No name is the same."""
    judge(plain('W'), plain('V'), False)


def test_shape_of_reference_variables():
    """A reference variable takes no other shape."""
    judge(plain('W', shape=(3, 2)), plain('W', shape=(2, 2)), False)


def test_shape_of_resource_variables():
    """A resource variable silently takes the file's shape: TensorFlow says nothing, tenon says no."""
    file, program = scoped('s', 'W', shape=(3, 2), resource=True), scoped('s', 'W', shape=(2, 2), resource=True)
    with scratch() as folder:
        path, other = saved(folder, 'file', file), saved(folder, 'program', program)
        assert restores(path, program)
        assert not verdict(path, other, '--loader', 'names', '--mode', 'existing')


def test_dtype():
    """Another float type, another integer type."""
    judge(plain('W', dtype=tf.float32), plain('W', dtype=tf.float64), False)
    judge(plain('n', dtype=tf.int64), plain('n', dtype=tf.int32), False)


def test_reference_and_resource():
    """How a variable is held in memory makes no difference to its file."""
    judge(scoped('s', 'W'), scoped('s', 'W', resource=True), True)
    judge(scoped('s', 'W', resource=True), scoped('s', 'W'), True)


def test_scopes_in_scopes():
    """A scope inside a scope, and one that was left out."""
    judge(scoped('a/b', 'W'), scoped('a/b', 'W'), True)
    judge(scoped('a/b', 'W'), scoped('b', 'W'), False)


def test_adam():
    """Adam's slots and powers."""
    judge(stepped(plain('W', 'b'), tf1.train.AdamOptimizer), stepped(plain('W', 'b'), tf1.train.AdamOptimizer), True)


def test_adam_slots_missing():
    """The file has weights alone, the program wants slots."""
    judge(plain('W', 'b'), stepped(plain('W', 'b'), tf1.train.AdamOptimizer), False)


def test_adam_not_wanted():
    """The program wants weights alone."""
    judge(stepped(plain('W', 'b'), tf1.train.AdamOptimizer), plain('W', 'b'), True)


def test_adam_to_momentum():
    """Another optimizer."""
    judge(stepped(plain('W'), tf1.train.AdamOptimizer),
          stepped(plain('W'), lambda: tf1.train.MomentumOptimizer(0.1, 0.9)), False)


def test_adam_in_a_scope():
    """The optimizer was made inside a scope: slots are called by it."""
    judge(stepped(plain('W'), tf1.train.AdamOptimizer),
          stepped(plain('W'), tf1.train.AdamOptimizer, scope='train'), False)


def test_partitioned():
    """Partitioned, whole, and cut elsewhere: a Saver reads any from any."""
    for file in (0, 2, 3):
        for program in (0, 2, 3):
            judge(partitioned(file), partitioned(program), True)


def test_partitioned_other_rows():
    """A partitioned variable of more rows."""
    judge(partitioned(3, 10), partitioned(3, 12), False)


def test_partitioned_slots():
    """Partitioned slots, with other cuts."""
    judge(stepped(partitioned(3), tf1.train.AdamOptimizer), stepped(partitioned(2), tf1.train.AdamOptimizer), True)


def objects(folder, **children):
    return tf.train.Checkpoint(**children).save(f'{folder}/objects')


def named(name, *shape):
    return tf.Variable(tf.zeros(shape), name=name)


def judge_objects(children, program, wanted):
    """Demands what a Saver does with an object-based file: it looks by key, then by full name."""
    with scratch() as folder:
        path, other = objects(folder, **children()), saved(folder, 'program', program)
        theirs = restores(path, program)
        assert theirs == wanted, f'TensorFlow says {theirs}'
        assert verdict(path, other, '--loader', 'names', '--mode', 'existing') == theirs
        assert verdict(path, other, '--mode', 'existing') == theirs


def test_object_based_file():
    """Full names serve a Saver."""
    judge_objects(lambda: {'x': named('W', 3, 2), 'y': named('b', 3, 2)}, plain('W', 'b'), True)


def test_object_based_file_by_paths():
    """Object paths do not."""
    judge_objects(lambda: {'W': named('x', 3, 2)}, plain('W'), False)


def test_object_based_file_missing():
    """One full name is not there."""
    judge_objects(lambda: {'x': named('W', 3, 2)}, plain('W', 'b'), False)


def test_object_based_file_one_full_name_twice():
    """Of two variables with one full name TensorFlow takes the last."""
    judge_objects(lambda: {'a': named('W', 5, 2), 'b': named('W', 3, 2)}, plain('W'), True)
    judge_objects(lambda: {'a': named('W', 3, 2), 'b': named('W', 5, 2)}, plain('W'), False)


def judge_names_for_objects(file, children):
    """Demands what Checkpoint.restore says of a name-based file; its three assertions are one."""
    with scratch() as folder:
        path = saved(folder, 'file', file)
        live = tf.train.Checkpoint(**children())
        for how in ('write', 'save'):
            other = getattr(live, how)(f'{folder}/program')
            status = live.restore(path)
            theirs = holds(status.assert_existing_objects_matched)
            assert verdict(path, other, '--mode', 'existing') == theirs, f'{how}: TensorFlow says {theirs}'


def test_name_based_file_for_objects():
    """A Saver's file serves a program of objects by full names; the counter may be missing."""
    judge_names_for_objects(plain('W', 'b'), lambda: {'x': named('W', 3, 2), 'y': named('b', 3, 2)})
    judge_names_for_objects(plain('W', 'b'), lambda: {'x': named('W', 3, 2)})
    judge_names_for_objects(plain('W'), lambda: {'x': named('W', 3, 2), 'y': named('b', 3, 2)})
    judge_names_for_objects(plain('W'), lambda: {'W': named('x', 3, 2)})


if __name__ == '__main__':
    support.main(globals())
