"""Shared parts of the backbones in torchvision's layout."""

from keras import layers

from ..types import Tensor


def refuse_weights(name: str, weights: str | None, include_top: bool, file: str) -> None:
    """Raises ValueError if weights or a top are requested.

    Args:
        name: Name of the backbone.
        weights: Argument of `keras.applications`; must be None.
        include_top: Argument of `keras.applications`; must be False.
        file: Name of torchvision's file of weights.
    """
    if weights is not None or include_top:
        raise ValueError(
            f"{name} has no ImageNet weights to download and no top, received weights={weights!r}, "
            f"include_top={include_top}. Convert torchvision's weights once with `ctm "
            f"import-weights {file} --to {name}.keras` and pass that file as weights, or use "
            "weights=None (--weights none)."
        )


def conv_bn(
    x: Tensor,
    channels: int,
    size: int,
    strides: int,
    name: str,
    epsilon: float,
    initializer: str,
) -> Tensor:
    """A convolution without bias, padded with size // 2 zeros on every side, and a batch norm.

    Keras' "same" pads strided convolutions asymmetrically.
    """
    padding = "same"
    if strides > 1 and size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
        padding = "valid"
    x = layers.Conv2D(
        channels,
        size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer=initializer,
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(epsilon=epsilon, name=f"{name}_bn")(x)
