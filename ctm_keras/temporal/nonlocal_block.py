"""Non-local blocks: self-attention over all positions of a clip.

Wang et al., Non-local Neural Networks, CVPR 2018, arXiv 1711.07971.
"""

import functools
from typing import Any

import keras
from keras import layers, ops

from ..arguments import check_choice, check_count
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft
from ..engine.plain import copied, pointwise
from ..types import Shape, Tensor
from ._places import block_sites

MODES = ("embedded_gaussian", "gaussian", "dot_product")


@keras.saving.register_keras_serializable("ctm_keras")
class NonLocal(layers.Layer):
    """Non-local block: `x + BN(W sum_j f(x_i, x_j) g(x_j))` over all positions of all frames.

    `f` is the softmax over j of `theta(x_i) . phi(x_j)` (embedded Gaussian) or of `x_i . x_j`
    (Gaussian), or `theta(x_i) . phi(x_j)` divided by the number of positions (dot product).
    Theta, phi, g and W are 1 x 1 x 1 convolutions with biases; their kernels start as
    N(0, 0.01). The batch norm starts at zero, so that a new block is the identity.

    Args:
        mode: `"embedded_gaussian"` (softmax), `"gaussian"` or `"dot_product"`.
        reduction: Reduction ratio of the channels of theta, phi and g.
        sub_sample: Whether to max-pool phi and g by 2 x 2 positions.
        scale: Whether to divide the products of the embedded Gaussian by the square root of their
            length.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        The same.

    Raises:
        ValueError: If `mode` is unknown, `reduction` is below 1, or the maps are too small for
            `sub_sample`.

    Example:
        >>> NonLocal()(np.ones((2, 8, 14, 14, 64), "float32")).shape
        (2, 8, 14, 14, 64)

    Reference:
        Equations 1 to 6 of arXiv 1711.07971.
    """

    def __init__(
        self,
        mode: str = "embedded_gaussian",
        reduction: int = 2,
        sub_sample: bool = True,
        scale: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("mode", mode, MODES)
        check_count("reduction", reduction)
        self.mode = mode
        self.reduction = reduction
        self.sub_sample = bool(sub_sample)
        self.scale = bool(scale)

    def build(self, input_shape: Shape) -> None:
        *_, height, width, channels = input_shape
        if self.sub_sample and min(height, width) < 2:
            raise ValueError(
                f"The maps of {self.name} must be at least 2 x 2 for sub_sample, received "
                f"{height} x {width}. Use sub_sample=False or larger images."
            )
        inner = max(1, channels // self.reduction)
        embedded = self.mode != "gaussian"
        self.theta = self._linear("theta", channels, inner) if embedded else None
        self.phi = self._linear("phi", channels, inner) if embedded else None
        self.g = self._linear("g", channels, inner)
        self.out = self._linear("out", inner, channels)
        self.bn = layers.BatchNormalization(
            momentum=0.9,
            epsilon=1e-5,
            gamma_initializer="zeros",
            dtype=self.dtype_policy,
            name="bn",
        )
        self.bn.build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        _, frames, height, width, _ = inputs.shape
        queries = self.theta(inputs) if self.theta else inputs
        keys = self._positions(self.phi(inputs) if self.phi else inputs, frames)
        values = self._positions(self.g(inputs), frames)
        queries = ops.reshape(queries, (-1, frames, height * width, queries.shape[-1]))
        x = self._attention(queries, ops.transpose(keys, (0, 2, 1)), values)
        x = ops.reshape(x, (-1, frames, height, width, values.shape[-1]))
        return inputs + self.bn(self.out(x), training=training)

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames, with 1 x 1 convolutions in place of Dense."""
        embedded = [self.theta, self.phi, self.g]
        queries, *others = (pointwise(f, clip.images) if f else clip.images for f in embedded)
        keys, values = (self._positions(x, clip.frames) for x in others)
        keys = ops.transpose(keys, (0, 2, 1))
        x = Folded(queries, clip.frames).over_frames(lambda x: self._attention(x, keys, values))
        return clip.each(lambda y: y + copied(self.bn, pointwise(self.out, x.images)))

    def _attention(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attends frame by frame to save memory."""
        if self.mode == "dot_product":  # the cheaper order of the matrix products
            summary = ops.matmul(keys, values) / keys.shape[-1]
            return ops.matmul(queries, summary[:, None])
        if self.scale and self.mode == "embedded_gaussian":
            queries = queries / keys.shape[-2] ** 0.5
        pairs = (ops.matmul(frame, keys) for frame in ops.unstack(queries, axis=1))
        return ops.stack([ops.matmul(ops.softmax(p), values) for p in pairs], axis=1)

    def _positions(self, x: Tensor, frames: int) -> Tensor:
        """Reshapes clips or images to `(batch, positions, channels)`, sub-sampled if requested."""
        *_, height, width, channels = x.shape
        if self.sub_sample:
            x = ops.max_pool(ops.reshape(x, (-1, height, width, channels)), 2, 2)
            height, width = height // 2, width // 2
        return ops.reshape(x, (-1, frames * height * width, channels))

    def _linear(self, name: str, channels: int, filters: int) -> keras.Layer:
        normal = keras.initializers.RandomNormal(stddev=0.01)
        layer = layers.Dense(filters, kernel_initializer=normal, dtype=self.dtype_policy, name=name)
        layer.build((None, channels))
        return layer

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mode": self.mode,
            "reduction": self.reduction,
            "sub_sample": self.sub_sample,
            "scale": self.scale,
        }


def nonlocal_block(
    anatomy: Anatomy,
    mode: str = "embedded_gaussian",
    stages: tuple[int, ...] | str = (3, 4),
    blocks: int | tuple[int, ...] | str | None = None,
    reduction: int = 2,
    sub_sample: bool = True,
    scale: bool = False,
) -> list[Graft]:
    """Non-local blocks, self-attention over all positions: two in Res3, three in Res4.

    Args:
        anatomy: Anatomy of the image model.
        mode: `"embedded_gaussian"` (softmax), `"gaussian"` or `"dot_product"`.
        stages: Stages with non-local blocks, 2 to 5 as in Res2 to Res5; `"head"` for one block
            on the features that the head reads.
        blocks: Number of blocks in each stage, a tuple of the residual blocks to follow, counted
            from 1, or `"all"`. Defaults to two in Res3 and three in Res4, spread evenly (in
            ResNet-50 after blocks 1 and 3, and 1, 3 and 5), and one elsewhere.
        reduction: Reduction ratio of the channels.
        sub_sample: Whether to max-pool phi and g by 2 x 2 positions.
        scale: Whether to divide products by the square root of their length.
    """
    sites = block_sites(anatomy, "block_output", stages, blocks, {3: 2, 4: 3}, "non-local")
    make = functools.partial(NonLocal, mode, reduction, sub_sample, scale)
    return [Graft(site, "after", make(name=f"{site.block}_nonlocal")) for site in sites]
