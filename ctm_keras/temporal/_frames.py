"""Arithmetic between neighboring frames, in the form that is fast on each backend.

Slices of five axes have a slow gradient in TensorFlow: frames are split, stacked and unstacked.
"""

from collections.abc import Callable
from functools import reduce

import keras
from keras import ops

from ..types import Tensor


def shift(clip: Tensor, offset: int) -> Tensor:
    """`y[t] = x[t + offset]`; beyond the clip there are zeros."""
    frames = clip.shape[1]
    if offset == 0:
        return clip
    if abs(offset) >= frames:
        return ops.zeros_like(clip)
    head, tail = ops.split(clip, [offset % frames], axis=1)
    if offset > 0:
        return ops.concatenate([tail, ops.zeros_like(head)], axis=1)
    return ops.concatenate([ops.zeros_like(tail), head], axis=1)


def every(clip: Tensor, stride: int) -> Tensor:
    """Every `stride`-th frame, from the first; a slice with a step is ten times slower."""
    return clip if stride == 1 else ops.stack(ops.unstack(clip, axis=1)[::stride], axis=1)


def over_frames(clip: Tensor, convolve: Callable) -> Tensor:
    """What a 2-D convolution gives over frames and positions: one of t x 1 x 1 over a clip.

    No backend does that slower than a convolution in 3-D.
    """
    _, frames, height, width, channels = clip.shape
    x = convolve(ops.reshape(clip, (-1, frames, height * width, channels)))
    return ops.reshape(x, (-1, x.shape[1], height, width, x.shape[-1]))


def weigh(clip: Tensor, kernel: Tensor) -> Tensor:
    """A kernel `(n, channels)` over frames: `y[t] = sum_i k[i] x[t + i - n // 2]`, zeros beyond.

    This is a depthwise convolution, which TensorFlow and PyTorch do best and XLA worst.
    """
    if keras.config.backend() == "jax":
        return reduce(ops.add, weighed(clip, kernel))
    if kernel.shape[0] % 2 == 0:
        kernel = ops.pad(kernel, ((0, 1), (0, 0)))  # the same frames as the odd kernel's
    kernel = kernel[:, None, :, None]
    return over_frames(clip, lambda x: ops.depthwise_conv(x, kernel, padding="same"))


def weighed(clip: Tensor, kernel: Tensor) -> list:
    """The summands of `weigh`."""
    count = kernel.shape[0]
    return [shift(clip * kernel[i], i - count // 2) for i in range(count)]


def pool(clip: Tensor, stride: int, mode: str, size: int = 3, whole: bool = False) -> Tensor:
    """Pools neighboring frames: three as a layer with padding 1 does in PyTorch, two without.

    With `whole`, only windows within the clip count: two frames make one at a stride of 1.
    """
    frames = ops.unstack(clip, axis=1)
    starts = range(-((size - 1) // 2), len(frames) - (size - 1) // 2, stride)
    if whole:
        starts = range(0, len(frames) - size + 1, stride)
    windows = [frames[max(0, t) : t + size] for t in starts]
    if mode == "max":
        return ops.stack([reduce(ops.maximum, window) for window in windows], axis=1)
    return ops.stack([reduce(ops.add, window) / size for window in windows], axis=1)
