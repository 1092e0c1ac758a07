"""CoST: one kernel shared by three views of a clip.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import activations, initializers, layers, ops

from ..arguments import check_choice
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft, Site
from ..engine.plain import convolved, copied
from ..types import Shape, Tensor
from ._c2d import every_second, pool_frames
from ._frames import kernel_of_neighbors, with_neighbors

KINDS = ("a", "b")
VIEWS = ("hw", "tw", "th")


@keras.saving.register_keras_serializable("ctm_keras")
class CoST(layers.Layer):
    """Collaborative SpatioTemporal convolution: one k x k kernel along H-W, T-W and T-H.

    `y = a_hw (x * w_1kk) + a_tw (x * w_k1k) + a_th (x * w_kk1)`: 2-D convolutions of the three
    views with the same kernel, weighted by coefficients from a softmax over the views for each
    output channel. In CoST(a) the coefficients are weights, initialized to 0.67, 0.165 and 0.165.
    In CoST(b) they are predicted for each clip: the global maxima of the views pass a dense layer
    over the channels, shared by the views, and a dense layer over the views.

    It replaces a 2-D convolution and adopts its weights. Along its missing axis, a view is aligned
    with the center of the 2-D kernel. The clip is padded with zero frames.

    Args:
        filters: Number of output channels.
        kernel_size: Height, width and temporal size of the kernel, an odd number.
        kind: `"a"` or `"b"`.
        share_weights: Whether the views share the kernel (Table 3).
        strides: Stride in height and width.
        padding: `"same"` or `"valid"` in height and width, as in `Conv2D`.
        use_bias: Whether to add a bias.
        activation: Activation function, as in `Conv2D`.

    Input shape:
        `(batch, frames, height, width, channels)`

    Output shape:
        `(batch, frames, new_height, new_width, filters)`

    Raises:
        ValueError: If `kind` or `padding` is unknown, or `kernel_size` is even.

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
        check_choice("kind", kind, KINDS)
        check_choice("padding", padding, ("same", "valid"))
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, received {kernel_size!r}.")
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
        names = ["kernel"] if self.share_weights else [f"{view}_kernel" for view in VIEWS]
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

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same as 2-D convolutions of neighboring frames, side by side as channels."""
        wide = clip.over_frames(lambda x: with_neighbors(x, self.kernel_size, 1, "zero"))
        views = [self._deploy_view(i, wide if i else clip) for i in range(len(VIEWS))]
        planes = [view.planes for view in views]
        weights = ops.reshape(self._coefficients(planes, copied), (-1, len(VIEWS), 1, self.filters))
        x = sum(view * weights[:, i : i + 1] for i, view in enumerate(planes))
        if self.use_bias:
            x = x + ops.convert_to_numpy(self.bias)
        return views[0].over_frames(lambda _: self.activation(x))

    def _deploy_view(self, i: int, clip: Folded) -> Folded:
        """Returns a view; along its missing axis, images are cropped to kernel centers."""
        kernel = kernel_of_neighbors(ops.expand_dims(self.kernels[i % len(self.kernels)], i))
        name, padding, margin = f"{self.name}_{VIEWS[i]}", self.padding, self.kernel_size // 2
        if i and (padding, self.strides) != ("same", 1):
            pads = [self._same(n) if padding == "same" else (0, 0) for n in clip.images.shape[1:3]]
            (first, last), pads[i - 1], padding = pads[i - 1], (0, 0), "valid"
            crops = [(0, 0), (0, 0)]
            crops[i - 1] = (margin - first, margin - last)
            clip = clip.each(layers.Cropping2D(crops, dtype="float32"))
            clip = clip.each(layers.ZeroPadding2D(pads, dtype="float32"))
        return clip.each(
            lambda x: convolved(x, kernel, name=name, strides=self.strides, padding=padding)
        )

    def coefficients(self, inputs: Tensor) -> Tensor:
        """Returns the coefficients, `(batch, 3, filters)`, or for CoST(a) `(1, 3, filters)`."""
        return self._coefficients(self._views(inputs) if self.kind == "b" else [])

    def adopt(self, replaced: layers.Layer) -> None:
        """Copies the kernel, for each view if they are not shared, and the bias of a `Conv2D`."""
        for kernel in self.kernels:
            kernel.assign(replaced.kernel)
        if self.use_bias:
            self.bias.assign(replaced.bias)

    def _coefficients(self, views: list, call: Callable = keras.Layer.__call__) -> Tensor:
        if self.kind == "a":
            return ops.softmax(ops.cast(self.alpha, self.compute_dtype), axis=0)[None]
        inner = tuple(range(1, len(views[0].shape) - 1))
        maxima = ops.stack([ops.max(view, axis=inner) for view in views], axis=1)
        scores = ops.transpose(call(self.channels_fc, maxima), (0, 2, 1))
        return ops.transpose(ops.softmax(call(self.views_fc, scores), axis=-1), (0, 2, 1))

    def _views(self, x: Tensor) -> list:
        """Returns the convolutions of the three views, each in the shape of the output."""
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
        """Returns the clip, padded with zeros and cropped along the missing axis to kernel centers.

        Time is padded last: TensorFlow's graph optimizer fails on a Pad before a Conv3D.
        """
        margin = self.kernel_size // 2
        if self.padding == "same":
            x = ops.pad(x, [(0, 0), (0, 0), *map(self._same, x.shape[2:4]), (0, 0)])
        inner = slice(margin, x.shape[1 + axis] - margin)
        x = x[:, :, inner] if axis == 1 else x[:, :, :, inner]
        beyond = ops.zeros_like(x[:, :margin])
        return ops.concatenate([beyond, x, beyond], axis=1)

    def _same(self, size: int) -> tuple[int, int]:
        """Returns the zeros on both sides of a strided convolution with "same" padding."""
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

    It replaces the k x k convolution of a block, in a basic block the first one.

    Args:
        anatomy: Anatomy of the image model.
        kind: Whether the coefficients of the views are weights, `"a"`, or predicted, `"b"`
            (Table 2).
        share_weights: Whether the views share the kernel (Table 3).
        pooling: Where to pool frames. `"paper"`: the stem's max pooling spans three frames, and a
            max pooling of three frames halves them after Res2 (Table 1). `"code"`: a max pooling of
            two frames after Res2, as in the official code. `"code32"`: its network for 32 frames,
            in which a 5 x 7 x 7 stem and its max pooling halve the frames, too. None: no pooling.
        temporal_pooling: Whether to use the analysis paper's poolings instead.
    """
    convolutions = [
        Graft(site, "instead", _like(anatomy, site, kind, share_weights))
        for site in every_second(anatomy.at("middle"))
    ]
    return convolutions + pool_frames(anatomy, pooling, temporal_pooling)


def _like(anatomy: Anatomy, site: Site, kind: str, share_weights: bool) -> CoST:
    """Returns the CoST layer that replaces a convolution."""
    conv = site.operation
    size, *other_sizes = set(conv.kernel_size)
    if not isinstance(conv, layers.Conv2D) or conv.groups > 1 or size == 1 or other_sizes:
        raise ValueError(
            f"CoST must replace ordinary convolutions with square kernels, received {conv.name} of "
            f"{anatomy.backbone}, which is {_described(conv)}. Use a ResNet."
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
    """Returns initial logits of the coefficients: H-W outweighs each other view four to one."""
    return ops.convert_to_tensor(np.full(shape, -0.7) + 1.4 * np.eye(3)[:, :1], dtype)
