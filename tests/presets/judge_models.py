"""Loads what make_models.py left with transformers and torchvision, and compares names and logits.

    judge_models.py FOLDER
"""
import pathlib
import platform
import sys

import numpy as np
import torch
import torchvision
import transformers
from models import bert, gpt2, llama, t5
from safetensors.torch import load_file

TOLERANCE = 1e-5
FAILED = []


def demand(holds, what):
    print(f'    {"ok " if holds else "NOT"} {what}')
    if not holds:
        FAILED.append(what)


def largest(got, want):
    return max(np.abs(one.double().numpy() - other).max() for one, other in zip(got, want, strict=True))


def judge(folder, kind, tied, run):
    """Loads a model by from_pretrained; `run` gives its logits."""
    print(f'{folder.name}: {kind.__name__}')
    want = list(np.load(folder / 'logits.npz').values())
    network, info = kind.from_pretrained(folder, output_loading_info=True)
    network.eval()
    lists = {name: sorted(info[name]) for name in ('missing_keys', 'unexpected_keys', 'mismatched_keys')}
    found = ', '.join(f'{name} {names}' for name, names in lists.items() if names)
    demand(not found, f'from_pretrained reports {found or "nothing missing, unexpected or mismatched"}')
    inside, stored = set(network.state_dict()), set(load_file(folder / 'model.safetensors'))
    demand(inside - stored == set(tied) and not stored - inside,
           f'{len(stored)} tensors; state_dict also has {sorted(inside - stored)}')
    with torch.no_grad():
        single = largest(run(network), want)
        double = largest(run(network.double()), want)
    demand(single <= TOLERANCE, f'logits up to {max(np.abs(one).max() for one in want):.3g}, '
                                f'they differ by {single:.1e} in float32, {double:.1e} in float64')


def ids(array):
    return torch.from_numpy(np.asarray(array))[None]


def run_bert(network):
    out = network(input_ids=ids(bert.IDS), token_type_ids=ids(bert.KINDS), attention_mask=ids(bert.SEEN))
    return out.prediction_logits[0], out.seq_relationship_logits


def judge_transformers(root):
    judge(root / 'bert', transformers.BertForPreTraining, bert.TIED, run_bert)
    judge(root / 'gpt2', transformers.GPT2LMHeadModel, gpt2.TIED,
          lambda network: network(input_ids=ids(gpt2.IDS)).logits)
    for kind in t5.KINDS:
        tied = list(t5.TIED) + (['lm_head.weight'] if kind == '1.0' else [])
        judge(root / f't5-{kind}', transformers.T5ForConditionalGeneration, tied,
              lambda network: network(input_ids=ids(t5.IDS), decoder_input_ids=ids(t5.GIVEN)).logits)
    for name, kind in (('llama', transformers.LlamaForCausalLM), ('phi3', transformers.Phi3ForCausalLM)):
        judge(root / name, kind, [], lambda network: network(input_ids=ids(llama.IDS)).logits)


def judge_torchvision(root):
    print('resnet50: torchvision.models.resnet50')
    network = torchvision.models.resnet50()
    network.load_state_dict(load_file(root / 'resnet50' / 'model.safetensors'), strict=True)
    network.eval()
    print('    ok  load_state_dict(strict=True)')
    picture = torch.from_numpy(np.load(root / 'resnet50' / 'picture.npy')).permute(2, 0, 1)[None]
    maths, keras = np.load(root / 'resnet50' / 'logits.npz').values()
    scale = np.abs(maths).max()
    with torch.no_grad():
        unmoved = largest([network.double()(picture)[0]], [maths]) / scale
        for layer in (network.layer2, network.layer3, network.layer4):
            layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
        moved = largest([network(picture)[0]], [maths]) / scale
        single = largest([network.float()(picture.float())[0]], [keras.astype(np.float64)]) / scale
    demand(moved <= TOLERANCE, f'logits up to {scale:.3g}; with the strides moved they differ by {moved:.1e} of that in '
                               f'float64, from what Keras predicts by {single:.1e} in float32')
    demand(unmoved > 0.01, f'with the strides as torchvision has them, by {unmoved:.1e}: another function')


if __name__ == '__main__':
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder = pathlib.Path(sys.argv[1])
    print(f'Python {platform.python_version()}, torch {torch.__version__}, torchvision {torchvision.__version__}, '
          f'transformers {transformers.__version__}')
    judge_transformers(folder)
    judge_torchvision(folder)
    print(f'{len(FAILED)} demands failed')
    sys.exit(1 if FAILED else 0)
