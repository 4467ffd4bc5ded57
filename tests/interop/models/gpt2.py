"""GPT-2 as OpenAI's TensorFlow 1 code calls and computes it, and as Hugging Face's GPT2LMHeadModel does."""
import numpy as np

from models.maths import Arrays, attend, causal, gelu_tanh, heads, joined, layer_norm, wide

VOCABULARY, CONTEXT, HIDDEN, HEADS = 11, 12, 8, 2
TIED = {'lm_head.weight': 'transformer.wte.weight'}
IDS = np.array([3, 1, 4, 1, 5, 9, 2, 6])


def config(layers):
    """What Hugging Face's config.json says of it."""
    return {'model_type': 'gpt2', 'architectures': ['GPT2LMHeadModel'], 'vocab_size': VOCABULARY, 'n_embd': HIDDEN,
            'n_layer': layers, 'n_head': HEADS, 'n_positions': CONTEXT, 'bos_token_id': 0, 'eos_token_id': 0}


def arrays(layers=2, seed=2):
    """Makes the variables, in the order of model.py of openai/gpt-2."""
    a = Arrays(seed)
    a.add('model/wpe', CONTEXT, HIDDEN)
    a.add('model/wte', VOCABULARY, HIDDEN)
    for i in range(layers):
        for norm in ('ln_1', 'ln_2'):
            a.add(f'model/h{i}/{norm}/g', HIDDEN, around=1)
            a.add(f'model/h{i}/{norm}/b', HIDDEN)
        for part, inner, outer in (('attn/c_attn', HIDDEN, 3 * HIDDEN), ('attn/c_proj', HIDDEN, HIDDEN),
                                   ('mlp/c_fc', HIDDEN, 4 * HIDDEN), ('mlp/c_proj', 4 * HIDDEN, HIDDEN)):
            a.add(f'model/h{i}/{part}/w', 1, inner, outer)
            a.add(f'model/h{i}/{part}/b', outer)
    a.add('model/ln_f/g', HIDDEN, around=1)
    a.add('model/ln_f/b', HIDDEN)
    return dict(a)


def expected(a, layers=2):
    """Lists what a file for from_pretrained holds: name -> array."""
    want = {'transformer.wte.weight': a['model/wte'], 'transformer.wpe.weight': a['model/wpe'],
            'transformer.ln_f.weight': a['model/ln_f/g'], 'transformer.ln_f.bias': a['model/ln_f/b']}
    for i in range(layers):
        new, old = f'transformer.h.{i}', f'model/h{i}'
        for norm in ('ln_1', 'ln_2'):
            want[f'{new}.{norm}.weight'] = a[f'{old}/{norm}/g']
            want[f'{new}.{norm}.bias'] = a[f'{old}/{norm}/b']
        for name, scope in (('attn.c_attn', 'attn/c_attn'), ('attn.c_proj', 'attn/c_proj'),
                            ('mlp.c_fc', 'mlp/c_fc'), ('mlp.c_proj', 'mlp/c_proj')):
            want[f'{new}.{name}.weight'] = a[f'{old}/{scope}/w'][0]
            want[f'{new}.{name}.bias'] = a[f'{old}/{scope}/b']
    return want


def source_forward(a, layers=2):
    """Computes the logits by the source's names and maths."""
    a = wide(a)
    size = HIDDEN // HEADS

    def conv1d(x, scope):
        w = a[f'{scope}/w']
        return x @ w.reshape(-1, w.shape[-1]) + a[f'{scope}/b']

    def norm(x, scope):
        return layer_norm(x, a[f'{scope}/g'], a[f'{scope}/b'], 1e-5)

    x = a['model/wte'][IDS] + a['model/wpe'][:len(IDS)]
    for i in range(layers):
        s = f'model/h{i}'
        both = conv1d(norm(x, f'{s}/ln_1'), f'{s}/attn/c_attn')
        mixed = np.zeros_like(x)
        for position in range(len(IDS)):
            for h in range(HEADS):
                q, k, v = (both[:position + 1, part * HIDDEN + h * size:part * HIDDEN + (h + 1) * size]
                           for part in range(3))
                weights = np.exp(k @ q[-1] / np.sqrt(size))
                mixed[position, h * size:(h + 1) * size] = weights / weights.sum() @ v
        x = x + conv1d(mixed, f'{s}/attn/c_proj')
        x = x + conv1d(gelu_tanh(conv1d(norm(x, f'{s}/ln_2'), f'{s}/mlp/c_fc')), f'{s}/mlp/c_proj')
    return (norm(x, 'model/ln_f') @ a['model/wte'].T,)


def target_forward(t, layers=2):
    """Computes the same by the target's names and layouts."""
    t = wide(t)

    def conv1d(x, name):
        return np.einsum('si,io->so', x, t[f'{name}.weight']) + t[f'{name}.bias']

    def norm(x, name):
        return layer_norm(x, t[f'{name}.weight'], t[f'{name}.bias'], 1e-5)

    x = t['transformer.wte.weight'][IDS] + t['transformer.wpe.weight'][np.arange(len(IDS))]
    for i in range(layers):
        n = f'transformer.h.{i}'
        q, k, v = (heads(part, HEADS) for part in np.split(conv1d(norm(x, f'{n}.ln_1'), f'{n}.attn.c_attn'), 3, -1))
        x = x + conv1d(joined(attend(q, k, v, (HIDDEN // HEADS) ** -0.5, causal(len(IDS)))), f'{n}.attn.c_proj')
        x = x + conv1d(gelu_tanh(conv1d(norm(x, f'{n}.ln_2'), f'{n}.mlp.c_fc')), f'{n}.mlp.c_proj')
    return (norm(x, 'transformer.ln_f') @ t['transformer.wte.weight'].T,)
