"""tf.compat.v1.train.Saver restores what tenon wrote: name-based checkpoints, partitioned, sharded, renamed."""
import contextlib
import subprocess

import support
from support import convert, scratch, tenon

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_v2_behavior()


def variables(scope, names, shape=(3, 2)):
    with tf1.variable_scope(scope) if scope else tf1.variable_scope(tf1.get_variable_scope()):
        return [tf1.get_variable(name, shape, tf.float32, tf1.zeros_initializer()) for name in names]


def fill(session):
    """Gives every variable of some size its own values."""
    session.run(tf1.global_variables_initializer())
    for index, variable in enumerate(tf1.global_variables()):
        shape = variable.shape.as_list()
        if variable.dtype.base_dtype == tf.float32:
            count = int(np.prod(shape))
            variable.load((np.arange(count, dtype='float32') + 100 * index + 1).reshape(shape), session)


def saved(folder, build, sharded=False, devices=1):
    """Builds, fills and saves a graph; returns its values by name."""
    with tf1.Graph().as_default():
        build()
        config = tf1.ConfigProto(device_count={'CPU': devices})
        with tf1.Session(config=config) as session:
            fill(session)
            tf1.train.Saver(sharded=sharded).save(session, f'{folder}/in', write_meta_graph=False, write_state=False)
            return {variable.op.name: session.run(variable) for variable in tf1.global_variables()}


def restored(prefix, build):
    with tf1.Graph().as_default():
        build()
        with tf1.Session(config=tf1.ConfigProto(device_count={'CPU': 2})) as session:
            session.run(tf1.global_variables_initializer())
            tf1.train.Saver().restore(session, str(prefix))
            return {variable.op.name: session.run(variable) for variable in tf1.global_variables()}


def same(ours, theirs):
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    for name, value in theirs.items():
        assert np.asarray(ours[name]).tobytes() == np.asarray(value).tobytes(), name


def there(build, **options):
    """Carries a graph's checkpoint to TensorFlow directly and by way of safetensors, and restores both."""
    with scratch() as folder:
        wanted = saved(folder, build, **options)
        convert(folder / 'in', folder / 'direct', '--to', 'tf_checkpoint')
        same(restored(folder / 'direct', build), wanted)
        convert(folder / 'in', folder / 'via.safetensors')
        convert(folder / 'via.safetensors', folder / 'back', '--to', 'tf_checkpoint')
        same(restored(folder / 'back', build), wanted)


def plain():
    variables('my_model', ['W', 'b'])
    tf1.train.create_global_step()


def with_adam():
    loss = tf.add_n([tf.reduce_sum(tf.square(variable)) for variable in variables('my_model', ['W', 'b'])])
    with tf1.variable_scope('my_model'):
        tf1.train.AdamOptimizer().minimize(loss, global_step=tf1.train.create_global_step())


def partitioned():
    with tf1.variable_scope('emb', partitioner=tf1.fixed_size_partitioner(3)):
        table = tf1.get_variable('table', (10, 4), tf.float32, tf1.zeros_initializer())
    tf1.train.AdamOptimizer().minimize(tf.reduce_sum(tf.square(tf.convert_to_tensor(table))))


def on_two_devices():
    with tf1.device('/cpu:0'):
        variables('first', ['W'])
    with tf1.device('/cpu:1'):
        variables('second', ['W'])


def test_plain():
    """Two variables and a step."""
    there(plain)


def test_adam():
    """Adam's slots inside a scope."""
    there(with_adam)


def test_partitioned():
    """A partitioned variable and its partitioned slots."""
    there(partitioned)


def test_sharded():
    """Shards of two devices."""
    there(on_two_devices, sharded=True, devices=2)


# What a variable can hold.
PLAIN = ('float32', 'float64', 'int32', 'int64', 'uint8', 'bool', 'complex64', 'complex128', 'string')


def restored_by_keys(prefix, wanted):
    """Restores variables of any names, whole ones where the file has slices, into a fresh graph."""
    with tf1.Graph().as_default():
        zeros = [tf1.zeros(value.shape, tf.string if value.dtype.kind in 'OS' else value.dtype) for value in wanted.values()]
        made = {key: tf1.get_variable(f'v{index}', initializer=zeros[index]) for index, key in enumerate(wanted)}
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            tf1.train.Saver(made).restore(session, str(prefix))
            return {key: session.run(variable) for key, variable in made.items()}


def test_fixtures():
    """Saver restores every fixture that tenon wrote again, object-based ones by their keys."""
    seen = 0
    for name, path, expected in support.fixtures('tf_checkpoint'):
        if any('key_b64' in record for record in expected['tensors']):
            continue
        reader = tf1.train.load_checkpoint(str(path))
        wanted = {record['key']: np.asarray(reader.get_tensor(record['key'])) for record in expected['tensors']
                  if record['dtype'] in PLAIN and record['role'] != 'metadata'}
        with scratch() as folder:
            convert(path, folder / 'out', '--to', 'tf_checkpoint')
            read = restored_by_keys(folder / 'out', wanted)
            for key, value in wanted.items():
                ours = np.asarray(read[key])
                equal = ours.tolist() == value.tolist() if value.dtype.kind in 'OS' else ours.tobytes() == value.tobytes()
                assert equal and ours.shape == value.shape, (name, key)
                seen += 1
    assert seen > 500, seen


def test_object_based_by_full_names():
    """--scheme full gives a Saver the names that it asks for."""
    with scratch() as folder:
        with tf1.Graph().as_default():
            module = tf.Module()
            with tf1.variable_scope('net', use_resource=True):
                module.kernel = tf1.get_variable('kernel', (3, 2), tf.float32, tf1.zeros_initializer())
            with tf1.Session() as session:
                fill(session)
                wanted = {'net/kernel': session.run(module.kernel)}
                tf.train.Checkpoint(module=module).write(f'{folder}/in', options=None) if tf.executing_eagerly() else \
                    tf1.train.Checkpoint(module=module).write(f'{folder}/in', session=session)
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', '--scheme', 'full', '--layout', 'names',
                '--weights-only')
        same(restored(folder / 'out', lambda: variables('net', ['kernel'])), wanted)


def unscoped():
    variables('', ['W', 'b'])


def other_scope():
    variables('net', ['W', 'b'])


def more():
    variables('my_model', ['W', 'b', 'c'])
    tf1.train.create_global_step()


def other_shape():
    variables('my_model', ['W', 'b'], (2, 2))
    tf1.train.create_global_step()


def restores(prefix, build):
    """Tells whether a Saver restores the file into the program."""
    try:
        restored(prefix, build)
        return True
    except (tf.errors.NotFoundError, tf.errors.InvalidArgumentError):
        return False


def adam_of(scope):
    """Two variables and Adam, all in one scope, or in none."""
    def build():
        step = tf1.train.create_global_step()
        with tf1.variable_scope(scope) if scope else contextlib.nullcontext():
            loss = tf.add_n([tf.reduce_sum(tf.square(variable)) for variable in variables('', ['W', 'b'])])
            tf1.train.AdamOptimizer().minimize(loss, global_step=step)
    return build


def renamed(scope, other, *arguments):
    """Saves under one scope, renames, and restores under another: every value must arrive, in order of creation."""
    with scratch() as folder:
        wanted = saved(folder, adam_of(scope))
        convert(folder / 'in', folder / 'out', '--to', 'tf_checkpoint', *arguments)
        found = restored(folder / 'out', adam_of(other))
        for (_, value), (name, theirs) in zip(wanted.items(), found.items(), strict=True):
            assert np.asarray(theirs).tobytes() == np.asarray(value).tobytes(), name
        assert b'proved' in tenon('verify', folder / 'out')
        tenon('-q', 'check', folder / 'out', '--against', folder / 'out', '--mode', 'consumed')


def test_scope_stripped():
    """A scope is taken off: variables, slots behind a doubled scope, Adam's powers; the step stays."""
    renamed('my_model', '', '--rename', 'my_model/=/')


def test_scope_changed():
    """A scope gets another name, and so does its second mention before slots."""
    renamed('my_model', 'net', '--rename', 'my_model/=net/')


def test_scope_added():
    """A scope is added to variables and slots; Adam's powers, which have no scope, are named one by one."""
    renamed('', 'net', '--rename', '/=net/', '--rename', 'beta1_power=net/beta1_power', '--rename', 'beta2_power=net/beta2_power',
            '--rename', '{v:W|b}/{s:Adam|Adam_1}=net/net/{v}/{s}')


def test_rule_file():
    """The same from a rule file."""
    with scratch() as folder:
        (folder / 'r.yaml').write_text('tenon: 1\nrules:\n  - {match: "my_model/{x:**}", to: "net/{x}"}\n'
                                       '  - {match: global_step, do: keep}\n')
        renamed('my_model', 'net', '--rules', folder / 'r.yaml')


def test_check_predicts_savers():
    """`check --loader names --mode existing` says of every pair of programs what Saver.restore does."""
    programs = [plain, unscoped, other_scope, more, other_shape, with_adam, partitioned]
    with scratch() as folder:
        for program in programs:
            (folder / program.__name__).mkdir()
            saved(folder / program.__name__, program)
        for a in programs:
            for b in programs:
                done = subprocess.run([support.PROGRAM, '-q', 'check', f'{folder}/{a.__name__}/in', '--against',
                                       f'{folder}/{b.__name__}/in', '--mode', 'existing', '--loader', 'names'],
                                      capture_output=True, check=False)
                assert done.returncode == (0 if restores(f'{folder}/{a.__name__}/in', b) else 1), (a.__name__, b.__name__)


def test_verify_finds_nothing():
    """`verify` proves what a Saver wrote."""
    with scratch() as folder:
        saved(folder, with_adam)
        assert b'proved' in tenon('verify', folder / 'in')


def saved_v1(folder, build, sharded=False, devices=1):
    """As saved(), in the first format; returns the path that the Saver gives, and the values."""
    with tf1.Graph().as_default():
        build()
        config = tf1.ConfigProto(device_count={'CPU': devices})
        with tf1.Session(config=config) as session:
            fill(session)
            saver = tf1.train.Saver(sharded=sharded, write_version=tf1.train.SaverDef.V1)
            path = saver.save(session, f'{folder}/in', write_meta_graph=False, write_state=False)
            return path, {variable.op.name: session.run(variable) for variable in tf1.global_variables()}


def from_v1(build, **options):
    """Carries a graph's checkpoint from the first format to the second, which a Saver restores."""
    with scratch() as folder:
        path, wanted = saved_v1(folder, build, **options)
        assert '?' in path or not options.get('sharded'), path
        convert(path, folder / 'direct', '--to', 'tf_checkpoint')
        same(restored(folder / 'direct', build), wanted)
        convert(path, folder / 'via.safetensors')
        convert(folder / 'via.safetensors', folder / 'back', '--to', 'tf_checkpoint')
        same(restored(folder / 'back', build), wanted)


def test_v1():
    """Adam's slots in the first format, one file."""
    from_v1(with_adam)


def test_v1_partitioned():
    """A partitioned variable and its partitioned slots in the first format."""
    from_v1(partitioned)


def test_v1_sharded():
    """Shards of two devices in the first format, named by their pattern."""
    from_v1(on_two_devices, sharded=True, devices=2)


def to_v1(build, **options):
    """Carries a graph's checkpoint to the first format, by way of safetensors too; a Saver restores both."""
    with scratch() as folder:
        wanted = saved(folder, build, **options)
        convert(folder / 'in', folder / 'direct', '--to', 'tf_checkpoint_v1')
        same(restored(folder / 'direct', build), wanted)
        reader = tf1.train.NewCheckpointReader(str(folder / 'direct'))
        convert(folder / 'in', folder / 'via.safetensors')
        convert(folder / 'via.safetensors', folder / 'back', '--to', 'tf_checkpoint_v1')
        same(restored(folder / 'back', build), wanted)
        assert (folder / 'direct').read_bytes() == (folder / 'back').read_bytes()
        return reader.get_variable_to_shape_map(), {key: reader.get_tensor(key) for key in ('my_model/W', 'emb/table')
                                                    if reader.has_tensor(key)}


def test_to_v1():
    """Adam's slots in the first format that tenon wrote: listed, read and restored."""
    shapes, values = to_v1(with_adam)
    assert shapes['my_model/W'] == [3, 2] and values['my_model/W'].shape == (3, 2), shapes


def test_to_v1_partitioned():
    """Partitioned variables take their slices from whole tensors of the first format."""
    shapes, _ = to_v1(partitioned)
    assert shapes['emb/table'] == [10, 4], shapes


def test_v1_same_bytes():
    """A checkpoint of the first format with whole tensors comes out as TensorFlow wrote it, byte for byte."""
    seen = 0
    for name, path, _ in support.fixtures('tf_checkpoint_v1'):
        if name in ('good-partitioned', 'good-sharded'):
            continue
        with scratch() as folder:
            convert(path, folder / 'out', '--to', 'tf_checkpoint_v1')
            assert (folder / 'out').read_bytes() == path.read_bytes(), name
            seen += 1
    assert seen == 7, seen


def test_v1_fixtures():
    """Saver restores every fixture of the first format that tenon wrote, in the second and in the first."""
    seen = 0
    for name, path, expected in support.fixtures('tf_checkpoint_v1'):
        records = [record for record in expected['tensors'] if record['dtype'] in PLAIN and record['dtype'] != 'string']
        wanted = {record['key']: np.frombuffer(bytes.fromhex(record['hex']), record['dtype']).reshape(record['shape'])
                  for record in records}
        if not wanted:
            continue
        with scratch() as folder:
            for to in ('tf_checkpoint', 'tf_checkpoint_v1'):
                convert(path, folder / to, '--to', to)
                read = restored_by_keys(folder / to, wanted)
                for key, value in wanted.items():
                    assert np.asarray(read[key]).tobytes() == value.tobytes(), (name, to, key)
                    seen += 1
    assert seen > 80, seen


if __name__ == '__main__':
    support.main(globals())
