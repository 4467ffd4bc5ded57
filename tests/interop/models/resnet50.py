"""ResNet50 as keras.applications calls and computes it, and as torchvision's resnet50 does, at any width."""
import numpy as np

from models.maths import Arrays, wide

BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}


def arrays(width=4, classes=5, first=8, seed=7):
    """Makes the weights of a network with `first` channels behind the first convolution and `width` inside the first
    blocks; keras.applications has 64 and 64."""
    a = Arrays(seed)

    def conv(name, size, inner, outer):
        a.add(f'{name}_conv/kernel', size, size, inner, outer)
        a[f'{name}_conv/kernel'] /= np.float32(size * inner ** 0.5)
        a.add(f'{name}_conv/bias', outer)
        for weight in ('gamma', 'beta', 'moving_mean', 'moving_variance'):
            a.add(f'{name}_bn/{weight}', outer, around=float(weight in ('gamma', 'moving_variance')))
        a[f'{name}_bn/moving_variance'] = np.abs(a[f'{name}_bn/moving_variance']) * np.float32(0.09)
        if name.endswith('_3'):
            a[f'{name}_bn/gamma'] *= np.float32(0.3)  # so that the logits stay small through sixteen sums

    conv('conv1', 7, 3, first)
    inner = first
    for stage, blocks in BLOCKS.items():
        middle = width * 2 ** (stage - 2)
        for block in range(1, blocks + 1):
            name = f'conv{stage}_block{block}'
            if block == 1:
                conv(f'{name}_0', 1, inner, 4 * middle)
            conv(f'{name}_1', 1, inner, middle)
            conv(f'{name}_2', 3, middle, middle)
            conv(f'{name}_3', 1, middle, 4 * middle)
            inner = 4 * middle
    a.add('predictions/kernel', inner, classes)
    a.add('predictions/bias', classes)
    return dict(a)


def image(size=64, seed=8):
    """Makes the picture that both sides look at: [height, width, channels]."""
    return np.random.default_rng(seed).standard_normal((size, size, 3)) * 2


def expected(a):
    """Lists torchvision's state_dict: name -> array, computed in float64 where values change, rounded once."""
    want = {'fc.weight': a['predictions/kernel'].T, 'fc.bias': a['predictions/bias']}

    def move(old, conv, norm):
        want[f'{conv}.weight'] = a[f'{old}_conv/kernel'].transpose(3, 2, 0, 1)
        want[f'{norm}.weight'], want[f'{norm}.bias'] = a[f'{old}_bn/gamma'], a[f'{old}_bn/beta']
        mean, bias, variance = (a[f'{old}_{name}'].astype(np.float64)
                                for name in ('bn/moving_mean', 'conv/bias', 'bn/moving_variance'))
        want[f'{norm}.running_mean'] = (mean - bias).astype(np.float32)
        want[f'{norm}.running_var'] = (variance + 1e-8).astype(np.float32)
        want[f'{norm}.num_batches_tracked'] = np.array(0, np.int64)

    move('conv1', 'conv1', 'bn1')
    for stage, blocks in BLOCKS.items():
        for block in range(blocks):
            old, new = f'conv{stage}_block{block + 1}', f'layer{stage - 1}.{block}'
            if block == 0:
                move(f'{old}_0', f'{new}.downsample.0', f'{new}.downsample.1')
            for k in (1, 2, 3):
                move(f'{old}_{k}', f'{new}.conv{k}', f'{new}.bn{k}')
    return want


def windows(x, size, stride):
    """Views [height, width, channels] as [rows, columns, channels, size, size]."""
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), (0, 1))[::stride, ::stride]


def padded(x, border, value=0.0):
    return np.pad(x, ((border, border), (border, border), (0, 0)), constant_values=value)


def source_forward(a, picture):
    """Computes the logits (before the softmax) by Keras' names and maths: ResNet v1."""
    a = wide(a)

    def unit(x, name, stride=1):
        kernel = a[f'{name}_conv/kernel']
        x = np.einsum('hwcij,ijco->hwo', windows(x, kernel.shape[0], stride), kernel, optimize=True)
        x = x + a[f'{name}_conv/bias']
        x = (x - a[f'{name}_bn/moving_mean']) / np.sqrt(a[f'{name}_bn/moving_variance'] + 1.001e-5)
        return x * a[f'{name}_bn/gamma'] + a[f'{name}_bn/beta']

    x = np.maximum(unit(padded(picture, 3), 'conv1', 2), 0)
    x = windows(padded(x, 1), 3, 2).max((-1, -2))
    for stage, blocks in BLOCKS.items():
        for block in range(1, blocks + 1):
            name, stride = f'conv{stage}_block{block}', 2 if block == 1 and stage > 2 else 1
            shortcut = unit(x, f'{name}_0', stride) if block == 1 else x
            x = np.maximum(unit(x, f'{name}_1', stride), 0)
            x = np.maximum(unit(padded(x, 1), f'{name}_2'), 0)
            x = np.maximum(unit(x, f'{name}_3') + shortcut, 0)
    return x.mean((0, 1)) @ a['predictions/kernel'] + a['predictions/bias']


def target_forward(t, picture, moved=True):
    """Computes the same by torchvision's names and layouts; without `moved`, with torchvision's own strides: v1.5."""
    t = wide(t)

    def unit(x, conv, norm, stride=1):
        weight = t[f'{conv}.weight']
        x = np.einsum('hwcij,ocij->hwo', windows(x, weight.shape[-1], stride), weight, optimize=True)
        scale = t[f'{norm}.weight'] / np.sqrt(t[f'{norm}.running_var'] + 1e-5)
        return x * scale + (t[f'{norm}.bias'] - t[f'{norm}.running_mean'] * scale)

    x = np.maximum(unit(padded(picture, 3), 'conv1', 'bn1', 2), 0)
    x = windows(padded(x, 1, -np.inf), 3, 2).max((-1, -2))
    for stage, blocks in BLOCKS.items():
        for block in range(blocks):
            name, stride = f'layer{stage - 1}.{block}', 2 if block == 0 and stage > 2 else 1
            first, second = (stride, 1) if moved else (1, stride)
            shortcut = unit(x, f'{name}.downsample.0', f'{name}.downsample.1', stride) if block == 0 else x
            x = np.maximum(unit(x, f'{name}.conv1', f'{name}.bn1', first), 0)
            x = np.maximum(unit(padded(x, 1), f'{name}.conv2', f'{name}.bn2', second), 0)
            x = np.maximum(unit(x, f'{name}.conv3', f'{name}.bn3') + shortcut, 0)
    return t['fc.weight'] @ x.mean((0, 1)) + t['fc.bias']
