"""CoST: one kernel shared by three views of a clip, and the baselines of its paper.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019.
"""

from typing import Any

import keras
import numpy as np
from keras import activations, initializers, layers, ops

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft, Site
from ..types import Shape, Tensor
from ._c2d import every_second, pool_frames

KINDS = ("a", "b")
VIEWS = ("hw", "tw", "th")


@keras.saving.register_keras_serializable("ctm_keras")
class CoST(layers.Layer):
    """Collaborative SpatioTemporal convolution: one k x k kernel along H-W, T-W and T-H.

    `y = a_hw (x * w_1kk) + a_tw (x * w_k1k) + a_th (x * w_kk1)`: a 2-D convolution of each view,
    with the same weights, and a softmax over the views for each channel of the output. In
    CoST(a) the coefficients are weights, and start at 0.67, 0.165 and 0.165; in CoST(b) the
    network predicts them for each clip: the views' global maxima go through a layer over the
    channels, which the views share, and one over the views.

    It stands instead of a 2-D convolution and adopts its weights. A view that lacks an axis is
    centered there as the 2-D kernel is; beyond the first and last frame there are zeros.

    Args:
        filters: Channels of the output.
        kernel_size: Height and width of the kernel, and its length in time: an odd number.
        kind: `"a"` or `"b"`.
        share_weights: Whether the views share the kernel (Table 3).
        strides: Strides in height and width.
        padding: `"same"` or `"valid"` in height and width, as of a `Conv2D`.
        use_bias: Whether a bias is added.
        activation: Activation that follows, as of a `Conv2D`.

    Input shape:
        `(batch, frames, height, width, channels)`

    Output shape:
        `(batch, frames, new_height, new_width, filters)`

    Raises:
        ValueError: If there is no such `kind` or `padding`, or the kernel's size is even.

    Example:
        >>> CoST(256)(np.ones((2, 8, 14, 14, 256), "float32")).shape
        (2, 8, 14, 14, 256)

    Reference:
        Equations 1 to 3 and Figures 4 and 5 of the paper.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        kind: str = "b",
        share_weights: bool = True,
        strides: int = 1,
        padding: str = "same",
        use_bias: bool = False,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value, choices in (
            ("kind", kind, KINDS),
            ("padding", padding, ("same", "valid")),
        ):
            if value not in choices:
                raise ValueError(f"`{name}` is {' or '.join(choices)}; received {value!r}.")
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` is an odd number; received {kernel_size!r}.")
        self.filters = filters
        self.kernel_size = kernel_size
        self.kind = kind
        self.share_weights = share_weights
        self.strides = strides
        self.padding = padding
        self.use_bias = use_bias
        self.activation = activations.get(activation)

    def build(self, input_shape: Shape) -> None:
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        names = ["kernel"] if self.share_weights else [f"kernel_{view}" for view in VIEWS]
        self.kernels = [self.add_weight(shape, "he_normal", name=name) for name in names]
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), "zeros", name="bias")
        if self.kind == "a":
            self.alpha = self.add_weight((3, self.filters), _spatial_first, name="alpha")
        else:
            self.channels_fc = self._fc(self.filters, "channels_fc")
            self.views_fc = self._fc(len(VIEWS), "views_fc")

    def call(self, inputs: Tensor) -> Tensor:
        views = self._views(inputs)
        weights = ops.expand_dims(self._coefficients(views), (2, 3, 4))
        x = sum(view * weights[:, i] for i, view in enumerate(views))
        if self.use_bias:
            x = x + ops.cast(self.bias, x.dtype)
        return self.activation(x)

    def coefficients(self, inputs: Tensor) -> Tensor:
        """The weights of the views, `(batch, 3, filters)`; those of CoST(a) are for all clips."""
        return self._coefficients(self._views(inputs) if self.kind == "b" else [])

    def adopt(self, replaced: layers.Layer) -> None:
        """Takes the kernel and the bias of a 2-D convolution; each view, if they share none."""
        for kernel in self.kernels:
            kernel.assign(replaced.kernel)
        if self.use_bias:
            self.bias.assign(replaced.bias)

    def _coefficients(self, views: list) -> Tensor:
        if self.kind == "a":
            return ops.softmax(ops.cast(self.alpha, self.compute_dtype), axis=0)[None]
        maxima = ops.stack([ops.max(view, axis=(1, 2, 3)) for view in views], axis=1)
        scores = ops.transpose(self.channels_fc(maxima), (0, 2, 1))
        return ops.transpose(ops.softmax(self.views_fc(scores), axis=-1), (0, 2, 1))

    def _views(self, x: Tensor) -> list:
        """The convolutions of the three views, each of the shape of the output."""
        kernels = [ops.cast(kernel, self.compute_dtype) for kernel in self.kernels]
        kernels = kernels * (1 if len(kernels) > 1 else len(VIEWS))
        kernels = [ops.expand_dims(kernel, axis) for axis, kernel in enumerate(kernels)]
        if self.padding == "same" and self.strides == 1:
            return [ops.conv(x, kernel, padding="same") for kernel in kernels]
        strides = (1, self.strides, self.strides)
        first = ops.conv(x, kernels[0], strides=strides, padding=self.padding)
        others = (ops.conv(self._padded(x, i), kernels[i], strides=strides) for i in (1, 2))
        return [first, *others]

    def _padded(self, x: Tensor, axis: int) -> Tensor:
        """The clip with zeros around it, but where the center of the missing axis does not come.

        Those of time come last: TensorFlow's optimizer fails on a Pad before a Conv3D.
        """
        margin = self.kernel_size // 2
        if self.padding == "same":
            x = ops.pad(x, [(0, 0), (0, 0), *map(self._same, x.shape[2:4]), (0, 0)])
        inner = slice(margin, x.shape[1 + axis] - margin)
        x = x[:, :, inner] if axis == 1 else x[:, :, :, inner]
        beyond = ops.zeros_like(x[:, :margin])
        return ops.concatenate([beyond, x, beyond], axis=1)

    def _same(self, size: int) -> tuple[int, int]:
        """The zeros on both sides with which a strided convolution is "same"."""
        total = (-(-size // self.strides) - 1) * self.strides + self.kernel_size - size
        return max(total, 0) // 2, max(total, 0) - max(total, 0) // 2

    def _fc(self, size: int, name: str) -> layers.Layer:
        initializer = initializers.RandomNormal(stddev=0.01)
        fc = layers.Dense(
            size,
            use_bias=False,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )
        fc.build((None, None, size))
        return fc

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *image, _ = input_shape
        reach = 0 if self.padding == "same" else self.kernel_size - 1
        image = [None if n is None else -(-(n - reach) // self.strides) for n in image]
        return (batch, frames, *image, self.filters)

    def get_config(self) -> dict[str, Any]:
        options = ("filters", "kernel_size", "kind", "share_weights", "strides", "padding")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in (*options, "use_bias")},
            "activation": activations.serialize(self.activation),
        }


def cost(
    anatomy: Anatomy,
    kind: str = "b",
    share_weights: bool = True,
    pooling: str | None = "paper",
    temporal_pooling: bool | str = False,
) -> list[Graft]:
    """CoST: one 3 x 3 kernel along H-W, T-W and T-H, in every second residual block.

    It stands instead of the k x k convolution of a block; of the two of a basic block, the first.

    Args:
        anatomy: Anatomy of the image model.
        kind: How the coefficients of the views come: `"a"`, weights; `"b"`, predicted (Table 2).
        share_weights: Whether the views share the kernel (Table 3).
        pooling: How frames are pooled. `"paper"`: the stem's max pooling reaches over three and a
            maximum of three halves their number after Res2 (Table 1); `"code"`: a maximum of two
            after Res2, as in the official code; `"code32"`: its network for 32 frames, which the
            stem, 5 x 7 x 7, and its max pooling halve, too; None: none.
        temporal_pooling: Whether the analysis paper's poolings stand instead.
    """
    convolutions = [
        Graft(site, "instead", _like(anatomy, site, kind, share_weights))
        for site in every_second(anatomy.at("middle"))
    ]
    return convolutions + pool_frames(anatomy, pooling, temporal_pooling)


def _like(anatomy: Anatomy, site: Site, kind: str, share_weights: bool) -> CoST:
    """The CoST layer that stands instead of a convolution."""
    conv = site.operation
    size, *other_sizes = set(conv.kernel_size)
    if not isinstance(conv, layers.Conv2D) or conv.groups > 1 or size == 1 or other_sizes:
        raise ValueError(
            f"CoST shares the square kernel of an ordinary convolution with the views over time, "
            f"but {conv.name} of {anatomy.backbone} is {_described(conv)}. Take a ResNet."
        )
    return CoST(
        conv.filters,
        size,
        kind,
        share_weights,
        strides=conv.strides[0],
        padding=conv.padding,
        use_bias=conv.use_bias,
        activation=conv.activation,
        name=conv.name,
    )


def _described(conv: keras.Layer) -> str:
    size = " x ".join(map(str, conv.kernel_size))
    grouped = getattr(conv, "groups", 1) > 1
    return f"a {size} {'grouped ' * grouped}{type(conv).__name__}"


def _spatial_first(shape: Shape, dtype: str | None = None) -> Tensor:
    """Coefficients before the softmax: the H-W view outweighs the others four to one."""
    return ops.convert_to_tensor(np.full(shape, -0.7) + 1.4 * np.eye(3)[:, :1], dtype)
