"""T5 1.0, 1.1 and mT5 as mesh TensorFlow calls and computes them, and as Hugging Face's T5ForConditionalGeneration does."""
import math

import numpy as np

from models.maths import Arrays, attend, causal, gelu_tanh, heads, joined, linear, rms_norm, softmax, wide

VOCABULARY, HIDDEN, HEADS, WIDTH, INNER, BUCKETS, DISTANCE = 11, 8, 2, 3, 20, 8, 16
KINDS = ('1.0', '1.1', 'mt5')
TIED = {'encoder.embed_tokens.weight': 'shared.weight', 'decoder.embed_tokens.weight': 'shared.weight'}
IDS = np.random.default_rng(5).integers(1, VOCABULARY, 24)
GIVEN = np.random.default_rng(6).integers(1, VOCABULARY, 20)


def config(layers, kind):
    """What Hugging Face's config.json says of it."""
    return {'model_type': 't5', 'architectures': ['T5ForConditionalGeneration'], 'vocab_size': VOCABULARY,
            'd_model': HIDDEN, 'd_kv': WIDTH, 'd_ff': INNER, 'num_layers': layers, 'num_decoder_layers': layers,
            'num_heads': HEADS, 'relative_attention_num_buckets': BUCKETS, 'relative_attention_max_distance': DISTANCE,
            'feed_forward_proj': 'relu' if kind == '1.0' else 'gated-gelu', 'tie_word_embeddings': kind == '1.0',
            'decoder_start_token_id': 0, 'pad_token_id': 0, 'eos_token_id': 1}


def layers_of(side):
    """Lists what a block's layers are, by their numbers."""
    return ('SelfAttention', 'DenseReluDense') if side == 'encoder' else \
        ('SelfAttention', 'EncDecAttention', 'DenseReluDense')


def arrays(layers=2, kind='1.0', seed=3):
    """Makes the variables by the names of the released checkpoints."""
    a = Arrays(seed)
    norm = 'rms_norm' if kind == 'mt5' else 'layer_norm'
    a.add('shared/embedding', VOCABULARY, HIDDEN)
    for side in ('encoder', 'decoder'):
        for b in range(layers):
            for number, what in enumerate(layers_of(side)):
                s = f'{side}/block_{b:03}/layer_{number:03}'
                if what == 'DenseReluDense':
                    for inner in (('wi',) if kind == '1.0' else ('wi_0', 'wi_1')):
                        a.add(f'{s}/{what}/{inner}/kernel', HIDDEN, INNER)
                    a.add(f'{s}/{what}/wo/kernel', INNER, HIDDEN)
                else:
                    for part in 'qkv':
                        a.add(f'{s}/{what}/{part}', HIDDEN, HEADS * WIDTH)
                    a.add(f'{s}/{what}/o', HEADS * WIDTH, HIDDEN)
                    if b == 0 and what == 'SelfAttention':
                        a.add(f'{s}/{what}/relative_attention_bias', HEADS, BUCKETS)
                a.add(f'{s}/{norm}/scale', HIDDEN, around=1)
        a.add(f'{side}/rms_norm/scale' if kind == 'mt5' else f'{side}/final_layer_norm/scale', HIDDEN, around=1)
    if kind != '1.0':
        a.add('decoder/logits/kernel', HIDDEN, VOCABULARY)
    return dict(a)


def expected(a, layers=2, kind='1.0'):
    """Lists what a file for from_pretrained holds: name -> array."""
    want = {'shared.weight': a['shared/embedding']}
    if kind != '1.0':
        want['lm_head.weight'] = a['decoder/logits/kernel'].T
    norm = 'rms_norm' if kind == 'mt5' else 'layer_norm'
    for side, wide_layer in (('encoder', 1), ('decoder', 2)):
        last = 'rms_norm' if kind == 'mt5' else 'final_layer_norm'
        want[f'{side}.final_layer_norm.weight'] = a[f'{side}/{last}/scale']
        bias = 'SelfAttention.relative_attention_bias'
        want[f'{side}.block.0.layer.0.{bias}.weight'] = a[f'{side}/block_000/layer_000/{bias.replace(".", "/")}'].T
        for b in range(layers):
            new, old = f'{side}.block.{b}.layer', f'{side}/block_{b:03}/layer_'
            for number in range(wide_layer + 1):
                want[f'{new}.{number}.layer_norm.weight'] = a[f'{old}{number:03}/{norm}/scale']
            for part in 'qkvo':
                want[f'{new}.0.SelfAttention.{part}.weight'] = a[f'{old}000/SelfAttention/{part}'].T
                if side == 'decoder':
                    want[f'{new}.1.EncDecAttention.{part}.weight'] = a[f'{old}001/EncDecAttention/{part}'].T
            for part in (('wi', 'wo') if kind == '1.0' else ('wi_0', 'wi_1', 'wo')):
                want[f'{new}.{wide_layer}.DenseReluDense.{part}.weight'] = \
                    a[f'{old}{wide_layer:03}/DenseReluDense/{part}/kernel'].T
    return want


def bucket(distance, both_ways):
    """Gives the bucket of a key that stands `distance` behind (negative: before) its query."""
    count, first = BUCKETS, 0
    if both_ways:
        count //= 2
        first = count if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = max(-distance, 0)
    exact = count // 2
    if distance < exact:
        return first + distance
    far = exact + int(math.log(distance / exact) / math.log(DISTANCE / exact) * (count - exact))
    return first + min(far, count - 1)


def buckets(queries, keys, both_ways):
    return np.array([[bucket(k - q, both_ways) for k in range(keys)] for q in range(queries)])


def source_forward(a, layers=2, kind='1.0'):
    """Computes the logits by the source's names and maths."""
    a = wide(a)
    norm_name = 'rms_norm' if kind == 'mt5' else 'layer_norm'

    def attention(x, memory, scope, bias):
        q, k, v = x @ a[f'{scope}/q'], memory @ a[f'{scope}/k'], memory @ a[f'{scope}/v']
        out = 0
        for h in range(HEADS):
            part = slice(h * WIDTH, (h + 1) * WIDTH)
            out = out + softmax(q[:, part] @ k[:, part].T + bias[h]) @ v[:, part] @ a[f'{scope}/o'][part]
        return out

    def dense(x, scope):
        if kind == '1.0':
            inner = np.maximum(x @ a[f'{scope}/wi/kernel'], 0)
        else:
            inner = gelu_tanh(x @ a[f'{scope}/wi_0/kernel']) * (x @ a[f'{scope}/wi_1/kernel'])
        return inner @ a[f'{scope}/wo/kernel']

    def side(name, ids, memory=None):
        x = a['shared/embedding'][ids]
        table = a[f'{name}/block_000/layer_000/SelfAttention/relative_attention_bias']
        bias = table[:, buckets(len(ids), len(ids), name == 'encoder')]
        if name == 'decoder':
            bias = np.where(np.arange(len(ids)) > np.arange(len(ids))[:, None], -1e30, bias)
        for b in range(layers):
            for number, what in enumerate(layers_of(name)):
                s = f'{name}/block_{b:03}/layer_{number:03}'
                y = rms_norm(x, a[f'{s}/{norm_name}/scale'], 1e-6)
                if what == 'SelfAttention':
                    x = x + attention(y, y, f'{s}/{what}', bias)
                elif what == 'EncDecAttention':
                    x = x + attention(y, memory, f'{s}/{what}', [0.0] * HEADS)
                else:
                    x = x + dense(y, f'{s}/{what}')
        return rms_norm(x, a[f'{name}/{"rms_norm" if kind == "mt5" else "final_layer_norm"}/scale'], 1e-6)

    x = side('decoder', GIVEN, side('encoder', IDS))
    return ((x * HIDDEN ** -0.5) @ a['shared/embedding'].T if kind == '1.0' else x @ a['decoder/logits/kernel'],)


def target_forward(t, layers=2, kind='1.0'):
    """Computes the same by the target's names and layouts."""
    t = wide(t)

    def attention(x, memory, name, bias):
        q, k, v = (heads(linear(y, t, f'{name}.{part}'), HEADS) for y, part in ((x, 'q'), (memory, 'k'), (memory, 'v')))
        return linear(joined(attend(q, k, v, 1.0, bias)), t, f'{name}.o')

    def dense(x, name):
        inner = np.maximum(linear(x, t, f'{name}.wi'), 0) if kind == '1.0' else \
            gelu_tanh(linear(x, t, f'{name}.wi_0')) * linear(x, t, f'{name}.wi_1')
        return linear(inner, t, f'{name}.wo')

    def normed(x, name):
        return rms_norm(x, t[f'{name}.weight'], 1e-6)

    def bias_of(name, length):
        table = t[f'{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight']
        return table[buckets(length, length, name == 'encoder')].transpose(2, 0, 1)

    x, bias = t['shared.weight'][IDS], bias_of('encoder', len(IDS))
    for b in range(layers):
        n = f'encoder.block.{b}.layer'
        y = normed(x, f'{n}.0.layer_norm')
        x = x + attention(y, y, f'{n}.0.SelfAttention', bias)
        x = x + dense(normed(x, f'{n}.1.layer_norm'), f'{n}.1.DenseReluDense')
    memory = normed(x, 'encoder.final_layer_norm')
    x, bias = t['shared.weight'][GIVEN], bias_of('decoder', len(GIVEN)) + causal(len(GIVEN))
    for b in range(layers):
        n = f'decoder.block.{b}.layer'
        y = normed(x, f'{n}.0.layer_norm')
        x = x + attention(y, y, f'{n}.0.SelfAttention', bias)
        x = x + attention(normed(x, f'{n}.1.layer_norm'), memory, f'{n}.1.EncDecAttention', 0.0)
        x = x + dense(normed(x, f'{n}.2.layer_norm'), f'{n}.2.DenseReluDense')
    x = normed(x, 'decoder.final_layer_norm')
    return (x * HIDDEN ** -0.5 @ t['shared.weight'].T if kind == '1.0' else linear(x, t, 'lm_head'),)
