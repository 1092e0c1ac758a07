"""The pathways of SlowFast and their layers.

Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019, arXiv 1812.03982.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

from ..arguments import check_choice
from ..engine.folding import Fold, Folded, Unfold
from ..engine.plain import convolved
from ..initializers import he_fan_out
from ..types import Shape, Tensor
from ._frames import over_frames
from .inflate import InflatedConv
from .pooling import TemporalPooling, mode_of

CHOICES = ("spread", "strided")


@keras.saving.register_keras_serializable("ctm_keras")
class SlowFrames(layers.Layer):
    """Selects the frames of the slow pathway, one in `alpha`.

    Args:
        alpha: Ratio of the frames of the clip to the selected frames.
        choice: `"spread"`, evenly from the first frame to the last, rounded down, or
            `"strided"`, the first of every `alpha` frames.

    Input shape:
        `(batch, frames, height, width, channels)`

    Output shape:
        `(batch, frames // alpha, height, width, channels)`

    Raises:
        ValueError: If there is no such `choice`.

    Example:
        >>> SlowFrames(8)(np.ones((2, 32, 56, 56, 3), "float32")).shape
        (2, 4, 56, 56, 3)

    Reference:
        Section 3.1 of arXiv 1812.03982 (strided); PySlowFast's code (spread).
    """

    def __init__(self, alpha: int, choice: str = "spread", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_choice("slow_frames", choice, CHOICES)
        self.alpha = alpha
        self.choice = choice

    def call(self, inputs: Tensor) -> Tensor:
        return ops.take(inputs, self.indices(inputs.shape[1]), axis=1)

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        chosen = self.indices(clip.frames)
        return clip.over_frames(
            lambda x: ops.concatenate([x[:, i : i + 1] for i in chosen], axis=1)
        )

    def indices(self, frames: int) -> list[int]:
        """Returns the indices of the selected frames."""
        kept = frames // self.alpha
        if self.choice == "strided":
            return [i * self.alpha for i in range(kept)]
        return [i * (frames - 1) // max(1, kept - 1) for i in range(kept)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *rest = input_shape
        return (batch, frames // self.alpha, *rest)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "choice": self.choice}


@keras.saving.register_keras_serializable("ctm_keras")
class TimeConv(layers.Layer):
    """Temporal convolution, t x 1 x 1, without bias and with zeros beyond the clip.

    Args:
        filters: Number of output channels.
        size: Temporal size of the kernel, an odd number.
        stride: Temporal stride.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        `(batch, ceil(frames / stride), height, width, filters)`

    Raises:
        ValueError: If `size` is even.

    Example:
        >>> TimeConv(16, 5, stride=8)(np.ones((2, 32, 14, 14, 8), "float32")).shape
        (2, 4, 14, 14, 16)

    Reference:
        Table 1 and Section 3.4 (time-strided convolution) of arXiv 1812.03982.
    """

    def __init__(self, filters: int, size: int = 3, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not (isinstance(size, int) and size % 2):
            raise ValueError(f"The temporal kernel size must be odd, received {size!r}.")
        self.filters = filters
        self.size = size
        self.stride = stride

    def build(self, input_shape: Shape) -> None:
        shape = (self.size, 1, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape, he_fan_out(), name="kernel")

    def call(self, inputs: Tensor) -> Tensor:
        kernel = ops.cast(self.kernel, inputs.dtype)
        return over_frames(inputs, lambda x: ops.conv(self._padded(x), kernel, **self._options()))

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        kernel = ops.convert_to_numpy(self.kernel)
        return clip.over_frames(
            lambda x: convolved(self._padded(x), kernel, name=self.name, **self._options())
        )

    def _options(self) -> dict[str, Any]:
        return {"strides": (self.stride, 1), "padding": "same" if self.stride == 1 else "valid"}

    def _padded(self, x: Tensor) -> Tensor:
        """Pads for a stride, because "same" would start at another frame."""
        reach = self.size // 2
        return x if self.stride == 1 else ops.pad(x, ((0, 0), (reach, reach), (0, 0), (0, 0)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *image, _ = input_shape
        return (batch, -(-frames // self.stride), *image, self.filters)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "size", "stride")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@dataclass
class Pathway:
    """A pathway under construction.

    Args:
        name: Prefix of its layer names.
        width: Number of output channels of its first convolution.
        frames: Number of frames at this point.
        x: Feature maps at this point, `(batch * frames, height, width, channels)`.
    """

    name: str
    width: int
    frames: int
    x: Tensor

    def over_frames(self, layer: keras.Layer) -> tuple[Tensor, int]:
        """Applies a layer to unfolded clips."""
        x = Unfold(self.frames, name=f"{layer.name}_unfold")(self.x)
        x = layer(x)
        return Fold(name=f"{layer.name}_fold")(x), x.shape[1]

    def stem(self, size: int) -> None:
        """Adds a size x 7 x 7 convolution and 3 x 3 max pooling, both with stride 2."""
        name = f"{self.name}_conv1"
        self.x = layers.ZeroPadding2D(3, name=f"{name}_pad")(self.x)
        if size > 1:
            conv = InflatedConv(
                self.width,
                (size, 7, 7),
                (1, 2, 2),
                padding="valid",
                time_padding="zero",
                name=f"{name}_conv",
            )
            self.x, _ = self.over_frames(conv)
        else:
            self.x = _conv(self.width, 7, 2, name)(self.x)
        self.x = _relu(_norm(self.x, name), name)
        self.x = layers.ZeroPadding2D(1, name=f"{self.name}_pool1_pad")(self.x)
        self.x = layers.MaxPooling2D(3, 2, name=f"{self.name}_pool1_pool")(self.x)

    def block(self, stage: int, index: int, size: int) -> None:
        """Adds a bottleneck block whose first convolution spans `size` frames."""
        name, channels = f"{self.name}_conv{stage}_block{index}", self.width * 2 ** (stage - 2)
        strides = 2 if stage > 2 and index == 1 else 1
        shortcut = self.x
        if index == 1:
            shortcut = _norm(_conv(4 * channels, 1, strides, f"{name}_0")(shortcut), f"{name}_0")
        if size > 1:
            x, _ = self.over_frames(TimeConv(channels, size, name=f"{name}_1_conv"))
        else:
            x = _conv(channels, 1, 1, f"{name}_1")(self.x)
        x = _relu(_norm(x, f"{name}_1"), f"{name}_1")
        if strides > 1:
            x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
        x = _conv(channels, 3, strides, f"{name}_2")(x)
        x = _relu(_norm(x, f"{name}_2"), f"{name}_2")
        x = _norm(_conv(4 * channels, 1, 1, f"{name}_3")(x), f"{name}_3", gamma="zeros")
        x = layers.Add(name=f"{name}_add")([shortcut, x])
        self.x = layers.ReLU(name=f"{name}_out")(x)

    def read(self, fast: "Pathway", place: str, size: int, stride: int, norm: bool) -> None:
        """Adds a lateral connection: concatenates convolved maps of the fast pathway."""
        name = f"lateral_{place}"
        x, _ = fast.over_frames(TimeConv(2 * fast.x.shape[-1], size, stride, name=f"{name}_conv"))
        if norm:
            x = _relu(_norm(x, name), name)
        self.x = layers.Concatenate(name=f"{name}_concat")([self.x, x])

    def pool(self, stage: int, pooling: bool | str) -> None:
        """Adds temporal pooling after a stage."""
        layer = TemporalPooling(mode_of(pooling), name=f"{self.name}_conv{stage}_temporal_pool")
        self.x, self.frames = self.over_frames(layer)

    def mean(self) -> Tensor:
        """Returns the mean over frames and positions."""
        x = Unfold(self.frames, name=f"{self.name}_unfold")(self.x)
        return layers.GlobalAveragePooling3D(name=f"{self.name}_pool")(x)


def _conv(channels: int, size: int, strides: int, name: str) -> keras.Layer:
    return layers.Conv2D(
        channels,
        size,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        kernel_initializer=he_fan_out(),
        name=f"{name}_conv",
    )


def _norm(x: Tensor, name: str, gamma: str = "ones") -> Tensor:
    norm = layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=gamma, name=f"{name}_bn"
    )
    return norm(x)


def _relu(x: Tensor, name: str) -> Tensor:
    return layers.ReLU(name=f"{name}_relu")(x)
