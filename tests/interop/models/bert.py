"""BERT as Google's TensorFlow 1 code calls and computes it, and as Hugging Face's BertForPreTraining does."""
import numpy as np

from models.maths import Arrays, attend, gelu_tanh, heads, joined, layer_norm, linear, wide

VOCABULARY, POSITIONS, TYPES, HIDDEN, HEADS, INNER = 11, 12, 2, 8, 2, 20
TIED = {'cls.predictions.decoder.weight': 'bert.embeddings.word_embeddings.weight',
        'cls.predictions.decoder.bias': 'cls.predictions.bias'}
IDS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 0, 0])
KINDS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
SEEN = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0, 0])


def config(layers):
    """What Hugging Face's config.json says of it."""
    return {'model_type': 'bert', 'architectures': ['BertForPreTraining'], 'vocab_size': VOCABULARY,
            'hidden_size': HIDDEN, 'num_hidden_layers': layers, 'num_attention_heads': HEADS,
            'intermediate_size': INNER, 'hidden_act': 'gelu_new', 'max_position_embeddings': POSITIONS,
            'type_vocab_size': TYPES, 'layer_norm_eps': 1e-12}


def arrays(layers=2, seed=1):
    """Makes the variables, in the order of modeling.py and run_pretraining.py of google-research/bert."""
    a = Arrays(seed)

    def norm(scope):
        a.add(f'{scope}/LayerNorm/beta', HIDDEN)
        a.add(f'{scope}/LayerNorm/gamma', HIDDEN, around=1)

    def dense(scope, inner, outer):
        a.add(f'{scope}/kernel', inner, outer)
        a.add(f'{scope}/bias', outer)

    a.add('bert/embeddings/word_embeddings', VOCABULARY, HIDDEN)
    a.add('bert/embeddings/token_type_embeddings', TYPES, HIDDEN)
    a.add('bert/embeddings/position_embeddings', POSITIONS, HIDDEN)
    norm('bert/embeddings')
    for i in range(layers):
        layer = f'bert/encoder/layer_{i}'
        for part in ('query', 'key', 'value'):
            dense(f'{layer}/attention/self/{part}', HIDDEN, HIDDEN)
        dense(f'{layer}/attention/output/dense', HIDDEN, HIDDEN)
        norm(f'{layer}/attention/output')
        dense(f'{layer}/intermediate/dense', HIDDEN, INNER)
        dense(f'{layer}/output/dense', INNER, HIDDEN)
        norm(f'{layer}/output')
    dense('bert/pooler/dense', HIDDEN, HIDDEN)
    dense('cls/predictions/transform/dense', HIDDEN, HIDDEN)
    norm('cls/predictions/transform')
    a.add('cls/predictions/output_bias', VOCABULARY)
    a.add('cls/seq_relationship/output_weights', 2, HIDDEN)
    a.add('cls/seq_relationship/output_bias', 2)
    return dict(a)


def expected(a, layers=2):
    """Lists what a file for from_pretrained holds: name -> array."""
    e = 'bert.embeddings'
    want = {f'{e}.word_embeddings.weight': a['bert/embeddings/word_embeddings'],
            f'{e}.position_embeddings.weight': a['bert/embeddings/position_embeddings'],
            f'{e}.token_type_embeddings.weight': a['bert/embeddings/token_type_embeddings'],
            f'{e}.LayerNorm.weight': a['bert/embeddings/LayerNorm/gamma'],
            f'{e}.LayerNorm.bias': a['bert/embeddings/LayerNorm/beta'],
            'bert.pooler.dense.weight': a['bert/pooler/dense/kernel'].T,
            'bert.pooler.dense.bias': a['bert/pooler/dense/bias'],
            'cls.predictions.bias': a['cls/predictions/output_bias'],
            'cls.predictions.transform.dense.weight': a['cls/predictions/transform/dense/kernel'].T,
            'cls.predictions.transform.dense.bias': a['cls/predictions/transform/dense/bias'],
            'cls.predictions.transform.LayerNorm.weight': a['cls/predictions/transform/LayerNorm/gamma'],
            'cls.predictions.transform.LayerNorm.bias': a['cls/predictions/transform/LayerNorm/beta'],
            'cls.seq_relationship.weight': a['cls/seq_relationship/output_weights'],
            'cls.seq_relationship.bias': a['cls/seq_relationship/output_bias']}
    for i in range(layers):
        new, old = f'bert.encoder.layer.{i}', f'bert/encoder/layer_{i}'
        for name, scope in (('attention.self.query', 'attention/self/query'),
                            ('attention.self.key', 'attention/self/key'),
                            ('attention.self.value', 'attention/self/value'),
                            ('attention.output.dense', 'attention/output/dense'),
                            ('intermediate.dense', 'intermediate/dense'), ('output.dense', 'output/dense')):
            want[f'{new}.{name}.weight'] = a[f'{old}/{scope}/kernel'].T
            want[f'{new}.{name}.bias'] = a[f'{old}/{scope}/bias']
        for name, scope in (('attention.output.LayerNorm', 'attention/output/LayerNorm'),
                            ('output.LayerNorm', 'output/LayerNorm')):
            want[f'{new}.{name}.weight'] = a[f'{old}/{scope}/gamma']
            want[f'{new}.{name}.bias'] = a[f'{old}/{scope}/beta']
    return want


def source_forward(a, layers=2):
    """Computes the logits (of tokens, of the next sentence) by the source's names and maths."""
    a = wide(a)

    def dense(x, scope):
        return np.einsum('si,io->so', x, a[f'{scope}/kernel']) + a[f'{scope}/bias']

    def norm(x, scope):
        return layer_norm(x, a[f'{scope}/LayerNorm/gamma'], a[f'{scope}/LayerNorm/beta'], 1e-12)

    e = 'bert/embeddings'
    x = a[f'{e}/word_embeddings'][IDS] + a[f'{e}/token_type_embeddings'][KINDS]
    x = norm(x + a[f'{e}/position_embeddings'][:len(IDS)], e)
    adder = (1 - SEEN) * -10000.0
    for i in range(layers):
        s = f'bert/encoder/layer_{i}'
        mixed = np.zeros_like(x)
        size = HIDDEN // HEADS
        q, k, v = (dense(x, f'{s}/attention/self/{part}') for part in ('query', 'key', 'value'))
        for h in range(HEADS):
            part = slice(h * size, (h + 1) * size)
            scores = q[:, part] @ k[:, part].T / np.sqrt(size) + adder
            weights = np.exp(scores - scores.max(1, keepdims=True))
            mixed[:, part] = weights / weights.sum(1, keepdims=True) @ v[:, part]
        x = norm(x + dense(mixed, f'{s}/attention/output/dense'), f'{s}/attention/output')
        inner = gelu_tanh(dense(x, f'{s}/intermediate/dense'))
        x = norm(x + dense(inner, f'{s}/output/dense'), f'{s}/output')
    pooled = np.tanh(dense(x[:1], 'bert/pooler/dense'))
    t = norm(gelu_tanh(dense(x, 'cls/predictions/transform/dense')), 'cls/predictions/transform')
    tokens = t @ a[f'{e}/word_embeddings'].T + a['cls/predictions/output_bias']
    following = pooled @ a['cls/seq_relationship/output_weights'].T + a['cls/seq_relationship/output_bias']
    return tokens, following


def target_forward(t, layers=2):
    """Computes the same by the target's names and layouts."""
    t = wide(t)

    def norm(x, name):
        return layer_norm(x, t[f'{name}.weight'], t[f'{name}.bias'], 1e-12)

    e = 'bert.embeddings'
    x = t[f'{e}.word_embeddings.weight'][IDS] + t[f'{e}.position_embeddings.weight'][np.arange(len(IDS))]
    x = norm(x + t[f'{e}.token_type_embeddings.weight'][KINDS], f'{e}.LayerNorm')
    hidden = np.where(SEEN == 1, 0.0, -np.inf)
    for i in range(layers):
        n = f'bert.encoder.layer.{i}'
        q, k, v = (heads(linear(x, t, f'{n}.attention.self.{part}'), HEADS) for part in ('query', 'key', 'value'))
        mixed = joined(attend(q, k, v, (HIDDEN // HEADS) ** -0.5, hidden))
        x = norm(linear(mixed, t, f'{n}.attention.output.dense') + x, f'{n}.attention.output.LayerNorm')
        inner = gelu_tanh(linear(x, t, f'{n}.intermediate.dense'))
        x = norm(linear(inner, t, f'{n}.output.dense') + x, f'{n}.output.LayerNorm')
    pooled = np.tanh(linear(x[0], t, 'bert.pooler.dense'))
    y = gelu_tanh(linear(x, t, 'cls.predictions.transform.dense'))
    y = norm(y, 'cls.predictions.transform.LayerNorm')
    tokens = y @ t[f'{e}.word_embeddings.weight'].T + t['cls.predictions.bias']
    return tokens, linear(pooled, t, 'cls.seq_relationship')[None]
