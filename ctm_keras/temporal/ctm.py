"""CTM: Collaborative Temporal Modeling blocks.

Liu et al., CTM: Collaborative Temporal Modeling for Action Recognition, arXiv 2002.03152.
"""

from typing import Any

import keras
from keras import layers, ops

from ..arguments import check_count
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft
from ..engine.plain import convolved, copied, name_of, pointwise
from ..initializers import he_alike
from ..types import Shape, Tensor
from ._frames import over_frames
from ._places import block_sites

PATHS = ("tccm", "temporal")


@keras.saving.register_keras_serializable("ctm_keras")
class TCC(layers.Layer):
    """Temporal-Channel Convolution: a 3 x 3 kernel over (frames, channels) at each position.

    `O[t, c, h, w] = sum_ij K[i, j, h, w] F[t + i, c + j, h, w]`: a depthwise convolution of the
    planes of time and channels, with the positions as channels, so that positions share no
    parameters. Borders are padded with zeros; there is no bias.

    All positions start with the same random kernel (He normal) and diverge in training. With
    different initial kernels, a path whose last batch norm starts at zero learns late
    (docs/learning.md).

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        The same.

    Raises:
        ValueError: If a size other than the batch is unknown when the layer is built.

    Example:
        >>> TCC()(np.ones((2, 8, 14, 14, 256), "float32")).shape
        (2, 8, 14, 14, 256)

    Reference:
        Equation 1 of arXiv 2002.03152.
    """

    def build(self, input_shape: Shape) -> None:
        self.height, self.width = input_shape[2:4]
        if None in input_shape[1:]:
            raise ValueError(
                f"The input shape of {self.name} must have fixed frames, height, width and "
                f"channels, because it has a kernel for each position, received "
                f"{tuple(input_shape)}."
            )
        self.conv = layers.DepthwiseConv2D(
            3,
            padding="same",
            use_bias=False,
            depthwise_initializer=he_alike,
            dtype=self.dtype_policy,
            name="conv",
        )
        frames, channels = input_shape[1], input_shape[4]
        self.conv.build((None, frames, channels, self.height * self.width))

    @property
    def kernel(self) -> keras.Variable:
        """The kernels, `(3, 3, height * width, 1)`: over frames and channels."""
        return self.conv.kernel

    def call(self, inputs: Tensor) -> Tensor:
        return over_frames(inputs, lambda x: _transposed(self.conv(_transposed(x))))

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        return clip.over_frames(lambda x: _transposed(copied(self.conv, _transposed(x))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def _transposed(planes: Tensor) -> Tensor:
    """Exchanges positions and channels."""
    return ops.transpose(planes, (0, 1, 3, 2))


class _Path(layers.Layer):
    """Path of a CTM block: 1 x 1 reduction of channels, temporal layer, 1 x 1 restoration.

    Batch norm and ReLU follow the first two. The last batch norm starts at zero, so that a new
    path adds nothing.
    """

    def __init__(self, reduction: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reduction = reduction

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        reduced = max(1, channels // self.reduction)
        outer, inner = tuple(input_shape), (*input_shape[:-1], reduced)
        self.reduce = self._built(self._conv(reduced, 1, "reduce"), outer)
        self.reduce_bn = self._built(self._norm("ones", "reduce_bn"), inner)
        self.temporal = self._built(self._temporal(reduced), inner)
        self.temporal_bn = self._built(self._norm("ones", "temporal_bn"), inner)
        self.restore = self._built(self._conv(channels, 1, "restore"), inner)
        self.restore_bn = self._built(self._norm("zeros", "restore_bn"), outer)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = ops.relu(self.reduce_bn(self.reduce(inputs), training=training))
        x = ops.relu(self.temporal_bn(self.temporal(x), training=training))
        return self.restore_bn(self.restore(x), training=training)

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        clip = clip.each(lambda x: ops.relu(copied(self.reduce_bn, pointwise(self.reduce, x))))
        clip = self._deploy_temporal(clip)
        clip = clip.each(lambda x: ops.relu(copied(self.temporal_bn, x)))
        return clip.each(lambda x: copied(self.restore_bn, pointwise(self.restore, x)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reduction": self.reduction}

    def _conv(self, channels: int, size: Any, name: str) -> keras.Layer:
        return layers.Conv3D(
            channels,
            size,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
            name=name,
        )

    def _norm(self, gamma: str, name: str) -> keras.Layer:
        return layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, gamma_initializer=gamma, dtype=self.dtype_policy, name=name
        )

    def _built(self, layer: keras.Layer, input_shape: Shape) -> keras.Layer:
        layer.build(input_shape)
        return layer

    def _temporal(self, channels: int) -> layers.Layer:
        raise NotImplementedError

    def _deploy_temporal(self, clip: Folded) -> Folded:
        return self.temporal.deploy(clip)


@keras.saving.register_keras_serializable("ctm_keras")
class TCCM(_Path):
    """Temporal-Channel Convolution Module: the position-aware path of a CTM block.

    A 1 x 1 convolution that reduces the channels, `TCC`, and a 1 x 1 convolution that restores
    them.

    Args:
        reduction: Reduction ratio of the channels, C1 / C2.

    Input shape:
        `(batch, frames, height, width, channels)`

    Output shape:
        The same.

    Example:
        >>> TCCM()(np.ones((2, 8, 14, 14, 1024), "float32")).shape
        (2, 8, 14, 14, 1024)

    Reference:
        Section 3.1 of arXiv 2002.03152.
    """

    def _temporal(self, channels: int) -> keras.Layer:
        return TCC(dtype=self.dtype_policy, name="tcc")


@keras.saving.register_keras_serializable("ctm_keras")
class TemporalConv(_Path):
    """Temporal convolution path of a CTM block, the same at every position.

    A 1 x 1 convolution that reduces the channels, a 3 x 1 x 1 convolution, and a 1 x 1
    convolution that restores the channels.

    Args:
        reduction: Reduction ratio of the channels, C1 / C2.

    Input shape:
        `(batch, frames, height, width, channels)`

    Output shape:
        The same.

    Example:
        >>> TemporalConv()(np.ones((2, 8, 14, 14, 1024), "float32")).shape
        (2, 8, 14, 14, 1024)

    Reference:
        Section 3.2 of arXiv 2002.03152.
    """

    def _temporal(self, channels: int) -> keras.Layer:
        return self._conv(channels, (3, 1, 1), "temporal_conv")

    def _deploy_temporal(self, clip: Folded) -> Folded:
        kernel, name = ops.convert_to_numpy(self.temporal.kernel)[:, 0], name_of(self.temporal)
        return clip.over_frames(lambda x: convolved(x, kernel, name=name, padding="same"))


@keras.saving.register_keras_serializable("ctm_keras")
class CTM(layers.Layer):
    """Collaborative Temporal Modeling block: `x + TCCM(x) + TemporalConv(x)`.

    The last batch norm of each path starts at zero, so that a new block is the identity.

    Args:
        paths: `"tccm"`, `"temporal"` or both.
        reduction: Reduction ratio of the channels, C1 / C2. The paper does not specify it; 4 is
            the ratio of ResNet's bottlenecks.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        The same.

    Raises:
        ValueError: If `paths` is empty or has an unknown or repeated path, or `reduction` is below
            1.

    Example:
        >>> CTM()(np.ones((2, 8, 14, 14, 1024), "float32")).shape
        (2, 8, 14, 14, 1024)

    Reference:
        Section 3.2 of arXiv 2002.03152.
    """

    def __init__(self, paths: Any = PATHS, reduction: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.paths = (paths,) if isinstance(paths, str) else tuple(paths)
        if not self.paths or set(self.paths) - set(PATHS) or len(set(self.paths)) < len(self.paths):
            raise ValueError(
                f"paths must be one or both of {', '.join(PATHS)}, each once, received {paths!r}."
            )
        check_count("reduction", reduction)
        self.reduction = reduction
        kinds = {"tccm": TCCM, "temporal": TemporalConv}
        self.branches = [
            kinds[path](reduction, dtype=self.dtype_policy, name=path) for path in self.paths
        ]

    def build(self, input_shape: Shape) -> None:
        for branch in self.branches:
            branch.build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = inputs
        for branch in self.branches:
            x = x + branch(inputs, training=training)
        return x

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        branches = [branch.deploy(clip).images for branch in self.branches]
        return clip.each(lambda x: sum(branches, start=x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "paths": self.paths, "reduction": self.reduction}


def tcc_layers(layer: layers.Layer) -> list[TCC]:
    """Returns the TCC layers in a CTM block or one of its parts."""
    if isinstance(layer, TCC):
        return [layer]
    if isinstance(layer, TCCM):
        return [layer.temporal]
    return [tcc for part in getattr(layer, "branches", ()) for tcc in tcc_layers(part)]


def ctm(
    anatomy: Anatomy,
    paths: tuple[str, ...] = PATHS,
    stages: tuple[int, ...] | str = (4,),
    blocks: int | tuple[int, ...] | str | None = None,
    reduction: int = 4,
) -> list[Graft]:
    """CTM blocks after residual blocks: by default three in Res4, the stride-16 stage.

    Args:
        anatomy: Anatomy of the image model.
        paths: `"tccm"`, `"temporal"` or both (Table 1).
        stages: Stages with CTM blocks, 2 to 5 as in Res2 to Res5 (Table 2); `"head"` for one block
            on the features that the head reads.
        blocks: Number of blocks in each stage, a tuple of the residual blocks to follow, counted
            from 1, or `"all"` (Table 3). Defaults to the paper's: three in Res4, one elsewhere.
            Blocks are spread evenly (three in ResNet-50: after 1, 3, 5; in ResNet-101: after 6,
            12, 18); a single block follows the last residual block but one.
        reduction: Reduction ratio of the channels, C1 / C2.
    """
    sites = block_sites(anatomy, "block_output", stages, blocks, {4: 3}, "CTM")
    return [Graft(site, "after", CTM(paths, reduction, name=f"{site.block}_ctm")) for site in sites]
