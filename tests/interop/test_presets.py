"""The shipped rule sets, judged by files of TensorFlow, lists of what the targets expect, and the maths of both."""
import json
import subprocess

import numpy as np
import support
from models import bert, checkpoint, gpt2, llama, resnet50, t5
from safetensors.numpy import load_file, save_file
from support import convert, listing, scratch, tenon

import tensorflow as tf

tf1 = tf.compat.v1
tf.get_logger().setLevel('ERROR')

NAMES = ['bert/tf1-to-hf', 'gpt2/tf1-to-hf', 'llama/fuse-qkv', 'llama/split-qkv', 'resnet50/keras-to-torchvision',
         'scope/add', 'scope/strip', 't5/mesh-to-hf', 'tf1/drop-training', 'tf1/promote-ema']
TOLERANCE = 1e-5


def same(got, want):
    """Demands equal names, dtypes, shapes and bytes."""
    assert set(got) == set(want), f'missing {sorted(set(want) - set(got))}, unexpected {sorted(set(got) - set(want))}'
    for name, value in want.items():
        value = np.asarray(value)
        assert got[name].dtype == value.dtype, f'{name}: {got[name].dtype}, not {value.dtype}'
        assert got[name].shape == value.shape, f'{name}: {got[name].shape}, not {value.shape}'
        assert got[name].tobytes() == value.tobytes(), f'{name}: other values'


def close(got, want):
    """Demands equal logits."""
    for one, other in zip(got, want, strict=True):
        assert one.shape == other.shape, f'{one.shape}, not {other.shape}'
        assert np.isfinite(other).all() and np.abs(other).max() > 0.1, 'these logits prove nothing'
        assert np.abs(one - other).max() <= TOLERANCE, f'the logits differ by {np.abs(one - other).max()}'


def refused(source, preset, *options, code=1):
    """Demands that a rule set refuses a model, and that nothing is written. Returns what is said."""
    with scratch() as folder:
        out = folder / 'out.safetensors'
        command = [support.PROGRAM, '-q', 'convert', source, out, '--rules', f'preset:{preset}', *options]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == code, f'exit {done.returncode}: {done.stderr}'
        assert not list(folder.iterdir()), 'something was written'
        return done.stderr


def planned(source, preset, *options):
    """Returns the plan as a document."""
    return json.loads(tenon('-q', 'plan', '--json', source, 'out.safetensors', '--rules', f'preset:{preset}', *options))


def returns(folder, source, converted, preset, kept, *options):
    """Demands that the inverse brings back every tensor that the rule set does not drop, bit for bit."""
    tenon('-q', 'rules', 'invert', f'preset:{preset}', source, '-o', folder / 'back.yaml', *options)
    convert(converted, folder / 'back.ckpt', '--rules', folder / 'back.yaml')
    same(checkpoint.read(folder / 'back.ckpt'), kept)


def judge(preset, source, arrays, expected, folder):
    """Converts a checkpoint, demands the expected file, and takes the inverse. Returns the file's tensors."""
    convert(source, folder / 'out.safetensors', '--rules', f'preset:{preset}')
    got = load_file(folder / 'out.safetensors')
    same(got, expected)
    returns(folder, source, folder / 'out.safetensors', preset, arrays)
    return got


def test_list():
    """`rules list` names them all, and each compiles without a finding."""
    told = tenon('rules', 'list').decode()
    for name in NAMES:
        assert f'preset:{name}\n' in told, f'{name} is not in\n{told}'
        tenon('rules', 'lint', f'preset:{name}')


def test_bert():
    """BERT with its own Adam's slots: what BertForPreTraining expects, equal logits, the inverse."""
    arrays = bert.arrays()
    with scratch() as folder:
        source = checkpoint.save(folder / 'bert.ckpt', arrays, checkpoint.bert_slots(arrays))
        got = judge('bert/tf1-to-hf', source, arrays, bert.expected(arrays), folder)
        close(bert.target_forward(got), bert.source_forward(arrays))
        plan = planned(source, 'bert/tf1-to-hf')
        assert len(plan['dropped']) == 2 * len(arrays) + 1
        assert any('gelu_new' in warning['message'] for warning in plan['warnings'])


def test_bert_tells_transposes():
    """Logits tell one square kernel that was not transposed, which shapes cannot."""
    arrays = bert.arrays()
    wrong = bert.expected(arrays)
    wrong['bert.encoder.layer.1.attention.self.query.weight'] = \
        arrays['bert/encoder/layer_1/attention/self/query/kernel']
    assert np.abs(bert.target_forward(wrong)[0] - bert.source_forward(arrays)[0]).max() > 100 * TOLERANCE


def test_bert_layers():
    """Layers beyond 9 keep their numbers; a missing layer, array or first layer is refused; so is what is unknown."""
    arrays = bert.arrays(layers=12)
    with scratch() as folder:
        source = checkpoint.save(folder / 'bert.ckpt', arrays)
        judge('bert/tf1-to-hf', source, arrays, bert.expected(arrays, 12), folder)
        for hole in ('bert/encoder/layer_4/', 'bert/encoder/layer_4/output/dense/kernel',
                     'bert/encoder/layer_11/attention/self/key/bias', 'bert/encoder/layer_0/',
                     'bert/embeddings/position_embeddings', 'bert/embeddings/LayerNorm/beta'):
            refused(source, 'bert/tf1-to-hf', '--drop', f'{hole}**' if hole.endswith('/') else hole)
        more = dict(bert.arrays(), stranger=np.zeros(3, np.float32))
        assert 'stranger' in refused(checkpoint.save(folder / 'more.ckpt', more), 'bert/tf1-to-hf')


def test_bert_fine_tuned():
    """The heads of run_classifier.py and run_squad.py, which have no heads of pre-training."""
    for heads in ({'output_weights': 'classifier.weight', 'output_bias': 'classifier.bias'},
                  {'cls/squad/output_weights': 'qa_outputs.weight', 'cls/squad/output_bias': 'qa_outputs.bias'}):
        pre_trained = bert.arrays()
        arrays = {name: value for name, value in pre_trained.items() if not name.startswith('cls/')}
        want = {name: value for name, value in bert.expected(pre_trained).items() if not name.startswith('cls.')}
        for number, (name, new) in enumerate(heads.items()):
            arrays[name] = np.arange(24, dtype=np.float32).reshape(3, 8)[:, :8] if number == 0 else \
                np.arange(3, dtype=np.float32)
            want[new] = arrays[name]
        with scratch() as folder:
            source = checkpoint.save(folder / 'bert.ckpt', arrays, minimize=True)
            judge('bert/tf1-to-hf', source, arrays, want, folder)


def test_gpt2():
    """GPT-2 with TensorFlow's Adam slots: what GPT2LMHeadModel expects, equal logits, the inverse; also 11 layers."""
    for layers in (2, 11):
        arrays = gpt2.arrays(layers)
        with scratch() as folder:
            source = checkpoint.save(folder / 'model.ckpt', arrays, minimize=True)
            assert any(tensor['name'] == 'model/wte/Adam_1' for tensor in listing(source))
            got = judge('gpt2/tf1-to-hf', source, arrays, gpt2.expected(arrays, layers), folder)
            close(gpt2.target_forward(got, layers), gpt2.source_forward(arrays, layers))
            refused(source, 'gpt2/tf1-to-hf', '--drop', 'model/h1/mlp/c_fc/w')
            refused(source, 'gpt2/tf1-to-hf', '--drop', 'model/h0/**')


def test_t5():
    """T5 1.0, T5 1.1 and mT5 with Adafactor's slots: what T5ForConditionalGeneration expects, logits, the inverse."""
    for kind in t5.KINDS:
        arrays = t5.arrays(kind=kind)
        with scratch() as folder:
            source = checkpoint.save(folder / 'model.ckpt-1000', arrays, checkpoint.adafactor_slots(arrays))
            got = judge('t5/mesh-to-hf', source, arrays, t5.expected(arrays, kind=kind), folder)
            close(t5.target_forward(got, kind=kind), t5.source_forward(arrays, kind=kind))
            refused(source, 't5/mesh-to-hf', '--drop', 'decoder/block_000/layer_001/EncDecAttention/v')
            refused(source, 't5/mesh-to-hf', '--drop', 'encoder/block_000/**')


def test_llama():
    """q, k and v fused, and split again: the identity, with and without biases; both sides compute the same."""
    for bias in (False, True):
        arrays = llama.arrays(bias=bias)
        want = llama.fused(arrays)
        with scratch() as folder:
            save_file(arrays, folder / 'apart.safetensors')
            convert(folder / 'apart.safetensors', folder / 'one.safetensors', '--rules', 'preset:llama/fuse-qkv')
            got = load_file(folder / 'one.safetensors')
            same(got, want)
            close(llama.forward(got), llama.forward(arrays))
            sizes = [f'--var={name}={value}' for name, value in
                     (('nq', llama.QUERIES), ('nkv', llama.KEYS), ('hd', llama.SIZE))]
            (folder / 'config.json').write_text(json.dumps(llama.config(2)))
            for options in ([], sizes, ['--input', f'config={folder}/config.json']):
                convert(folder / 'one.safetensors', folder / 'again.safetensors', '-f', '--rules',
                        'preset:llama/split-qkv', *options)
                same(load_file(folder / 'again.safetensors'), arrays)
            tenon('-q', 'rules', 'invert', 'preset:llama/fuse-qkv', folder / 'apart.safetensors', '-o',
                  folder / 'back.yaml')
            convert(folder / 'one.safetensors', folder / 'back.safetensors', '--rules', folder / 'back.yaml')
            same(load_file(folder / 'back.safetensors'), arrays)
            tenon('-q', 'rules', 'invert', 'preset:llama/split-qkv', folder / 'one.safetensors', '-o',
                  folder / 'forth.yaml')
            convert(folder / 'back.safetensors', folder / 'forth.safetensors', '--rules', folder / 'forth.yaml')
            same(load_file(folder / 'forth.safetensors'), want)


def test_llama_refuses():
    """Wrong numbers of heads, a member that is missing, and a file of the other form."""
    arrays = llama.arrays()
    with scratch() as folder:
        save_file(arrays, folder / 'apart.safetensors')
        save_file(llama.fused(arrays), folder / 'one.safetensors')
        refused(folder / 'one.safetensors', 'llama/split-qkv', '--var', 'nq=3', '--var', 'hd=6')
        refused(folder / 'one.safetensors', 'llama/split-qkv', '--var', 'nq=2', '--var', 'nkv=3', '--var', 'hd=6')
        refused(folder / 'one.safetensors', 'llama/split-qkv', '--var', 'nkv=1', '--var', 'hd=6')
        refused(folder / 'one.safetensors', 'llama/fuse-qkv')
        message = refused(folder / 'apart.safetensors', 'llama/fuse-qkv', '--drop',
                          'model.layers.1.self_attn.k_proj.weight', code=2)
        assert 'k_proj' in message
        refused(folder / 'apart.safetensors', 'llama/split-qkv')
        refused(folder / 'apart.safetensors', 'llama/fuse-qkv', '--var', 'nq=3', '--var', 'nkv=2', '--var', 'hd=6')
        convert(folder / 'apart.safetensors', folder / 'checked.safetensors', '--rules', 'preset:llama/fuse-qkv',
                '--var', 'nq=4', '--var', 'nkv=2', '--var', 'hd=6')
        (folder / 'config.json').write_text(json.dumps(llama.config(2) | {'num_key_value_heads': 4}))
        for source, preset in (('apart', 'llama/fuse-qkv'), ('one', 'llama/split-qkv')):
            refused(folder / f'{source}.safetensors', preset, '--input', f'config={folder}/config.json')


def narrow_resnet(width, classes):
    """Builds keras.applications' ResNet50 by its own code, but with fewer channels."""
    from keras.src.applications.resnet import ResNet, stack_residual_blocks_v1

    def stack(x):
        for stage, blocks in resnet50.BLOCKS.items():
            x = stack_residual_blocks_v1(x, width * 2 ** (stage - 2), blocks, stride1=1 if stage == 2 else 2,
                                         name=f'conv{stage}')
        return x

    return ResNet(stack, False, True, name='resnet50', weights=None, input_shape=(64, 64, 3), classes=classes,
                  classifier_activation=None)


def test_resnet50():
    """Keras' own ResNet50 code with fewer channels, trained for a step: what torchvision expects, equal logits."""
    model = narrow_resnet(4, 5)
    arrays = resnet50.arrays(width=4, classes=5, first=64)
    names = {f'{layer.name}/{weight.name}': weight for layer in model.layers for weight in layer.weights}
    assert set(names) == set(arrays), sorted(set(names) ^ set(arrays))
    picture = resnet50.image()
    model.compile(optimizer='adam', loss='mse')
    model.fit(picture[None].astype(np.float32), np.zeros((1, 5), np.float32), epochs=1, verbose=0)
    for name, weight in names.items():
        weight.assign(arrays[name])
    logits = resnet50.source_forward(arrays, picture)
    keras_logits = model.predict(picture[None].astype(np.float32), verbose=0)[0]
    assert np.abs(keras_logits - logits).max() < 1e-3, 'the maths here is not that of Keras'
    with scratch() as folder:
        model.save(folder / 'model.h5')
        convert(folder / 'model.h5', folder / 'out.safetensors', '--rules', 'preset:resnet50/keras-to-torchvision')
        got = load_file(folder / 'out.safetensors')
        same(got, resnet50.expected(arrays))
        close([resnet50.target_forward(got, picture)], [logits])
        unmoved = resnet50.target_forward(got, picture, moved=False)
        assert np.abs(unmoved - logits).max() > 100 * TOLERANCE, 'the strides would not matter'
        plan = planned(folder / 'model.h5', 'resnet50/keras-to-torchvision')
        assert any('stride' in warning['message'] for warning in plan['warnings'])
        refused(folder / 'model.h5', 'resnet50/keras-to-torchvision', '--drop', 'conv3_block2_**')
        # The bias is folded into the mean: values are computed, so there is no way back.
        tenon('-q', 'rules', 'invert', 'preset:resnet50/keras-to-torchvision', folder / 'model.h5', '-o',
              folder / 'back.yaml', code=1)
        assert not (folder / 'back.yaml').exists()


def test_guards():
    """Each rule set refuses the models of the others."""
    with scratch() as folder:
        sources = {'bert/tf1-to-hf': checkpoint.save(folder / 'bert.ckpt', bert.arrays()),
                   'gpt2/tf1-to-hf': checkpoint.save(folder / 'gpt2.ckpt', gpt2.arrays()),
                   't5/mesh-to-hf': checkpoint.save(folder / 't5.ckpt', t5.arrays()),
                   'resnet50/keras-to-torchvision': checkpoint.save(folder / 'resnet.ckpt', resnet50.arrays()),
                   'llama/fuse-qkv': folder / 'apart.safetensors', 'llama/split-qkv': folder / 'one.safetensors'}
        save_file(llama.arrays(), folder / 'apart.safetensors')
        save_file(llama.fused(llama.arrays()), folder / 'one.safetensors')
        for preset in sources:
            for other, source in sources.items():
                if other == preset:
                    planned(source, preset)
                else:
                    refused(source, preset)


def test_drop_training():
    """What is left is what --weights-only leaves, of every family of slots; what only looks like a slot stays."""
    arrays = {'a/W': np.arange(6, dtype=np.float32).reshape(2, 3), 'b': np.ones(3, np.float32)}
    odd = {'c/Momentum': np.full(5, 2, np.float32), 'd/adam_m': np.full(2, 3, np.float32)}
    with scratch() as folder:
        source = checkpoint.save(folder / 'odd.ckpt', arrays | odd, minimize=True)
        convert(source, folder / 'out.ckpt', '--rules', 'preset:tf1/drop-training')
        same(checkpoint.read(folder / 'out.ckpt'), arrays | odd)
        convert(folder / 'out.ckpt', folder / 'again.ckpt', '--rules', 'preset:tf1/drop-training')
        same(checkpoint.read(folder / 'again.ckpt'), arrays | odd)
        for slots in (checkpoint.bert_slots(arrays), checkpoint.adafactor_slots(arrays)):
            source = checkpoint.save(folder / 'slots.ckpt', arrays, slots)
            convert(source, folder / 'out.ckpt', '-f', '--rules', 'preset:tf1/drop-training')
            same(checkpoint.read(folder / 'out.ckpt'), arrays)
        for fixture in ('good-v1-adam', 'good-v1-two-adams', 'good-v1-optimizers', 'good-v1-t5-names',
                        'good-v1-partitioned', 'good-v1-adam-doubled-scope'):
            source = support.FIXTURES / 'tf_checkpoint' / fixture
            convert(source, folder / f'{fixture}-a.ckpt', '--rules', 'preset:tf1/drop-training')
            convert(source, folder / f'{fixture}-b.ckpt', '--weights-only')
            same(checkpoint.read(folder / f'{fixture}-a.ckpt'), checkpoint.read(folder / f'{fixture}-b.ckpt'))
        refused(support.FIXTURES / 'tf_checkpoint/good-keras2-sequential', 'tf1/drop-training')


def averaged(path, scope=None, only_averages=False):
    """Saves a program with moving averages of what it trains. Returns its variables and its averages."""
    with tf.Graph().as_default():
        trained = [tf1.get_variable(name, initializer=tf.constant(value)) for name, value in
                   (('m/W', np.arange(6, dtype=np.float32).reshape(2, 3)), ('m/b', np.ones(3, np.float32)))]
        tf1.get_variable('m/moving_mean', initializer=np.float32([7, 8]), trainable=False)
        loss = tf.add_n([tf.reduce_sum(tf.square(one)) for one in trained])
        step = tf1.get_variable('global_step', initializer=np.int64(0), trainable=False)
        train = tf1.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
        average = tf.train.ExponentialMovingAverage(0.9)
        with tf1.variable_scope(scope) if scope else tf.control_dependencies([train]):
            apply = average.apply(trained)
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            session.run([train, apply])
            session.run([train, apply])
            saved = [average.average(one) for one in trained] if only_averages else None
            tf1.train.Saver(saved).save(session, str(path), write_state=False)
            return ({one.op.name: session.run(one) for one in tf1.global_variables()},
                    {one.op.name: session.run(average.average(one)) for one in trained})


def test_promote_ema():
    """Averages take their variables' names; what has none stays; the program that infers can restore the file."""
    with scratch() as folder:
        values, averages = averaged(folder / 'run.ckpt')
        assert any(not np.array_equal(values[name], averages[name]) for name in averages)
        convert(folder / 'run.ckpt', folder / 'out.ckpt', '--rules', 'preset:tf1/promote-ema')
        want = {name: value for name, value in values.items() if 'Exponential' not in name and 'Adam' not in name}
        same(checkpoint.read(folder / 'out.ckpt'), want | averages)
        _, averages = averaged(folder / 'lone.ckpt', only_averages=True)
        convert(folder / 'lone.ckpt', folder / 'lone-out.ckpt', '--rules', 'preset:tf1/promote-ema')
        same(checkpoint.read(folder / 'lone-out.ckpt'), averages)
        refused(folder / 'out.ckpt', 'tf1/promote-ema')
        values, _ = averaged(folder / 'scoped.ckpt', scope='train')
        assert 'train/m/W/ExponentialMovingAverage' in values, sorted(values)
        assert 'ExponentialMovingAverage' in refused(folder / 'scoped.ckpt', 'tf1/promote-ema')


def test_scope():
    """A scope taken off and put on, with the slots below it; counters and state without a scope stay."""
    arrays = {'net/a/W': np.arange(6, dtype=np.float32).reshape(2, 3), 'net/b': np.ones(3, np.float32)}
    with scratch() as folder:
        source = checkpoint.save(folder / 'run.ckpt', arrays, minimize=True)
        whole = checkpoint.read(source)
        convert(source, folder / 'bare.ckpt', '--rules', 'preset:scope/strip', '--var', 'scope=net')
        same(checkpoint.read(folder / 'bare.ckpt'), {name.removeprefix('net/'): value for name, value in whole.items()})
        convert(folder / 'bare.ckpt', folder / 'again.ckpt', '--rules', 'preset:scope/add', '--var', 'scope=net')
        same(checkpoint.read(folder / 'again.ckpt'), whole)
        convert(folder / 'bare.ckpt', folder / 'model.ckpt', '--rules', 'preset:scope/add')
        assert 'model/a/W/Adam' in checkpoint.read(folder / 'model.ckpt')
        returns(folder, source, folder / 'bare.ckpt', 'scope/strip', whole, '--var', 'scope=net')
        assert 'net' in refused(source, 'scope/strip', '--var', 'scope=nett', code=2)
        refused(source, 'scope/strip', code=2)


def test_chain():
    """A scope, moving averages and a name map, one after the other."""
    arrays = bert.arrays()
    averages = {f'top/{name}/ExponentialMovingAverage': value + np.float32(1) for name, value in arrays.items()}
    with scratch() as folder:
        scoped = {f'top/{name}': value for name, value in arrays.items()}
        source = checkpoint.save(folder / 'run.ckpt', scoped, averages)
        convert(source, folder / 'out.safetensors', '--rules', 'preset:tf1/promote-ema', '--rules',
                'preset:scope/strip', '--rules', 'preset:bert/tf1-to-hf', '--var', 'scope=top')
        same(load_file(folder / 'out.safetensors'),
             bert.expected({name: value + np.float32(1) for name, value in arrays.items()}))


if __name__ == '__main__':
    support.main(globals())
