"""A Llama-like model with grouped queries: q, k and v apart, as LlamaForCausalLM keeps them, and fused by rows, as
Phi3ForCausalLM does."""
import numpy as np

from models.maths import Arrays, attend, causal, heads, joined, linear, rms_norm, silu, wide

VOCABULARY, HIDDEN, QUERIES, KEYS, SIZE, INNER = 11, 8, 4, 2, 6, 20
IDS = np.array([3, 1, 4, 1, 5, 9, 2, 6])


def config(layers):
    """What Hugging Face's config.json says of it."""
    return {'model_type': 'llama', 'architectures': ['LlamaForCausalLM'], 'vocab_size': VOCABULARY,
            'hidden_size': HIDDEN, 'num_hidden_layers': layers, 'num_attention_heads': QUERIES,
            'num_key_value_heads': KEYS, 'head_dim': SIZE, 'intermediate_size': INNER, 'rms_norm_eps': 1e-6,
            'max_position_embeddings': 32, 'tie_word_embeddings': False, 'bos_token_id': 1, 'eos_token_id': 2,
            'pad_token_id': 0, 'rope_parameters': {'rope_type': 'default', 'rope_theta': 10000.0}}


def arrays(layers=2, seed=4, bias=False):
    """Makes the tensors of LlamaForCausalLM; with `bias`, q, k and v have one, as Qwen2's do."""
    a = Arrays(seed)
    a.add('model.embed_tokens.weight', VOCABULARY, HIDDEN)
    for i in range(layers):
        n = f'model.layers.{i}'
        for part, rows in (('q', QUERIES), ('k', KEYS), ('v', KEYS)):
            a.add(f'{n}.self_attn.{part}_proj.weight', rows * SIZE, HIDDEN)
            if bias:
                a.add(f'{n}.self_attn.{part}_proj.bias', rows * SIZE)
        a.add(f'{n}.self_attn.o_proj.weight', HIDDEN, QUERIES * SIZE)
        a.add(f'{n}.mlp.gate_proj.weight', INNER, HIDDEN)
        a.add(f'{n}.mlp.up_proj.weight', INNER, HIDDEN)
        a.add(f'{n}.mlp.down_proj.weight', HIDDEN, INNER)
        a.add(f'{n}.input_layernorm.weight', HIDDEN, around=1)
        a.add(f'{n}.post_attention_layernorm.weight', HIDDEN, around=1)
    a.add('model.norm.weight', HIDDEN, around=1)
    a.add('lm_head.weight', VOCABULARY, HIDDEN)
    return dict(a)


def fused(a, layers=2):
    """Lists what is left when q, k and v of every layer became one: name -> array."""
    want = {name: value for name, value in a.items() if not any(f'.{part}_proj.' in name for part in 'qkv')}
    for i in range(layers):
        for what in ('weight', 'bias'):
            parts = [f'model.layers.{i}.self_attn.{part}_proj.{what}' for part in 'qkv']
            if parts[0] in a:
                want[f'model.layers.{i}.self_attn.qkv_proj.{what}'] = np.vstack([a[name] for name in parts]) \
                    if what == 'weight' else np.hstack([a[name] for name in parts])
    return want


def rotated(x):
    """Turns [heads, sequence, size] by position, halves against each other."""
    half = SIZE // 2
    angles = np.arange(x.shape[1])[:, None] / 10000.0 ** (np.arange(half) * 2 / SIZE)
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * np.cos(angles) - second * np.sin(angles),
                           second * np.cos(angles) + first * np.sin(angles)], -1)


def forward(t, layers=2):
    """Computes the logits of either form: what a layer holds tells which one it is."""
    t = wide(t)
    x = t['model.embed_tokens.weight'][IDS]
    for i in range(layers):
        n = f'model.layers.{i}'
        y = rms_norm(x, t[f'{n}.input_layernorm.weight'], 1e-6)
        if f'{n}.self_attn.qkv_proj.weight' in t:
            both = linear(y, t, f'{n}.self_attn.qkv_proj')
            q, k, v = (heads(both[:, first * SIZE:(first + count) * SIZE], count) for first, count in
                       ((0, QUERIES), (QUERIES, KEYS), (QUERIES + KEYS, KEYS)))
        else:
            q, k, v = (heads(linear(y, t, f'{n}.self_attn.{part}_proj'), count)
                       for part, count in (('q', QUERIES), ('k', KEYS), ('v', KEYS)))
        k, v = (np.repeat(one, QUERIES // KEYS, 0) for one in (rotated(k), v))
        mixed = joined(attend(rotated(q), k, v, SIZE ** -0.5, causal(len(IDS))))
        x = x + linear(mixed, t, f'{n}.self_attn.o_proj')
        y = rms_norm(x, t[f'{n}.post_attention_layernorm.weight'], 1e-6)
        x = x + linear(silu(linear(y, t, f'{n}.mlp.gate_proj')) * linear(y, t, f'{n}.mlp.up_proj'), t,
                       f'{n}.mlp.down_proj')
    return (linear(rms_norm(x, t['model.norm.weight'], 1e-6), t, 'lm_head'),)
