"""A small residual network for tests, tutorials and work on a CPU."""

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
    """Builds the tiny backbone: three stages of basic residual blocks, 16, 32 and 64 channels.

    The stages have the names of ResNet's second, third and fourth (`conv2` to `conv4`), so that
    what stands in a ResNet's stride-16 stage stands in the last one, which has four blocks: room
    for CTM's three. Its stride is 8, though, as is that of the one before it: a frame of 64
    pixels keeps 8 x 8 positions there, and a motion of a few pixels can be seen.

    Args:
        weights: `None`; there are none to download.
        include_top: `False`; the signature is that of `keras.applications`.
        input_shape: `(height, width, 3)`, 32 pixels or more.

    Raises:
        ValueError: If weights or a top are asked for, or the image is too small.
    """
    if weights is not None or include_top:
        raise ValueError(
            f"The tiny backbone has no ImageNet weights and no top; received weights={weights!r}, "
            f"include_top={include_top}. Pass weights=None (--weights none)."
        )
    if min(input_shape[:2]) < 32:
        raise ValueError(f"The tiny backbone reads 32 x 32 pixels or more, not {input_shape[:2]}.")
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
