"""Initializers of kernels."""

from keras import initializers, ops

from .types import Shape, Tensor


def he_fan_out() -> initializers.Initializer:
    """Returns a He normal initializer with fan-out, as in torchvision and PySlowFast.

    Each layer needs its own: an initializer gives all kernels of one shape the same values.
    """
    return initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def he_alike(shape: Shape, dtype: str | None = None) -> Tensor:
    """Returns a He normal depthwise kernel that is the same for all channels."""
    height, width, channels, multiplier = shape
    draw = initializers.RandomNormal(stddev=(2 / (height * width)) ** 0.5)
    return ops.tile(draw((height, width, 1, multiplier), dtype=dtype), (1, 1, channels, 1))
