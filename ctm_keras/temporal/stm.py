"""STM: spatiotemporal features and motion features in one block.

Jiang et al., STM: SpatioTemporal and Motion Encoding for Action Recognition, ICCV 2019,
arXiv 1908.02486.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops

from ..arguments import check_choice, check_count
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft, Site
from ..engine.plain import convolved, copied, depthwise
from ..types import Shape, Tensor
from ._frames import over_frames, weigh
from ._places import block_sites

MODULES = ("cstm", "cmm")
FUSIONS = ("sum", "concat")
TEMPORAL_CONVS = ("channelwise", "ordinary")


@keras.saving.register_keras_serializable("ctm_keras")
class CSTM(layers.Layer):
    """Channel-wise SpatioTemporal Module: the temporal convolution before a 3 x 3 convolution.

    `G[c, t] = sum_i K[c, i] F[c, t + i]`: a depthwise temporal convolution over three frames. The
    3 x 3 convolution that completes the module is that of the image model, with its weights. The
    initial kernels shift the first quarter of the channels from the previous frame and the last
    quarter from the next frame. The module has no bias and zeros beyond the clip.

    Args:
        temporal_conv: `"channelwise"`, or `"ordinary"` for a convolution over all channels.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        The same.

    Raises:
        ValueError: If `temporal_conv` is unknown.

    Example:
        >>> CSTM()(np.ones((2, 8, 14, 14, 256), "float32")).shape
        (2, 8, 14, 14, 256)

    Reference:
        Equation 1, Section 4.2 (initialization) and Table 8 of arXiv 1908.02486.
    """

    def __init__(self, temporal_conv: str = "channelwise", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_choice("temporal_conv", temporal_conv, TEMPORAL_CONVS)
        self.temporal_conv = temporal_conv

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        shape = (3, channels) if self.temporal_conv == "channelwise" else (3, 1, channels, channels)
        self.kernel = self.add_weight(shape, _shift, name="kernel")

    def call(self, inputs: Tensor) -> Tensor:
        kernel = ops.cast(self.kernel, self.compute_dtype)
        if self.temporal_conv == "channelwise":
            return weigh(inputs, kernel)
        return over_frames(inputs, lambda x: ops.conv(x, kernel, padding="same"))

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        kernel = ops.convert_to_numpy(self.kernel)
        if self.temporal_conv == "channelwise":
            return clip.over_frames(lambda x: depthwise(x, kernel, self.name))
        return clip.over_frames(lambda x: convolved(x, kernel, name=self.name, padding="same"))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temporal_conv": self.temporal_conv}


@keras.saving.register_keras_serializable("ctm_keras")
class CMM(layers.Layer):
    """Channel-wise Motion Module: adds the motion between neighboring frames to features.

    A 1 x 1 convolution reduces the channels, followed by a batch norm. The motion is the next
    frame, after a depthwise 3 x 3 convolution, minus this frame:
    `H[t] = sum_ij K[c, i, j] F[t + 1, c, h + i, w + j] - F[t]`, zero for the last frame. A 1 x 1
    convolution maps it to the channels of the features. There is no bias; the initialization is
    PyTorch's.

    Args:
        fusion: `"sum"` of features and motion, or `"concat"` and a 1 x 1 convolution.
        strides: Stride of the features relative to the clip, and of the max pooling of the motion.
        reduction: Reduction ratio of the channels, `r`.

    Input shape:
        Two clips: the features `(batch, frames, height, width, filters)`, and the source of the
        motion `(batch, frames, height * strides, width * strides, channels)`.

    Output shape:
        That of the features.

    Raises:
        ValueError: If `fusion` is unknown, or `strides` or `reduction` is below 1.

    Example:
        >>> clip = np.ones((2, 8, 14, 14, 256), "float32")
        >>> CMM()([clip, clip]).shape
        (2, 8, 14, 14, 256)

    Reference:
        Equation 2, Figure 2b and Table 6 of arXiv 1908.02486. The paper does not specify the batch
        norm and the pooling at stride 2, which follow the author's code.
    """

    def __init__(
        self, fusion: str = "sum", strides: int = 1, reduction: int = 16, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_choice("fusion", fusion, FUSIONS)
        check_count("strides", strides)
        check_count("reduction", reduction)
        self.fusion = fusion
        self.strides = strides
        self.reduction = reduction

    def build(self, input_shape: Shape) -> None:
        (*_, filters), (_, _, *image, channels) = input_shape
        reduced = max(1, channels // self.reduction)
        self.reduce = self._conv(reduced, (*image, channels), "reduce")
        self.reduce_bn = layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name="reduce_bn"
        )
        self.reduce_bn.build((None, *image, reduced))
        self.motion_conv = layers.DepthwiseConv2D(
            3,
            padding="same",
            use_bias=False,
            depthwise_initializer=initializers.RandomUniform(-1 / 3, 1 / 3),
            dtype=self.dtype_policy,
            name="motion_conv",
        )
        self.motion_conv.build((None, *image, reduced))
        self.restore = self._conv(filters, (*image, reduced), "restore")
        if self.fusion == "concat":
            self.fuse = self._conv(filters, (None, None, 2 * filters), "fuse")

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        features, clip = inputs
        x = self.motion(clip, training=training)
        if self.fusion == "sum":
            return features + x
        both = ops.concatenate([features, x], axis=-1)
        return ops.reshape(self.fuse(_folded(both)), (-1, *features.shape[1:]))

    def deploy(self, features: Folded, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        x = self._motion(clip, copied)
        if self.fusion == "sum":
            return features.each(lambda y: y + x)
        return features.each(lambda y: copied(self.fuse, ops.concatenate([y, x], axis=-1)))

    def motion(self, clip: Tensor, training: bool | None = None) -> Tensor:
        """Returns the motion that CMM adds to the features."""

        def call(layer: keras.Layer, x: Tensor) -> Tensor:
            return layer(x, training=training) if layer is self.reduce_bn else layer(x)

        frames = clip.shape[1]
        x = self._motion(Folded(_folded(clip), frames), call)
        return ops.reshape(x, (-1, frames, *x.shape[1:]))

    def _motion(self, clip: Folded, call: Callable) -> Tensor:
        """Returns the motion in folded frames; `call` applies the layers."""
        x = call(self.reduce_bn, call(self.reduce, clip.images))
        reduced, flat = (-1, *x.shape[1:]), (-1, clip.frames, math.prod(x.shape[1:]))
        following = ops.reshape(call(self.motion_conv, x), flat)
        x = following[:, 1:] - ops.reshape(x, flat)[:, :-1]
        x = ops.reshape(ops.pad(x, ((0, 0), (0, 1), (0, 0))), reduced)
        x = call(self.restore, x)
        if self.strides > 1:
            x = ops.max_pool(x, self.strides, self.strides, padding="same")
        return x

    def _conv(self, filters: int, shape: tuple, name: str) -> keras.Layer:
        conv = layers.Conv2D(
            filters,
            1,
            use_bias=False,
            kernel_initializer=initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
            dtype=self.dtype_policy,
            name=name,
        )
        conv.build((None, *shape))
        return conv

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        options = ("fusion", "strides", "reduction")
        return {**super().get_config(), **{name: getattr(self, name) for name in options}}


def stm(
    anatomy: Anatomy,
    modules: tuple[str, ...] = MODULES,
    fusion: str = "sum",
    stages: tuple[int, ...] | str | None = None,
    blocks: int | tuple[int, ...] | str = "all",
    temporal_conv: str = "channelwise",
) -> list[Graft]:
    """STM blocks: learned temporal shifts and motion between frames, in every residual block.

    CSTM precedes the k x k convolution of a block. CMM reads the input of CSTM, and its output is
    added after the batch norm and activation of the convolution. In a basic block, both modules
    are at the first k x k convolution, and the second reads their sum, as the last 1 x 1
    convolution of a bottleneck does. At the head there is no convolution: CMM adds the motion of
    the features to the output of CSTM.

    Args:
        anatomy: Anatomy of the image model.
        modules: `"cstm"`, `"cmm"` or both (Table 5).
        fusion: Fusion of both modules: `"sum"`, or `"concat"` and a 1 x 1 convolution (Table 6).
        stages: Stages with STM blocks, 2 to 5 as in Res2 to Res5, or `"head"` for one block on the
            features that the head reads. Defaults to all stages (Table 7).
        blocks: `"all"`, the number of blocks in each stage, spread evenly, or a tuple of the
            residual blocks, counted from 1. In Table 7 it is the first of a stage, `(1,)`.
        temporal_conv: Convolution of CSTM, `"channelwise"` or `"ordinary"` (Table 8).
    """
    modules = (modules,) if isinstance(modules, str) else tuple(modules)
    if not modules or set(modules) - set(MODULES) or len(set(modules)) < len(modules):
        raise ValueError(
            f"modules must be one or both of {', '.join(MODULES)}, each once, received {modules!r}."
        )
    grafts = []
    for middle, output in _places(anatomy, stages, blocks):
        at_head = middle.role == "head"
        if "cstm" in modules:
            layer = CSTM(temporal_conv, name=f"{middle.block}_cstm")
            grafts.append(Graft(middle, "after" if at_head else "before", layer))
        if "cmm" in modules:
            strides = 1 if at_head else middle.operation.strides[0]
            layer = CMM(fusion, strides, name=f"{middle.block}_cmm")
            grafts.append(Graft(output, "after", layer, reads=middle))
    return grafts


def _places(anatomy: Anatomy, stages: Any, blocks: Any) -> list[tuple[Site, Site]]:
    """Returns the first k x k convolution of each selected block, and its last operation."""
    if stages == "head":
        return [(site, site) for site in block_sites(anatomy, "head", stages, blocks, {}, "STM")]
    first: dict[str, tuple[Site, Site]] = {}
    for pair in zip(anatomy.at("middle"), anatomy.at("middle_output"), strict=True):
        first.setdefault(pair[0].block, pair)
    if stages is None:
        stages = sorted({middle.stage for middle, _ in first.values()})
    default = dict.fromkeys(range(1, 6), "all")
    chosen = block_sites(anatomy, "middle", stages, blocks, default, "STM")
    return [first[block] for block in dict.fromkeys(site.block for site in chosen)]


def _folded(clip: Tensor) -> Tensor:
    return ops.reshape(clip, (-1, *clip.shape[2:]))


def _shift(shape: Shape, dtype: str | None = None) -> Tensor:
    """Returns kernels that shift a quarter of the channels from each neighbor of a frame."""
    channels = shape[-1]
    taps = np.ones(channels, int)
    taps[: channels // 4] = 0
    taps[channels - channels // 4 :] = 2
    kernel = np.eye(3)[:, taps]
    if len(shape) == 4:
        kernel = kernel[:, None, :, None] * np.eye(channels)
    return ops.convert_to_tensor(kernel, dtype)
