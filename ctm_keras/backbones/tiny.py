"""A small residual network for tests, tutorials and CPUs."""

import keras
from keras import layers

from ..types import Tensor

CHANNELS = (16, 32, 64)
BLOCKS = (1, 1, 4)
STRIDES = (1, 2, 1)


def Tiny(  # noqa: N802
    weights: str | None = None,
    include_top: bool = False,
    input_shape: tuple[int, int, int] = (64, 64, 3),
) -> keras.Model:
    """Tiny backbone: three stages of basic residual blocks with 16, 32 and 64 channels.

    The stages are named like Res2 to Res4 of a ResNet (`conv2` to `conv4`), so that methods put
    their layers of Res4 into the last stage. It has four blocks, enough for CTM's three. Unlike in
    a ResNet, the last two stages have stride 8: a frame of 64 pixels keeps 8 x 8 positions, enough
    to see motion of a few pixels.

    Args:
        weights: Must be None.
        include_top: Must be False.
        input_shape: `(height, width, 3)`, at least 32 pixels.

    Raises:
        ValueError: If weights or a top are requested, or the image is too small.
    """
    if weights is not None or include_top:
        raise ValueError(
            f"tiny has no ImageNet weights and no top, received weights={weights!r}, "
            f"include_top={include_top}. Use weights=None (--weights none)."
        )
    if min(input_shape[:2]) < 32:
        raise ValueError(
            f"Images for tiny must have at least 32 x 32 pixels, received {input_shape[:2]}."
        )
    image = keras.Input(input_shape, name="image")
    x = layers.Conv2D(16, 7, strides=4, padding="same", use_bias=False, name="conv1_conv")(image)
    x = layers.BatchNormalization(name="conv1_bn")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    plan = zip(CHANNELS, BLOCKS, STRIDES, strict=True)
    for stage, (channels, blocks, stride) in enumerate(plan, start=2):
        for index in range(1, blocks + 1):
            x = _block(x, channels, stride if index == 1 else 1, f"conv{stage}_block{index}")
    return keras.Model(image, x, name="tiny")


def _block(x: Tensor, channels: int, stride: int, name: str) -> Tensor:
    """A basic residual block: two 3 x 3 convolutions."""
    shortcut = x
    if stride > 1 or x.shape[-1] != channels:
        shortcut = _conv_bn(x, channels, 1, stride, f"{name}_0")
    x = _conv_bn(x, channels, 3, stride, f"{name}_1")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _conv_bn(x, channels, 3, 1, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _conv_bn(x: Tensor, channels: int, size: int, stride: int, name: str) -> Tensor:
    x = layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)
