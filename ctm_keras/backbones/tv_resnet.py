"""ResNets in torchvision's layout: stride on the 3 x 3 convolution, symmetric padding."""

import keras
from keras import layers

from ..initializers import he_fan_out
from ..types import Shape, Tensor
from ._parts import conv_bn, refuse_weights


def _resnet(depth: int, blocks: tuple[int, ...], bottleneck: bool) -> Tensor:
    """Returns the function that builds a ResNet, with the signature of `keras.applications`."""

    def build(
        weights: str | None = None, include_top: bool = False, input_shape: Shape = (224, 224, 3)
    ) -> keras.Model:
        name = f"tv_resnet{depth}"
        refuse_weights(name, weights, include_top, f"resnet{depth}.pth")
        image = keras.Input(input_shape, name="image")
        x = layers.ReLU(name="conv1_relu")(_conv_bn(image, 64, 7, 2, "conv1"))
        x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # zeros do not change maxima after ReLU
        x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
        block = _bottleneck if bottleneck else _basic_block
        for stage, length in enumerate(blocks, start=2):
            for index in range(1, length + 1):
                strides = 2 if stage > 2 and index == 1 else 1
                x = block(x, 16 * 2**stage, strides, f"conv{stage}_block{index}")
        return keras.Model(image, x, name=name)

    build.__doc__ = f"""ResNet-{depth} in torchvision's layout, with Keras' layer names.

    Args:
        weights: Must be None. `ctm import-weights` converts torchvision's weights.
        include_top: Must be False.
        input_shape: `(height, width, 3)`.

    Raises:
        ValueError: If weights or a top are requested.

    Reference:
        He et al., Deep Residual Learning for Image Recognition, CVPR 2016, with the stride on
        the 3 x 3 convolution (torchvision, "ResNet v1.5").
    """
    return build


def _bottleneck(x: Tensor, channels: int, strides: int, name: str) -> Tensor:
    """A bottleneck block: 1 x 1, 3 x 3 with the stride, 1 x 1 to four times the channels."""
    shortcut = _shortcut(x, 4 * channels, strides, name)
    x = layers.ReLU(name=f"{name}_1_relu")(_conv_bn(x, channels, 1, 1, f"{name}_1"))
    x = layers.ReLU(name=f"{name}_2_relu")(_conv_bn(x, channels, 3, strides, f"{name}_2"))
    x = _conv_bn(x, 4 * channels, 1, 1, f"{name}_3")
    return _sum(shortcut, x, name)


def _basic_block(x: Tensor, channels: int, strides: int, name: str) -> Tensor:
    """A basic block: two 3 x 3 convolutions, the first with the stride."""
    shortcut = _shortcut(x, channels, strides, name)
    x = layers.ReLU(name=f"{name}_1_relu")(_conv_bn(x, channels, 3, strides, f"{name}_1"))
    x = _conv_bn(x, channels, 3, 1, f"{name}_2")
    return _sum(shortcut, x, name)


def _shortcut(x: Tensor, channels: int, strides: int, name: str) -> Tensor:
    if strides == 1 and x.shape[-1] == channels:
        return x
    return _conv_bn(x, channels, 1, strides, f"{name}_0")


def _sum(shortcut: Tensor, x: Tensor, name: str) -> Tensor:
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([shortcut, x]))


def _conv_bn(x: Tensor, channels: int, size: int, strides: int, name: str) -> Tensor:
    return conv_bn(x, channels, size, strides, name, epsilon=1e-5, initializer=he_fan_out())


TV_ResNet18 = _resnet(18, (2, 2, 2, 2), bottleneck=False)
TV_ResNet34 = _resnet(34, (3, 4, 6, 3), bottleneck=False)
TV_ResNet50 = _resnet(50, (3, 4, 6, 3), bottleneck=True)
TV_ResNet101 = _resnet(101, (3, 4, 23, 3), bottleneck=True)
TV_ResNet152 = _resnet(152, (3, 8, 36, 3), bottleneck=True)
