"""Checkpoints with optimizer slots, written by TensorFlow, are converted with operations and led back by the inverse that
`rules invert` writes: every tensor must be there again, bit for bit."""
import json

from support import scratch, tenon

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
RANDOM = np.random.default_rng(20261124)
LAYERS = 3


def build():
    """Makes a graph with the variables of a small transformer, and returns the operation that trains it for one step by Adam."""
    def variable(name, *shape, dtype=tf.float32, partitioner=None):
        return tf1.get_variable(name, shape, dtype, tf1.random_normal_initializer(seed=RANDOM.integers(1 << 30)),
                                partitioner=partitioner)

    total = tf.reduce_sum(tf.convert_to_tensor(variable('m/emb', 10, 4, partitioner=tf1.fixed_size_partitioner(3))) ** 2)
    for i in range(LAYERS):
        width = 6 + 2 * (i == 2)  # the last layer is wider
        for name, shape in [('qkv/kernel', (4, 24)), ('up/kernel', (4, width)), ('gate/kernel', (4, width)), ('conv/kernel', (3, 3, 2, 5)),
                            ('pos', (2, 3, 4)), ('norm/scale', (4,))]:
            total += tf.reduce_sum(variable(f'm/l{i}/{name}', *shape) ** 2)
    for e in range(2, 6):
        total += tf.reduce_sum(variable(f'm/expert{e}/w', 2, 3) ** 2)
    total += tf.reduce_sum(variable('m/heads', 3, 5) ** 2)
    total += tf.cast(tf.reduce_sum(variable('m/half', 6, dtype=tf.float16) ** 2), tf.float32)
    return tf1.train.AdamOptimizer(0.01).minimize(total, tf1.train.get_or_create_global_step())


def save(path):
    """Saves them after that step, so that every slot has values."""
    with tf.Graph().as_default(), tf1.Session() as session:
        train = build()
        session.run(tf1.global_variables_initializer())
        session.run(train)
        tf1.train.Saver().save(session, str(path), write_meta_graph=False)


RULES = '''tenon: 1
vars: {g: 2, d: 3}
defaults: {unmatched: keep}
rules:
  - {match: "m/l{i:int}/qkv/kernel", to: ["h.{i}.q", "h.{i}.k", "h.{i}.v"],
     do: [{transpose: "io->oi"}, {split: {axis: 0, groups: g, sizes: [2*d, d, d]}}]}
  - {match: ["m/l{i:int}/up/kernel", "m/l{i:int}/gate/kernel"], to: "h.{i}.ffn", do: [{transpose: "io->oi"}, {concat: {axis: 0}}]}
  - {match: "m/l{i:int}/conv/kernel", to: "h.{i+1}.conv", do: [{rearrange: "h w c m -> (c m) 1 h w"}]}
  - {match: "m/l{i:int}/pos", to: "h.{i}.pos", do: [{reshape: [-1, 4]}]}
  - {match: "m/l{i:int}/norm/scale", to: "h.{i}.norm"}
  - {match: "m/expert{e:int}/w", to: experts, do: [{stack: {over: e, axis: 1}}]}
  - {match: "m/heads", to: "heads.{e+1}", do: [{unstack: {over: e, axis: 0}}]}
  - {match: "m/half", to: half, do: [{cast: f32}]}
  - {match: "m/emb", to: emb, do: [{unpartition: {}}, {transpose: "ab->ba"}]}
'''


def tensors(path):
    reader = tf.train.load_checkpoint(str(path))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_there_and_back():
    """Every operation that moves elements, layers of unlike shapes, a partitioned variable, and all slots."""
    with scratch() as folder:
        save(folder / 'a.ckpt')
        (folder / 'r.yaml').write_text(RULES)
        tenon('-q', 'convert', folder / 'a.ckpt', folder / 'm.safetensors', '--rules', folder / 'r.yaml')
        tenon('-q', 'rules', 'invert', folder / 'r.yaml', folder / 'a.ckpt', '-o', folder / 'back.yaml')
        tenon('-q', 'convert', folder / 'm.safetensors', folder / 'b.ckpt', '--rules', folder / 'back.yaml')
        was, now = tensors(folder / 'a.ckpt'), tensors(folder / 'b.ckpt')
        assert was.keys() == now.keys(), was.keys() ^ now.keys()
        assert sum(name.endswith('/Adam_1') for name in was) == 6 * LAYERS + 4 + 3
        for name, wanted in was.items():
            assert now[name].dtype == wanted.dtype and now[name].shape == wanted.shape, name
            assert now[name].tobytes() == wanted.tobytes(), name
        # The partitioned variable is cut as it was, and TensorFlow restores all into the graph that it was saved from.
        assert '{partition: {axis: 0, sizes: [4, 3, 3]}}' in (folder / 'back.yaml').read_text()
        with tf.Graph().as_default(), tf1.Session() as session:
            build()
            tf1.train.Saver().restore(session, str(folder / 'b.ckpt'))
            parts = [session.run(v) for v in tf1.global_variables() if v.op.name.startswith('m/emb/part_') and 'Adam' not in v.op.name]
            assert (np.concatenate(parts) == was['m/emb']).all() and len(parts) == 3


def test_values_do_not_come_back():
    """A cast that rounds has no inverse: exit 1, the rule and the tensor by name, and no file."""
    with scratch() as folder:
        save(folder / 'a.ckpt')
        (folder / 'r.yaml').write_text(RULES.replace('{cast: f32}', '{cast: bf16}'))
        tenon('-q', 'rules', 'invert', folder / 'r.yaml', folder / 'a.ckpt', '-o', folder / 'back.yaml', code=1)
        assert not (folder / 'back.yaml').exists()
        findings = json.loads(tenon('rules', 'test', '--json', folder / 'r.yaml', folder / 'a.ckpt', code=1))['findings']
        assert [one['message'] for one in findings if one['severity'] == 'error'] == \
            ['m/half: rule 8 cannot be led back: it casts f16→bf16: names invertible, values not'], findings


if __name__ == '__main__':
    import support
    support.main(globals())
