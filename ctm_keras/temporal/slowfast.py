"""SlowFast: two pathways that read a clip at two frame rates, with lateral connections.

Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019, arXiv 1812.03982.
The network is built whole: its pathways have other widths than an image model.
"""

from dataclasses import dataclass

import keras
from keras import initializers, layers, ops

from ..folding import Fold, Unfold
from ..names import unknown_name
from ._inflate import InflatedConv
from ._pooling import TemporalPooling

DEPTHS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
ALPHAS = {"4x16": 8, "8x8": 4, "16x8": 4}
CHOICES = ("spread", "strided")
BETA = 8
HE = initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


@keras.saving.register_keras_serializable("ctm_keras")
class SlowFrames(layers.Layer):
    """The frames that the slow pathway reads: one of each `alpha`.

    Args:
        alpha: frames of the clip over frames that are kept.
        choice: `"spread"`, evenly from the first frame to the last, rounded down, or
            `"strided"`, the first of each `alpha`.

    Input shape:
        `(batch, frames, height, width, channels)`

    Output shape:
        `(batch, frames // alpha, height, width, channels)`

    Raises:
        ValueError: if there is no such `choice`.

    Example:
        >>> SlowFrames(8)(np.ones((2, 32, 56, 56, 3), "float32")).shape
        (2, 4, 56, 56, 3)

    Reference:
        Section 3.1 of arXiv 1812.03982 (strided); PySlowFast's code (spread).
    """

    def __init__(self, alpha, choice="spread", **kwargs):
        super().__init__(**kwargs)
        if choice not in CHOICES:
            raise ValueError(f"`slow_frames` is {' or '.join(CHOICES)}; received {choice!r}.")
        self.alpha = alpha
        self.choice = choice

    def call(self, inputs):
        return ops.take(inputs, self.indices(inputs.shape[1]), axis=1)

    def indices(self, frames: int) -> list[int]:
        """Which of so many frames are kept."""
        kept = frames // self.alpha
        if self.choice == "strided":
            return [i * self.alpha for i in range(kept)]
        return [i * (frames - 1) // max(1, kept - 1) for i in range(kept)]

    def compute_output_shape(self, input_shape):
        batch, frames, *rest = input_shape
        return (batch, frames // self.alpha, *rest)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha, "choice": self.choice}


@keras.saving.register_keras_serializable("ctm_keras")
class TimeConv(layers.Layer):
    """A t x 1 x 1 convolution, without bias and with zeros beyond the clip.

    It is computed in 2-D, over frames and positions, which no backend does slower than in 3-D.

    Args:
        filters: channels of the output.
        size: frames that the kernel reaches over, an odd number.
        stride: in time.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        `(batch, ceil(frames / stride), height, width, filters)`

    Raises:
        ValueError: if `size` is even.

    Example:
        >>> TimeConv(16, 5, stride=8)(np.ones((2, 32, 14, 14, 8), "float32")).shape
        (2, 4, 14, 14, 16)

    Reference:
        Table 1 and Section 3.4 (time-strided convolution) of arXiv 1812.03982.
    """

    def __init__(self, filters, size=3, stride=1, **kwargs):
        super().__init__(**kwargs)
        if not (isinstance(size, int) and size % 2):
            raise ValueError(f"A kernel reaches over an odd number of frames, not {size!r}.")
        self.filters = filters
        self.size = size
        self.stride = stride

    def build(self, input_shape):
        shape = (self.size, 1, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape, HE, name="kernel")

    def call(self, inputs):
        _, frames, height, width, channels = inputs.shape
        x = ops.reshape(inputs, (-1, frames, height * width, channels))
        kernel = ops.cast(self.kernel, x.dtype)
        if self.stride > 1:
            x = ops.pad(x, ((0, 0), (self.size // 2,) * 2, (0, 0), (0, 0)))
            x = ops.conv(x, kernel, strides=(self.stride, 1), padding="valid")
        else:
            x = ops.conv(x, kernel, padding="same")
        return ops.reshape(x, (-1, x.shape[1], height, width, self.filters))

    def compute_output_shape(self, input_shape):
        batch, frames, *image, _ = input_shape
        return (batch, -(-frames // self.stride), *image, self.filters)

    def get_config(self):
        names = ("filters", "size", "stride")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@dataclass
class _Pathway:
    """One pathway while it is built: its maps `(batch * frames, height, width, channels)`.

    Args:
        name: its layers' names begin with it.
        width: channels of its first convolution.
        frames: it has at this place.
        x: the maps.
    """

    name: str
    width: int
    frames: int
    x: object

    def over_frames(self, layer):
        """Lets a layer read clips."""
        x = Unfold(self.frames, name=f"{layer.name}_unfold")(self.x)
        x = layer(x)
        return Fold(name=f"{layer.name}_fold")(x), x.shape[1]

    def stem(self, size: int):
        """7 x 7 convolution over so many frames, and the maximum of 3 x 3, both with stride 2."""
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

    def block(self, stage: int, index: int, size: int):
        """A bottleneck whose first convolution reaches over so many frames."""
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

    def pool(self, stage: int):
        """Temporal pooling after a stage."""
        layer = TemporalPooling(name=f"{self.name}_conv{stage}_temporal_pool")
        self.x, self.frames = self.over_frames(layer)

    def mean(self):
        """The mean over frames and positions."""
        x = Unfold(self.frames, name=f"{self.name}_unfold")(self.x)
        return layers.GlobalAveragePooling3D(name=f"{self.name}_pool")(x)


def slowfast(
    clip,
    backbone: str,
    variant: str = "4x16",
    fusion_kernel: int | None = None,
    temporal_blocks: int | None = None,
    lateral_norm: bool = True,
    slow_frames: str = "spread",
    temporal_pooling: bool = False,
):
    """SlowFast: a slow pathway of a few frames and a light fast one of all, joined laterally.

    The frames of the model are the fast pathway's: 32 for 4x16 and 8x8, 64 for 16x8. Defaults are
    PySlowFast's. mmaction2's networks are `slow_frames="strided"`, `temporal_blocks` all of Res4
    and mostly `lateral_norm=False`. The end is the mean of each pathway, slow before fast.

    Args:
        clip: symbolic tensor `(batch, frames, height, width, 3)`, preprocessed.
        backbone: `"resnet50"` or `"resnet101"` (with `tv_` before it the same network).
        variant: `"4x16"`, `"8x8"` or `"16x8"`: frames of the slow pathway x their distance in the
            video; the slow pathway reads one frame of 8, 4 and 4.
        fusion_kernel: frames that the lateral convolutions reach over; by default 5, but 7 for a
            ResNet-50 in which the slow pathway reads one frame of 4.
        temporal_blocks: blocks of Res4 whose first convolution reaches over frames; by default 6,
            which are all in ResNet-50 ("R101, 50, 50" in PySlowFast's names).
        lateral_norm: whether batch norm and ReLU follow the lateral convolutions.
        slow_frames: which frames the slow pathway reads: `"spread"` from the first to the last,
            or `"strided"`, the first of each 8 or 4, as in the paper.
        temporal_pooling: whether the frames of both pathways are halved after Res2, Res3, Res4.

    Returns:
        The features `(batch, 1, 1, 2304)`, and 1, the number of frames that are left.

    Raises:
        ValueError: if the backbone is another, an option is out of range, or the frames are no
            multiple of 8 or 4.

    Reference:
        Table 1 and Sections 3.1 to 3.4 of arXiv 1812.03982.
    """
    lengths = _lengths(backbone)
    alpha = _alpha(variant, clip.shape[1])
    if fusion_kernel is None:
        fusion_kernel = 7 if alpha == 4 and lengths == DEPTHS["resnet50"] else 5
    reach = _reach(temporal_blocks, lengths[2])
    fast = _Pathway("fast", 64 // BETA, clip.shape[1], Fold(name="fast_fold")(clip))
    clip = SlowFrames(alpha, slow_frames, name="slow_frames")(clip)
    slow = _Pathway("slow", 64, clip.shape[1], Fold(name="slow_fold")(clip))
    slow.stem(1)
    fast.stem(5)
    _fuse(slow, fast, "conv1", fusion_kernel, alpha, lateral_norm)
    for stage, length in enumerate(lengths, start=2):
        for index in range(1, length + 1):
            size = 3 if stage != 4 or index <= reach else 1
            slow.block(stage, index, size if stage > 3 else 1)
            fast.block(stage, index, size)
        if stage < 5:
            _fuse(slow, fast, f"conv{stage}", fusion_kernel, alpha, lateral_norm)
        if stage < 5 and temporal_pooling:
            slow.pool(stage)
            fast.pool(stage)
    x = layers.Concatenate(name="pathways")([slow.mean(), fast.mean()])
    return layers.Reshape((1, 1, x.shape[-1]), name="features")(x), 1


def _fuse(slow: _Pathway, fast: _Pathway, place: str, kernel: int, alpha: int, norm: bool):
    """Gives the slow pathway the fast one's maps, of every `alpha`-th frame."""
    name = f"lateral_{place}"
    x, _ = fast.over_frames(TimeConv(2 * fast.x.shape[-1], kernel, alpha, name=f"{name}_conv"))
    if norm:
        x = _relu(_norm(x, name), name)
    slow.x = layers.Concatenate(name=f"{name}_concat")([slow.x, x])


def _conv(channels: int, size: int, strides: int, name: str):
    return layers.Conv2D(
        channels,
        size,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        kernel_initializer=HE,
        name=f"{name}_conv",
    )


def _norm(x, name: str, gamma: str = "ones"):
    norm = layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=gamma, name=f"{name}_bn"
    )
    return norm(x)


def _relu(x, name: str):
    return layers.ReLU(name=f"{name}_relu")(x)


def _lengths(backbone: str) -> tuple[int, ...]:
    name = str(backbone).lower().removeprefix("tv_")
    if name not in DEPTHS:
        raise ValueError(
            f"SlowFast builds its own pathways, as ResNets of {' or '.join(DEPTHS)}; received the "
            f"backbone {backbone!r}."
        )
    return DEPTHS[name]


def _alpha(variant: str, frames: int) -> int:
    if variant not in ALPHAS:
        raise unknown_name("variant of slowfast", variant, ALPHAS)
    alpha = ALPHAS[variant]
    if frames % alpha:
        raise ValueError(
            f"The slow pathway of SlowFast {variant} reads one frame of {alpha}: num_frames is a "
            f"multiple of {alpha} (32, or 64 for 16x8); received {frames}."
        )
    return alpha


def _reach(blocks: int | None, length: int) -> int:
    if blocks is None:
        return min(6, length)
    if not (isinstance(blocks, int) and 0 <= blocks <= length):
        raise ValueError(
            f"`temporal_blocks` of the {length} blocks of Res4 reach over frames, 0 to {length}; "
            f"received {blocks!r}."
        )
    return blocks
