"""S3D: separable 3-D convolutions, over space and then over time.

Xie et al., Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs in Video
Classification, ECCV 2018; with ResNets as in Chen et al., Deep Analysis of CNN-based
Spatio-temporal Representations for Action Recognition, CVPR 2021, arXiv 2010.11757.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import activations, initializers, layers, ops

from ..arguments import check_choice, check_count
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft, Site
from ..engine.plain import copied
from ..initializers import he_fan_out
from ..types import Shape, Tensor
from ._frames import every, over_frames
from ._inception import inflated_pools, is_inception
from .inflate import check_ordinary, inflated, strided_middles, strided_shortcuts
from .pooling import temporal_pooling as pooled

WIDTHS = ("same", "r2plus1d")


@keras.saving.register_keras_serializable("ctm_keras")
class TemporalUnit(layers.Layer):
    """Temporal convolution, 3 x 1 x 1, with batch norm and ReLU.

    It has no bias and zeros beyond the clip.

    Args:
        stride: Temporal stride.
        depthwise: Whether the convolution is depthwise.
        relu_first: Whether the ReLU precedes the convolution instead of following the batch norm,
            for sites that a sum with its own ReLU follows.
        epsilon: Epsilon of the batch norm.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        `(batch, ceil(frames / stride), height, width, channels)`

    Raises:
        ValueError: If `stride` is below 1.

    Example:
        >>> TemporalUnit()(np.ones((2, 8, 14, 14, 64), "float32")).shape
        (2, 8, 14, 14, 64)

    Reference:
        Section 3 of the S3D paper; ResNets as in arXiv 2010.11757.
    """

    def __init__(
        self,
        stride: int = 1,
        depthwise: bool = False,
        relu_first: bool = False,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("stride", stride)
        self.stride = stride
        self.depthwise = bool(depthwise)
        self.relu_first = bool(relu_first)
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        self.conv = _frame_conv(self, channels, self.stride, self.depthwise)
        self.conv.build(_planes(input_shape))
        self.bn = _batch_norm(self, self.epsilon)
        self.bn.build((*input_shape[:-1], channels))

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = ops.relu(inputs) if self.relu_first else inputs
        x = self.bn(_over_frames(self.conv, x, self.stride), training=training)
        return x if self.relu_first else ops.relu(x)

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        clip = clip.each(ops.relu) if self.relu_first else clip
        clip = clip.over_frames(lambda x: _convolved(self.conv, x, self.stride, copied))
        clip = clip.each(lambda x: copied(self.bn, x))
        return clip if self.relu_first else clip.each(ops.relu)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *rest = input_shape
        return (batch, -(-frames // self.stride), *rest)

    def get_config(self) -> dict[str, Any]:
        names = ("stride", "depthwise", "relu_first", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("ctm_keras")
class R2Plus1D(layers.Layer):
    """R(2+1)D convolution: over space, batch norm, ReLU, over time, with the weights of a 3-D one.

    For C input and F output channels it has `3 k k C F / (k k C + 3 F)` channels in between,
    rounded down, and thus as many weights as a 3-D convolution. It replaces a 2-D convolution but
    is newly initialized, because the shapes differ.

    Args:
        filters: Number of output channels, F.
        kernel_size: Height and width of the kernel.
        strides: Strides in frames, height and width.
        padding: `"same"` or `"valid"` in height and width, as in `Conv2D`.
        epsilon: Epsilon of the batch norm.
        use_bias: Whether to add a bias.
        activation: Activation function, as in `Conv2D`.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        `(batch, new_frames, new_height, new_width, filters)`

    Example:
        >>> R2Plus1D(64, (3, 3))(np.ones((2, 8, 14, 14, 64), "float32")).shape
        (2, 8, 14, 14, 64)

    Reference:
        Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition,
        CVPR 2018, Section 3.5.
    """

    newly_initialized = True

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        strides: tuple[int, int, int] = (1, 1, 1),
        padding: str = "same",
        epsilon: float = 1e-5,
        use_bias: bool = False,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.strides = tuple(strides)
        self.padding = padding
        self.epsilon = epsilon
        self.use_bias = use_bias
        self.activation = activations.get(activation)

    def build(self, input_shape: Shape) -> None:
        batch, frames, *image = input_shape
        area = self.kernel_size[0] * self.kernel_size[1]
        channels = image[-1]
        between = 3 * area * channels * self.filters // (area * channels + 3 * self.filters)
        self.spatial = layers.Conv2D(
            between,
            self.kernel_size,
            strides=self.strides[1:],
            padding=self.padding,
            use_bias=False,
            kernel_initializer=he_fan_out(),
            dtype=self.dtype_policy,
            name="spatial",
        )
        self.spatial.build((batch, *image))
        inside = (batch, frames, *self.spatial.compute_output_shape((batch, *image))[1:])
        self.bn = _batch_norm(self, self.epsilon)
        self.bn.build(inside)
        self.conv = _frame_conv(
            self, self.filters, self.strides[0], use_bias=self.use_bias, activation=self.activation
        )
        self.conv.build(_planes(inside))

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        _, frames, *image = inputs.shape
        x = self.spatial(ops.reshape(inputs, (-1, *image)))
        x = ops.reshape(x, (-1, frames, *x.shape[1:]))
        x = ops.relu(self.bn(x, training=training))
        return _over_frames(self.conv, x, self.strides[0])

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        clip = clip.each(lambda x: ops.relu(copied(self.bn, copied(self.spatial, x))))
        return clip.over_frames(lambda x: _convolved(self.conv, x, self.strides[0], copied))

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides", "padding", "epsilon", "use_bias")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": activations.serialize(self.activation),
        }


def s3d(
    anatomy: Anatomy,
    depthwise: bool = False,
    widths: str = "same",
    time_padding: str = "zero",
    inflation: str = "copy",
    pools: str = "image",
    temporal_pooling: bool | str = False,
) -> list[Graft]:
    """Separable convolutions: k x k becomes 1 x k x k followed by 3 x 1 x 1.

    Each has a batch norm and ReLU. The stem is inflated to 3 x 7 x 7. All poolings of Inception-V1
    but the first span three frames.

    Args:
        anatomy: Anatomy of the image model.
        depthwise: Whether the temporal convolutions are depthwise.
        widths: Channels between the two convolutions: `"same"` as the output, or `"r2plus1d"` for
            as many weights as in a 3 x k x k convolution, newly initialized.
        time_padding: Temporal padding of the stem, `"zero"` or `"replicate"`.
        inflation: Inflation of the stem, `"copy"` or `"divide"`.
        pools: Poolings of Inception-V1: `"image"`, or `"reference"` for the analysis paper's code,
            which pads them on all sides.
        temporal_pooling: Whether to halve the frames three times by temporal strides: in the first
            block of stages 3, 4 and 5 and its shortcut, or in Inception-V1's poolings.
    """
    check_choice("widths", widths, WIDTHS)
    if widths != "same" and depthwise:
        raise ValueError(
            f"widths must be 'same' with depthwise=True, received {widths!r}. Depthwise "
            "convolutions keep the number of channels."
        )
    (stem,) = anatomy.at("stem")
    grafts = [inflated(anatomy, stem, 3, time_padding=time_padding, inflation=inflation)]
    strided = strided_middles(anatomy, temporal_pooling)
    for middle, output in zip(anatomy.at("middle"), anatomy.at("middle_output"), strict=True):
        if middle.operation is not stem.operation:
            stride = 2 if middle in strided else 1
            grafts.append(
                _factorized(anatomy, middle, stride)
                if widths == "r2plus1d"
                else _followed(anatomy, output, middle, stride, depthwise)
            )
    if is_inception(anatomy):
        return grafts + inflated_pools(anatomy, pools, temporal_pooling, last_size=2)
    if strided:
        return grafts + strided_shortcuts(anatomy)
    return grafts + (pooled(anatomy, temporal_pooling) if temporal_pooling else [])


def _followed(anatomy: Anatomy, output: Site, middle: Site, stride: int, depthwise: bool) -> Graft:
    """Grafts a temporal unit after a convolution, its batch norm and its activation."""
    name = f"{middle.operation.name.removesuffix('_conv')}_temporal"
    relu_first = isinstance(output.operation, layers.BatchNormalization)
    unit = TemporalUnit(stride, depthwise, relu_first, _epsilon(anatomy), name=name)
    return Graft(output, "after", unit)


def _factorized(anatomy: Anatomy, middle: Site, stride: int) -> Graft:
    """Replaces a 2-D convolution by a factorized one."""
    conv = check_ordinary(anatomy, middle)
    layer = R2Plus1D(
        conv.filters,
        conv.kernel_size,
        (stride, *conv.strides),
        conv.padding,
        _epsilon(anatomy),
        conv.use_bias,
        conv.activation,
        name=conv.name,
    )
    return Graft(middle, "instead", layer)


def _epsilon(anatomy: Anatomy) -> float:
    """Returns the epsilon of the image model's batch norms."""
    norms = (x for x in anatomy.model.layers if isinstance(x, layers.BatchNormalization))
    return next((norm.epsilon for norm in norms), 1e-5)


def _frame_conv(
    owner: layers.Layer, channels: int, stride: int, depthwise: bool = False, **options: Any
) -> keras.Layer:
    """Returns a temporal convolution of `(batch, frames, positions, channels)`."""
    options = {"use_bias": False, "dtype": owner.dtype_policy, "name": "conv"} | options
    if depthwise:
        std = (2 / 3) ** 0.5
        normal = initializers.RandomNormal(stddev=std)
        options |= {"padding": "same", "depthwise_initializer": normal}
        return layers.DepthwiseConv2D((3, 1), **options)
    padding = "same" if stride == 1 else "valid"
    options |= {"strides": (stride, 1), "padding": padding, "kernel_initializer": he_fan_out()}
    return layers.Conv2D(channels, (3, 1), **options)


def _batch_norm(owner: layers.Layer, epsilon: float) -> keras.Layer:
    return layers.BatchNormalization(
        momentum=0.9, epsilon=epsilon, dtype=owner.dtype_policy, name="bn"
    )


def _planes(shape: Shape) -> tuple:
    """Returns the shape of flattened clips, padded with a zero frame at both ends."""
    batch, frames, height, width, channels = shape
    return (batch, frames + 2, height * width, channels)


def _over_frames(conv: keras.Layer, x: Tensor, stride: int) -> Tensor:
    return over_frames(x, lambda planes: _convolved(conv, planes, stride))


def _convolved(
    conv: keras.Layer, planes: Tensor, stride: int, call: Callable = keras.Layer.__call__
) -> Tensor:
    """Applies a temporal convolution to flattened clips; a depthwise one is strided afterwards.

    Keras' "same" would start strided convolutions at another frame for even numbers of frames.
    """
    if isinstance(conv, layers.DepthwiseConv2D):
        return every(call(conv, planes), stride)
    if conv.padding == "valid":
        planes = ops.pad(planes, ((0, 0), (1, 1), (0, 0), (0, 0)))
    return call(conv, planes)
