"""Parts that the torchvision-like backbones share."""

from keras import layers

from ..types import Tensor


def refuse_weights(name: str, weights: str | None, include_top: bool, file: str) -> None:
    """Raises ValueError for what these backbones do not have.

    Args:
        name: Name of the backbone.
        weights: Weights as `keras.applications` takes them; only None is possible.
        include_top: Flag of `keras.applications`; only False is possible.
        file: Torchvision's file that holds its weights.
    """
    if weights is not None or include_top:
        raise ValueError(
            f"{name} has no ImageNet weights to download and no top: convert torchvision's once, "
            f"`ctm import-weights {file} --to {name}.keras`, and pass that file as weights, or "
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
    """A convolution without bias, with size // 2 zeros on every side, and its batch norm.

    Keras' "same" pads a strided convolution on one side more than on the other.
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
