"""Writes checkpoints with TensorFlow and Keras, and lets tenon make of them what transformers and torchvision load.

    make_models.py PROGRAM FOLDER

Each folder in FOLDER is then one model: model.safetensors, config.json for from_pretrained, and logits.npz, which were
computed from the source by its own maths.
"""
import json
import sys

import numpy as np
import support
from models import bert, checkpoint, gpt2, llama, resnet50, t5
from safetensors.numpy import save_file
from support import convert

LAYERS = 3
PHI3 = '''tenon: 1
about: what Phi-3 fuses beside q, k and v
defaults: {unmatched: keep}
rules:
  - match: ["model.layers.{i:int}.mlp.gate_proj.weight", "model.layers.{i:int}.mlp.up_proj.weight"]
    to: "model.layers.{i}.mlp.gate_up_proj.weight"
    do: [{concat: {axis: 0}}]
'''


def model(root, name, logits, config=None):
    """Makes a model's folder."""
    folder = root / name
    folder.mkdir()
    np.savez(folder / 'logits.npz', *logits)
    if config is not None:
        (folder / 'config.json').write_text(json.dumps(config, indent=1))
    return folder


def transformers_models(root):
    arrays = bert.arrays(LAYERS)
    source = checkpoint.save(root / 'bert.ckpt', arrays, checkpoint.bert_slots(arrays))
    folder = model(root, 'bert', bert.source_forward(arrays, LAYERS), bert.config(LAYERS))
    convert(source, folder / 'model.safetensors', '--rules', 'preset:bert/tf1-to-hf')

    arrays = gpt2.arrays(LAYERS)
    source = checkpoint.save(root / 'gpt2.ckpt', arrays, minimize=True)
    folder = model(root, 'gpt2', gpt2.source_forward(arrays, LAYERS), gpt2.config(LAYERS))
    convert(source, folder / 'model.safetensors', '--rules', 'preset:gpt2/tf1-to-hf')

    for kind in t5.KINDS:
        arrays = t5.arrays(LAYERS, kind)
        source = checkpoint.save(root / f't5-{kind}.ckpt', arrays, checkpoint.adafactor_slots(arrays))
        folder = model(root, f't5-{kind}', t5.source_forward(arrays, LAYERS, kind), t5.config(LAYERS, kind))
        convert(source, folder / 'model.safetensors', '--rules', 'preset:t5/mesh-to-hf')


def llama_models(root):
    """Llama by way of the fused form and back, and the fused form as Phi-3, which has no other weights."""
    arrays = llama.arrays(LAYERS)
    save_file(arrays, root / 'apart.safetensors')
    convert(root / 'apart.safetensors', root / 'fused.safetensors', '--rules', 'preset:llama/fuse-qkv')
    folder = model(root, 'llama', llama.forward(arrays, LAYERS), llama.config(LAYERS))
    convert(root / 'fused.safetensors', folder / 'model.safetensors', '--rules', 'preset:llama/split-qkv')
    config = llama.config(LAYERS) | {'model_type': 'phi3', 'architectures': ['Phi3ForCausalLM']}
    folder = model(root, 'phi3', llama.forward(arrays, LAYERS), config)
    (root / 'phi3.yaml').write_text(PHI3)
    convert(root / 'fused.safetensors', folder / 'model.safetensors', '--rules', root / 'phi3.yaml')


def torchvision_model(root):
    """ResNet50 of keras.applications in its full size."""
    import keras
    network = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=1000,
                                          classifier_activation=None)
    arrays = resnet50.arrays(width=64, classes=1000, first=64)
    for layer in network.layers:
        for weight in layer.weights:
            weight.assign(arrays[f'{layer.name}/{weight.name}'])
    network.save(root / 'resnet50.h5')
    picture = resnet50.image()
    folder = model(root, 'resnet50', [resnet50.source_forward(arrays, picture),
                                      network.predict(picture[None].astype(np.float32), verbose=0)[0]])
    np.save(folder / 'picture.npy', picture)
    convert(root / 'resnet50.h5', folder / 'model.safetensors', '--rules', 'preset:resnet50/keras-to-torchvision')


if __name__ == '__main__':
    support.PROGRAM = str(support.pathlib.Path(sys.argv[1]).resolve())
    target = support.pathlib.Path(sys.argv[2])
    transformers_models(target)
    llama_models(target)
    torchvision_model(target)
