"""How new kernels start."""

from keras import initializers, ops

from .types import Shape, Tensor


def he_fan_out() -> initializers.Initializer:
    """He's normal values by a kernel's outputs, as torchvision and PySlowFast draw them.

    A new one for each layer: an initializer gives all kernels of a shape the same values.
    """
    return initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def he_alike(shape: Shape, dtype: str | None = None) -> Tensor:
    """A depthwise kernel, the same for all channels, of He's normal values by its inputs."""
    height, width, channels, multiplier = shape
    draw = initializers.RandomNormal(stddev=(2 / (height * width)) ** 0.5)
    return ops.tile(draw((height, width, 1, multiplier), dtype=dtype), (1, 1, channels, 1))
