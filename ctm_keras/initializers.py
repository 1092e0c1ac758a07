"""How new kernels start."""

from keras import initializers


def he_fan_out() -> initializers.Initializer:
    """He's normal values by a kernel's outputs, as torchvision and PySlowFast draw them.

    A new one for each layer: an initializer gives all kernels of a shape the same values.
    """
    return initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
