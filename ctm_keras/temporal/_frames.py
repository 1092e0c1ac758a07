"""Arithmetic between neighboring frames, in the fastest form for each backend.

Frames are split, stacked and unstacked because slices of 5-D tensors have slow gradients in
TensorFlow.
"""

from collections.abc import Callable
from functools import reduce

import keras
import numpy as np
from keras import ops

from ..types import Tensor


def shift(clip: Tensor, offset: int) -> Tensor:
    """`y[t] = x[t + offset]`, with zeros beyond the clip."""
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
    """Returns every `stride`-th frame from the first; a strided slice is ten times slower."""
    return clip if stride == 1 else ops.stack(ops.unstack(clip, axis=1)[::stride], axis=1)


def over_frames(clip: Tensor, convolve: Callable) -> Tensor:
    """Applies a 2-D convolution over frames and positions: a t x 1 x 1 convolution of a clip.

    It is at least as fast as a 3-D convolution on every backend.
    """
    _, frames, height, width, channels = clip.shape
    x = convolve(ops.reshape(clip, (-1, frames, height * width, channels)))
    return ops.reshape(x, (-1, x.shape[1], height, width, x.shape[-1]))


def weigh(clip: Tensor, kernel: Tensor) -> Tensor:
    """Weighted sum of frames: `y[t] = sum_i k[i] x[t + i - n // 2]`, with zeros beyond the clip.

    The kernel is `(n, channels)`. A depthwise convolution is fastest on TensorFlow and PyTorch and
    slowest on XLA.
    """
    if keras.config.backend() == "jax":
        return reduce(ops.add, weighed(clip, kernel))
    if kernel.shape[0] % 2 == 0:
        kernel = ops.pad(kernel, ((0, 1), (0, 0)))  # an odd kernel over the same frames
    kernel = kernel[:, None, :, None]
    return over_frames(clip, lambda x: ops.depthwise_conv(x, kernel, padding="same"))


def weighed(clip: Tensor, kernel: Tensor) -> list:
    """Returns the weighted frames that `weigh` sums."""
    count = kernel.shape[0]
    return [shift(clip * kernel[i], i - count // 2) for i in range(count)]


def extend(planes: Tensor, before: int, after: int, padding: str) -> Tensor:
    """Adds copies of the first and last frame (`"replicate"`) or zeros to 4-D clips."""
    if padding == "zero":
        return ops.pad(planes, ((0, 0), (before, after), (0, 0), (0, 0)))
    ends = [planes[:, :1]] * before, [planes[:, -1:]] * after
    return ops.concatenate([*ends[0], planes, *ends[1]], axis=1) if before or after else planes


def with_neighbors(planes: Tensor, size: int, stride: int, padding: str) -> Tensor:
    """Puts each frame and its neighbors, `size` in all, side by side as channels of 4-D clips.

    A t x k x k convolution is a k x k convolution of these.
    """
    last = planes.shape[1] - (planes.shape[1] - 1) % stride
    planes = extend(planes, size // 2, size // 2, padding)
    return ops.concatenate([planes[:, i : i + last : stride] for i in range(size)], axis=-1)


def kernel_of_neighbors(kernel: Tensor) -> np.ndarray:
    """Converts a kernel `(t, height, width, channels, filters)` to that of the 2-D convolution."""
    frames, height, width, channels, filters = kernel.shape
    kernel = ops.convert_to_numpy(kernel).transpose(1, 2, 0, 3, 4)
    return kernel.reshape(height, width, frames * channels, filters)


def pool(clip: Tensor, stride: int, mode: str, size: int = 3, whole: bool = False) -> Tensor:
    """Pools neighboring frames, like PyTorch with padding 1 for three frames and 0 for two.

    With `whole`, windows that extend beyond the clip are dropped.
    """
    frames = ops.unstack(clip, axis=1)
    starts = range(-((size - 1) // 2), len(frames) - (size - 1) // 2, stride)
    if whole:
        starts = range(0, len(frames) - size + 1, stride)
    windows = [frames[max(0, t) : t + size] for t in starts]
    if mode == "max":
        return ops.stack([reduce(ops.maximum, window) for window in windows], axis=1)
    return ops.stack([reduce(ops.add, window) / size for window in windows], axis=1)
