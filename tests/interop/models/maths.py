"""What the forward passes share, in float64."""
import numpy as np


def wide(arrays):
    """Returns arrays in the precision that the forward passes compute in."""
    return {name: np.asarray(value, np.float64) for name, value in arrays.items()}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


def silu(x):
    return x / (1 + np.exp(-x))


def layer_norm(x, scale, shift, epsilon):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + epsilon) * scale + shift


def rms_norm(x, scale, epsilon):
    return x / np.sqrt((x ** 2).mean(-1, keepdims=True) + epsilon) * scale


def linear(x, tensors, name):
    """Applies a layer as PyTorch keeps it: weight [out, in], bias [out] or none."""
    y = x @ tensors[f'{name}.weight'].T
    return y + tensors[f'{name}.bias'] if f'{name}.bias' in tensors else y


def heads(x, count):
    """Parts [sequence, count * size] into [count, sequence, size]."""
    return x.reshape(x.shape[0], count, -1).transpose(1, 0, 2)


def joined(x):
    """The reverse of heads."""
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def attend(q, k, v, scale=1.0, bias=0.0):
    """Attention of [heads, sequence, size] arrays."""
    return softmax(q @ k.transpose(0, 2, 1) * scale + bias) @ v


def causal(length):
    """What hides later positions."""
    return np.triu(np.full((length, length), -np.inf), 1)


class Arrays(dict):
    """Random float32 arrays under names. Every element is another one, so that a wrong order cannot pass."""

    def __init__(self, seed):
        super().__init__()
        self.random = np.random.default_rng(seed)

    def add(self, name, *shape, around=0.0):
        self[name] = (around + 0.3 * self.random.standard_normal(shape)).astype(np.float32)
