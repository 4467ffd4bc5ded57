"""`convert --like`: programs restore a file that has their own structure and another file's values."""
import json
import subprocess

import support
from support import convert, scratch, tenon

import keras
import numpy as np
import tensorflow as tf
import tf_keras

import producing

tf1 = tf.compat.v1
tf.get_logger().setLevel('ERROR')
OLD_CLASSES, NEW_CLASSES = 5, 3


def failing(*arguments, code):
    """Runs a command that must fail, and returns what it says."""
    done = subprocess.run([support.PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, f'{arguments}: exit {done.returncode}\n{done.stderr}'
    return done.stderr


def paired(*arguments):
    """Returns for each tensor of a plan how it got its source."""
    plan = json.loads(tenon('-q', 'plan', '--json', *arguments))
    return {tensor['name']: tensor['paired_by'] for tensor in plan['tensors']}, plan


def same(ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()


def old_checkpoint(prefix):
    """Trains a TF1 graph by Adam, saves it by its names, and returns its values."""
    with tf1.Graph().as_default():
        inputs = tf1.ones((2, 4))
        with tf1.variable_scope('hidden'):
            kernel, bias = tf1.get_variable('kernel', (4, 6)), tf1.get_variable('bias', (6,))
        hidden = inputs @ kernel + bias
        with tf1.variable_scope('logits'):
            kernel, bias = tf1.get_variable('kernel', (6, OLD_CLASSES)), tf1.get_variable('bias', (OLD_CLASSES,))
        step = tf1.train.get_or_create_global_step()
        train = tf1.train.AdamOptimizer(0.1).minimize(tf1.reduce_sum((hidden @ kernel + bias) ** 2), global_step=step)
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            for _ in range(3):
                session.run(train)
            tf1.train.Saver().save(session, str(prefix), write_meta_graph=False, write_state=False)
            return {variable.op.name: session.run(variable) for variable in tf1.global_variables()}


def new_model(seed, optimizer=None):
    """Makes a fresh Keras model of other classes, built and with all its optimizer's slots."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    model = tf_keras.Sequential([tf_keras.layers.Dense(6, name='hidden', input_shape=(4,)),
                                 tf_keras.layers.Dense(NEW_CLASSES, name='logits')])
    if optimizer is not None:
        model.compile(optimizer=optimizer, loss='mse', run_eagerly=True)
        model.train_on_batch(np.ones((2, 4), 'float32'), np.ones((2, NEW_CLASSES), 'float32'))
    return model


def test_old_names_in_a_fresh_graph():
    """A TF1 checkpoint in a fresh TF2 model's object graph, with another number of classes."""
    with scratch() as folder:
        old = old_checkpoint(folder / 'old.ckpt')
        fresh = new_model(1)
        wanted = [value.numpy() for value in fresh.layers[1].weights]
        path = tf.train.Checkpoint(model=fresh).save(str(folder / 'fresh'))
        command = [folder / 'old.ckpt', folder / 'new-1', '--like', path, '--weights-only',
                   '--drop', 'logits/**', '--fill', 'model/layer_with_weights-1/**']
        by, _ = paired(*command)
        assert by == {'model/layer_with_weights-0/kernel': 'alias', 'model/layer_with_weights-0/bias': 'alias',
                      'model/layer_with_weights-1/kernel': 'fill', 'model/layer_with_weights-1/bias': 'fill',
                      'save_counter': 'counter'}, by
        convert(*command)
        other = new_model(2)
        checkpoint = tf.train.Checkpoint(model=other)
        status = checkpoint.restore(str(folder / 'new-1'))
        status.assert_existing_objects_matched()
        status.assert_consumed()
        same(other.layers[0].kernel, old['hidden/kernel'])
        same(other.layers[0].bias, old['hidden/bias'])
        same(other.layers[1].kernel, wanted[0])
        same(other.layers[1].bias, wanted[1])
        assert int(checkpoint.save_counter) == 1


def test_slots_follow_their_variables():
    """Adam's slots of TF1 become those of the same variables of a legacy Keras Adam; the rest is filled or dropped."""
    with scratch() as folder:
        old = old_checkpoint(folder / 'old.ckpt')
        fresh = new_model(1, tf_keras.optimizers.legacy.Adam(0.25))
        path = tf.train.Checkpoint(model=fresh, optimizer=fresh.optimizer).save(str(folder / 'fresh'))
        command = [folder / 'old.ckpt', folder / 'new-1', '--like', path,
                   '--drop', 'logits/**', '--drop', 'beta1_power', '--drop', 'beta2_power',
                   '--rename', 'global_step=Adam/iter', '--fill', 'model/layer_with_weights-1/**', '--fill', 'Adam/*']
        by, _ = paired(*command)
        assert by['Adam/iter'] == 'rule' and sum(how == 'slot' for how in by.values()) == 4, by
        assert sum(how == 'fill' for how in by.values()) == 2 + 4 + 4, by
        convert(*command)
        other = new_model(2, tf_keras.optimizers.legacy.Adam(0.5))
        tf.train.Checkpoint(model=other, optimizer=other.optimizer).restore(str(folder / 'new-1')).assert_consumed()
        for name, layer in (('kernel', other.layers[0].kernel), ('bias', other.layers[0].bias)):
            same(layer, old[f'hidden/{name}'])
            same(other.optimizer.get_slot(layer, 'm'), old[f'hidden/{name}/Adam'])
            same(other.optimizer.get_slot(layer, 'v'), old[f'hidden/{name}/Adam_1'])
        for layer, theirs in zip(other.layers[1].weights, fresh.layers[1].weights):
            same(layer, theirs)
            same(other.optimizer.get_slot(layer, 'm'), fresh.optimizer.get_slot(theirs, 'm'))
        assert int(other.optimizer.iterations) == 3 and abs(float(other.optimizer.lr) - 0.25) < 1e-6


def test_momentum_is_not_momentum():
    """TF1's momentum holds gradients and Keras's steps: one is never taken for the other."""
    with scratch() as folder:
        with tf1.Graph().as_default():
            with tf1.variable_scope('hidden'):
                kernel, bias = tf1.get_variable('kernel', (4, 6)), tf1.get_variable('bias', (6,))
            with tf1.variable_scope('logits'):
                last, end = tf1.get_variable('kernel', (6, NEW_CLASSES)), tf1.get_variable('bias', (NEW_CLASSES,))
            loss = tf1.reduce_sum((tf1.ones((2, 4)) @ kernel + bias) @ last + end)
            train = tf1.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
            with tf1.Session() as session:
                session.run(tf1.global_variables_initializer())
                session.run(train)
                tf1.train.Saver().save(session, f'{folder}/old.ckpt', write_meta_graph=False, write_state=False)
        fresh = new_model(1, tf_keras.optimizers.legacy.SGD(0.1, momentum=0.9))
        path = tf.train.Checkpoint(model=fresh, optimizer=fresh.optimizer).save(str(folder / 'fresh'))
        said = failing('plan', folder / 'old.ckpt', folder / 'new-1', '--like', path, '--fill', 'SGD/*', code=1)
        assert 'SGD/hidden/bias/momentum: no tensor of' in said and '3 more have no source' in said, said


def equal_layers(module, names):
    module.utils.set_random_seed(len(names[0]))
    inputs = module.Input((4,))
    hidden = module.layers.BatchNormalization(name=names[1])(module.layers.Dense(6, name=names[0])(inputs))
    return module.Model(inputs, module.layers.Dense(2, name=names[2])(hidden), name=names[3])


def test_keras_file_onto_other_names():
    """A Keras .h5 onto a model of equal layers with other names, by their order; the names are the new model's."""
    for module in (tf_keras, keras):
        with scratch() as folder:
            old = equal_layers(module, ('zeta', 'norm', 'alpha', 'one'))
            new = equal_layers(module, ('first', 'between', 'last', 'two'))
            producing.set_all('like', [getattr(value, 'value', value) if module is keras else value
                                       for value in old.weights])
            old.save(str(folder / 'old.h5'), include_optimizer=False)
            new.save(str(folder / 'fresh.h5'), include_optimizer=False)
            said = failing('convert', folder / 'old.h5', folder / 'new.h5', '--like', folder / 'fresh.h5', code=0)
            assert 'by the order of the layers alone' in said, said
            by, plan = paired(folder / 'old.h5', folder / 'x.h5', '--like', folder / 'fresh.h5')
            assert len(by) == 8 and set(by.values()) == {'order'}, by
            assert [warning['code'] for warning in plan['warnings']] == ['order-unproved']
            loaded = module.models.load_model(str(folder / 'new.h5'), compile=False)
            assert [layer.name for layer in loaded.layers] == [layer.name for layer in new.layers]
            assert loaded.name == 'two'
            for ours, theirs in zip(loaded.weights, old.weights):
                same(ours.numpy(), theirs.numpy())
            for layer in new.layers:
                layer.set_weights([0 * value for value in layer.get_weights()])
            new.load_weights(str(folder / 'new.h5'), **({'by_name': True} if module is tf_keras else {}))
            for ours, theirs in zip(new.weights, old.weights):
                same(ours.numpy(), theirs.numpy())


def test_between_keras_and_objects():
    """A Keras .h5 as the form of a TensorFlow checkpoint, and an object graph as that of an .h5."""
    with scratch() as folder:
        old = equal_layers(tf_keras, ('first', 'between', 'last', 'one'))
        producing.set_all('between', old.weights)
        old.save_weights(str(folder / 'old.h5'))
        old_path = tf.train.Checkpoint(model=old).save(str(folder / 'old'))
        fresh = equal_layers(tf_keras, ('first', 'between', 'last', 'two'))
        fresh.save_weights(str(folder / 'fresh.h5'))
        fresh_path = tf.train.Checkpoint(model=fresh).save(str(folder / 'fresh'))

        convert(old_path, folder / 'new.h5', '--like', fresh_path, '--weights-only')
        fresh.load_weights(str(folder / 'new.h5'))
        for ours, theirs in zip(fresh.weights, old.weights):
            same(ours, theirs)
            ours.assign(0 * ours)
        convert(folder / 'old.h5', folder / 'new-1', '--like', fresh_path)
        tf.train.Checkpoint(model=fresh).restore(str(folder / 'new-1')).assert_consumed()
        for ours, theirs in zip(fresh.weights, old.weights):
            same(ours, theirs)
        convert(old_path, folder / 'names-1', '--like', folder / 'fresh.h5', '--to', 'tf', '--weights-only')
        reader = tf.train.load_checkpoint(f'{folder}/names-1')
        wanted = {weight.name[:-2]: weight.numpy() for weight in old.weights}
        assert set(reader.get_variable_to_shape_map()) == set(wanted)
        for name, value in wanted.items():
            same(reader.get_tensor(name), value)


def test_keras_file_into_keras3_paths():
    """A legacy .h5 in the .weights.h5 of the same model: the paths are those of Keras 3."""
    with scratch() as folder:
        model = equal_layers(keras, ('first', 'between', 'last', 'two'))
        producing.set_all('like', [value.value for value in model.weights])
        wanted = [value.numpy() for value in model.weights]
        model.save(str(folder / 'old.h5'), include_optimizer=False)
        model.save_weights(str(folder / 'fresh.weights.h5'))
        shapes = {tensor['name']: tensor['shape'] for tensor in support.listing(folder / 'fresh.weights.h5')}
        renames = [('first', 'dense'), ('between', 'batch_normalization'), ('last', 'dense_1')]
        words = {'dense': ('kernel', 'bias'), 'dense_1': ('kernel', 'bias'),
                 'batch_normalization': ('gamma', 'beta', 'moving_mean', 'moving_variance')}
        options = [word for old, new in renames for number, name in enumerate(words[new])
                   for word in ('--rename', f'{old}/{name}=layers/{new}/vars/{number}')]
        names = [tensor['name'] for tensor in support.listing(folder / 'old.h5')]
        assert 'first/kernel' in names and 'layers/dense/vars/0' in shapes, (names, shapes)
        by, _ = paired(folder / 'old.h5', folder / 'new.weights.h5', '--like', folder / 'fresh.weights.h5', *options)
        assert set(by.values()) == {'rule'} and len(by) == 8, by
        convert(folder / 'old.h5', folder / 'new.weights.h5', '--like', folder / 'fresh.weights.h5', *options)
        for layer in model.layers:
            layer.set_weights([0 * value for value in layer.get_weights()])
        model.load_weights(str(folder / 'new.weights.h5'))
        for ours, theirs in zip(model.weights, wanted):
            same(ours.numpy(), theirs)


def test_twins_of_an_export():
    """A Keras 3 export stores each weight under two keys: both get the new value."""
    with scratch() as folder:
        models = [equal_layers(keras, ('first', 'between', 'last', 'two')) for _ in range(2)]
        for label, model in zip(('old', 'fresh'), models):
            producing.set_all(label, [value.value for value in model.weights])
            model.export(str(folder / label), verbose=False)
        old, fresh = (f'{folder}/{label}/variables/variables' for label in ('old', 'fresh'))
        tenon('-q', 'convert', old, folder / 'weights.safetensors', '--weights-only')
        convert(folder / 'weights.safetensors', folder / 'new-1', '--like', fresh)
        new, old, fresh = (tf.train.load_checkpoint(path) for path in (f'{folder}/new-1', old, fresh))
        shapes = fresh.get_variable_to_shape_map()
        assert new.get_variable_to_shape_map() == shapes
        listed = [key for key in shapes if key.startswith('variables/')]
        for key in listed:
            same(new.get_tensor(key), old.get_tensor(key))
        others = [key for key in shapes if key.startswith('_all_variables/')]  # in another order in each file
        for key in others:
            twin = next(one for one in listed if np.array_equal(fresh.get_tensor(one), fresh.get_tensor(key)))
            same(new.get_tensor(key), old.get_tensor(twin))
        assert len(listed) == len(others) == 8

        # The numbers of those lists are no names: in a model of other layers they mean nothing.
        other = equal_layers(keras, ('zeta', 'norm', 'alpha', 'one'))
        other.export(str(folder / 'other'), verbose=False)
        said = failing('plan', f'{folder}/other/variables/variables', folder / 'no-1',
                       '--like', f'{folder}/fresh/variables/variables', code=1)
        assert 'has its name, an alias or its place; 7 more have no source' in said, said


def test_partitions_are_those_of_the_target():
    """A whole variable is stored in the slices of the other file's, and the other way round."""
    def build(partitioned):
        partitioner = tf1.fixed_size_partitioner(3) if partitioned else None
        tf1.get_variable('table', (7, 2), initializer=tf1.zeros_initializer(), partitioner=partitioner)

    def saved(prefix, partitioned, number):
        with tf1.Graph().as_default():
            build(partitioned)
            with tf1.Session() as session:
                for index, variable in enumerate(tf1.global_variables()):
                    variable.load(np.full(variable.shape.as_list(), number + index, 'float32')
                                  + np.arange(2, dtype='float32') / 4, session)
                tf1.train.Saver().save(session, str(prefix), write_meta_graph=False, write_state=False)

    def restored(prefix, partitioned):
        with tf1.Graph().as_default():
            build(partitioned)
            with tf1.Session() as session:
                tf1.train.Saver().restore(session, str(prefix))
                return np.concatenate([session.run(variable) for variable in tf1.global_variables()])

    with tf1.Graph().as_default(), scratch() as folder:
        for own in (False, True):
            saved(folder / f'a{own:d}', own, 10)
            saved(folder / f'b{own:d}', not own, 20)
            convert(folder / f'a{own:d}', folder / f'o{own:d}-1', '--like', folder / f'b{own:d}')
            same(restored(folder / f'o{own:d}-1', not own), restored(folder / f'a{own:d}', own))
            same(restored(folder / f'o{own:d}-1', own), restored(folder / f'a{own:d}', own))


def test_dtypes_widen_and_never_narrow():
    """float16 becomes the float32 of the target, exactly; the other way needs --cast."""
    with scratch() as folder:
        values = np.asarray([1.5, -0.333, 65504, 6e-8, np.inf], 'float16')
        for name, dtype in (('half', 'float16'), ('single', 'float32')):
            module = tf.Module()
            module.w = tf.Variable(values.astype(dtype))
            tf.train.Checkpoint(module=module).write(str(folder / name))
        _, plan = paired(folder / 'half', folder / 'out-1', '--like', folder / 'single')
        assert plan['tensors'][0]['ops'] == ['cast float32']
        convert(folder / 'half', folder / 'out-1', '--like', folder / 'single')
        same(tf.train.load_checkpoint(f'{folder}/out-1').get_tensor('module/w/.ATTRIBUTES/VARIABLE_VALUE'),
             values.astype('float32'))
        said = failing('convert', folder / 'single', folder / 'no-1', '--like', folder / 'half', code=1)
        assert 'hint: --cast float16' in said, said
        convert(folder / 'single', folder / 'cast-1', '--like', folder / 'half', '--cast', 'float16')
        same(tf.train.load_checkpoint(f'{folder}/cast-1').get_tensor('module/w/.ATTRIBUTES/VARIABLE_VALUE'), values)


def test_what_does_not_fit():
    """A wrong shape, nothing in common, and an unused tensor each fail, and say what would help."""
    with scratch() as folder:
        old_checkpoint(folder / 'old.ckpt')
        path = tf.train.Checkpoint(model=new_model(1)).save(str(folder / 'fresh'))
        start = ['convert', folder / 'old.ckpt', folder / 'new-1', '--like', path, '--weights-only']
        said = failing(*start, code=1)
        assert 'model/layer_with_weights-1/bias: its shape is [3], but that of' in said and 'is [5]' in said, said
        assert "--drop 'logits/bias' --fill 'model/layer_with_weights-1/bias'" in said, said
        said = failing(*start, '--fill', 'model/layer_with_weights-1/**', code=1)
        assert "declare it with --drop 'logits/" in said, said
        said = failing(*start, '--rename', '/=other/', code=1)
        assert f'hint: tenon check {folder}/old.ckpt --against {path} proposes renames' in said, said
        said = failing(*start, '--fill', 'nothing/**', code=2)
        assert "--fill 'nothing/**' matches no tensor" in said, said
        assert not list(folder.glob('new-1*'))


if __name__ == '__main__':
    support.main(globals())
