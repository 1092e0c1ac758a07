"""Inception-V1 (GoogLeNet) with batch norm in torchvision's layout."""

import keras
from keras import initializers, layers

from ..types import Tensor
from ._parts import conv_bn, refuse_weights

# Channels of the branches: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 3 x 3; 1 x 1 after the pooling.
BLOCKS = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}


def Inception_V1(  # noqa: N802
    weights: str | None = None,
    include_top: bool = False,
    input_shape: tuple[int, int, int] = (224, 224, 3),
) -> keras.Model:
    """Inception-V1 with batch norm; the third branch has 3 x 3 kernels, as in torchvision.

    Args:
        weights: Must be None. `ctm import-weights` converts torchvision's weights.
        include_top: Must be False.
        input_shape: `(height, width, 3)`.

    Raises:
        ValueError: If weights or a top are requested.

    Reference:
        Szegedy et al., Going Deeper with Convolutions, CVPR 2015.
    """
    refuse_weights("inception_v1", weights, include_top, "googlenet.pth")
    image = keras.Input(input_shape, name="image")
    x = _pool(_conv(image, 64, 7, "conv1", strides=2), 3, "pool1")
    x = _conv(_conv(x, 64, 1, "conv2"), 192, 3, "conv3")
    x = _pool(x, 3, "pool2")
    for name, channels in BLOCKS.items():
        if name in ("4a", "5a"):
            x = _pool(x, 3, "pool3") if name == "4a" else _pool(x, 2, "pool4")
        x = _inception(x, *channels, f"inception{name}")
    return keras.Model(image, x, name="inception_v1")


def _inception(
    x: Tensor, first: int, second: tuple[int, int], third: tuple[int, int], fourth: int, name: str
) -> Tensor:
    """An Inception block: four parallel branches."""
    pooled = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_branch4_pool")(x)
    branches = [
        _conv(x, first, 1, f"{name}_branch1"),
        _reduced_conv(x, *second, f"{name}_branch2"),
        _reduced_conv(x, *third, f"{name}_branch3"),
        _conv(pooled, fourth, 1, f"{name}_branch4_1"),
    ]
    return layers.Concatenate(name=f"{name}_out")(branches)


def _reduced_conv(x: Tensor, reduced: int, channels: int, name: str) -> Tensor:
    return _conv(_conv(x, reduced, 1, f"{name}_0"), channels, 3, f"{name}_1")


def _conv(x: Tensor, channels: int, size: int, name: str, strides: int = 1) -> Tensor:
    start = initializers.TruncatedNormal(stddev=0.01)
    x = conv_bn(x, channels, size, strides, name, epsilon=1e-3, initializer=start)
    return layers.ReLU(name=f"{name}_relu")(x)


def _pool(x: Tensor, size: int, name: str) -> Tensor:
    """Max pooling with stride 2; windows start at the first pixel and may extend past the last.

    Keras' "same" does the same unless size and maps are odd, where it starts before the first.
    """
    padding = "valid" if size % 2 and x.shape[1] % 2 else "same"
    return layers.MaxPooling2D(size, 2, padding=padding, name=name)(x)
