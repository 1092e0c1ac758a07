"""Inflation of 2-D convolutions to 3-D, and temporal strides."""

import functools
from typing import Any

import keras
from keras import activations, layers, ops

from ..arguments import check_choice
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft, Site
from ..engine.plain import convolved
from ..types import Shape, Tensor
from ._frames import every, extend, kernel_of_neighbors, with_neighbors

TIME_PADDINGS = ("replicate", "zero")
INFLATIONS = ("divide", "copy")
STRIDED_STAGES = (3, 4, 5)


@keras.saving.register_keras_serializable("ctm_keras")
class InflatedConv(layers.Layer):
    """3-D convolution that replaces a 2-D one and inflates its kernel.

    The 2-D kernel is repeated over the frames and either divided by their number, so that a still
    clip gives the features of the image, or copied.

    Args:
        filters: Number of output channels.
        kernel_size: Frames, height and width of the kernel. The number of frames must be odd.
        strides: Strides in frames, height and width.
        padding: `"same"` or `"valid"` in height and width, as in `Conv2D`.
        time_padding: Padding beyond the clip: `"replicate"` the first and last frame, or `"zero"`.
        inflation: `"divide"` or `"copy"`.
        dilation_rate: Dilation in height and width.
        use_bias: Whether to add a bias.
        activation: Activation function, as in `Conv2D`.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        `(batch, new_frames, new_height, new_width, filters)`

    Raises:
        ValueError: If the padding or inflation is unknown, or the kernel has an even number of
            frames.

    Example:
        >>> InflatedConv(64, (3, 3, 3))(np.ones((2, 8, 14, 14, 64), "float32")).shape
        (2, 8, 14, 14, 64)

    Reference:
        Carreira and Zisserman, Quo Vadis, Action Recognition?, CVPR 2017, Section 2.4.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int, int],
        strides: tuple[int, int, int] = (1, 1, 1),
        padding: str = "same",
        time_padding: str = "replicate",
        inflation: str = "divide",
        dilation_rate: tuple[int, int] = (1, 1),
        use_bias: bool = False,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("padding", padding, ("same", "valid"))
        check_choice("time_padding", time_padding, TIME_PADDINGS)
        check_choice("inflation", inflation, INFLATIONS)
        if kernel_size[0] % 2 == 0:
            raise ValueError(f"The temporal kernel size must be odd, received {kernel_size[0]}.")
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.strides = tuple(strides)
        self.padding = padding
        self.time_padding = time_padding
        self.inflation = inflation
        self.dilation_rate = tuple(dilation_rate)
        self.use_bias = use_bias
        self.activation = activations.get(activation)

    def build(self, input_shape: Shape) -> None:
        shape = (*self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape, "he_normal", name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), "zeros", name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        x, padding = self._padded(inputs)
        x = ops.conv(
            x,
            ops.cast(self.kernel, x.dtype),
            strides=self.strides,
            padding=padding,
            dilation_rate=(1, *self.dilation_rate),
        )
        if self.use_bias:
            x = x + ops.cast(self.bias, x.dtype)
        return self.activation(x)

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same as a 2-D convolution.

        A t x 1 x 1 convolution becomes one over frames and positions, another one becomes one of
        neighboring frames, side by side as channels.
        """
        kernel, *bias = self.get_weights()
        (size, *image), (stride, *strides) = self.kernel_size, self.strides
        conv = functools.partial(convolved, name=self.name, activation=self.activation)
        if image == strides == [1, 1]:
            ends = (size // 2, size // 2, self.time_padding)
            conv = functools.partial(conv, strides=(stride, 1))
            return clip.over_frames(lambda x: conv(extend(x, *ends), kernel[:, 0], *bias))
        conv = functools.partial(
            conv, strides=strides, padding=self.padding, dilation_rate=self.dilation_rate
        )
        clip = clip.over_frames(lambda x: with_neighbors(x, size, stride, self.time_padding))
        return clip.each(lambda x: conv(x, kernel_of_neighbors(kernel), *bias))

    def adopt(self, replaced: layers.Layer) -> None:
        """Inflates the kernel of a 2-D convolution and copies its bias."""
        frames = self.kernel_size[0]
        part = replaced.kernel / (frames if self.inflation == "divide" else 1)
        self.kernel.assign(ops.repeat(part[None], frames, axis=0))
        if self.use_bias:
            self.bias.assign(replaced.bias)

    def _padded(self, x: Tensor) -> Tensor:
        """Returns the padded clip and the padding that remains for the convolution.

        A convolution that pads by itself is faster, most of all on small maps.
        """
        if self.time_padding == "zero" and self.padding == "same" and self.strides[0] == 1:
            return x, "same"
        if self.padding == "same":
            image = [self._same(size, axis) for axis, size in enumerate(x.shape[2:4])]
            x = ops.pad(x, [(0, 0), (0, 0), *image, (0, 0)]) if any(map(any, image)) else x
        return self._with_neighbors(x), "valid"

    def _with_neighbors(self, x: Tensor) -> Tensor:
        """Pads the clip in time with its first and last frame, or with zeros.

        Time is padded after space: TensorFlow's graph optimizer fails on a Pad before a Conv3D.
        """
        reach = self.kernel_size[0] // 2
        if not reach:
            return x
        frames = list(ops.unstack(x, axis=1))
        ends = frames[0], frames[-1]
        if self.time_padding == "zero":
            ends = ops.zeros_like(frames[0]), ops.zeros_like(frames[0])
        return ops.stack([ends[0]] * reach + frames + [ends[1]] * reach, axis=1)

    def _same(self, size: int, axis: int) -> tuple[int, int]:
        """Returns the zeros on both sides of a 2-D convolution with "same" padding."""
        stride = self.strides[1 + axis]
        reach = (self.kernel_size[1 + axis] - 1) * self.dilation_rate[axis]
        total = max(0, (-(-size // stride) - 1) * stride + reach + 1 - size)
        return total // 2, total - total // 2

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *image, _ = input_shape
        if self.padding == "valid":
            reaches = zip(image, self.kernel_size[1:], self.dilation_rate, strict=True)
            image = [size - (kernel - 1) * rate for size, kernel, rate in reaches]
        sizes = zip((frames, *image), self.strides, strict=True)
        return (batch, *(-(-size // stride) for size, stride in sizes), self.filters)

    def get_config(self) -> dict[str, Any]:
        sizes = ("filters", "kernel_size", "strides", "padding", "dilation_rate")
        names = (*sizes, "time_padding", "inflation", "use_bias")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable("ctm_keras")
class FrameStride(layers.Layer):
    """Temporal stride: every `stride`-th frame from the first, as read by a strided convolution.

    Args:
        stride: Stride in frames.

    Input shape:
        `(batch, frames, ...)`

    Output shape:
        `(batch, ceil(frames / stride), ...)`
    """

    def __init__(self, stride: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs: Tensor) -> Tensor:
        return every(inputs, self.stride)

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        return clip.over_frames(lambda x: x[:, :: self.stride])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *rest = input_shape
        return (batch, -(-frames // self.stride), *rest)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stride": self.stride}


def inflated(anatomy: Anatomy, site: Site, frames: int, stride: int = 1, **options: Any) -> Graft:
    """Replaces a 2-D convolution by an `InflatedConv` with the same stride and padding.

    Args:
        anatomy: Anatomy of the image model.
        site: Site of the convolution.
        frames: Temporal size of the kernel.
        stride: Temporal stride.
        **options: Other arguments of `InflatedConv`.

    Raises:
        ValueError: If the convolution is depthwise or grouped.
    """
    conv = check_ordinary(anatomy, site)
    layer = InflatedConv(
        conv.filters,
        (frames, *conv.kernel_size),
        (stride, *conv.strides),
        conv.padding,
        dilation_rate=conv.dilation_rate,
        use_bias=conv.use_bias,
        activation=conv.activation,
        name=conv.name,
        **options,
    )
    return Graft(site, "instead", layer)


def check_ordinary(anatomy: Anatomy, site: Site) -> layers.Conv2D:
    """Returns the convolution at a site if it is neither depthwise nor grouped.

    Raises:
        ValueError: If it is depthwise or grouped.
    """
    conv = site.operation
    if not isinstance(conv, layers.Conv2D) or conv.groups > 1:
        raise ValueError(
            f"The convolution must be an ordinary Conv2D, received {conv.name} of "
            f"{anatomy.backbone}, a {'grouped ' * hasattr(conv, 'groups')}{type(conv).__name__}."
        )
    return conv


def strided_middles(anatomy: Anatomy, temporal_pooling: bool | str) -> list[Site]:
    """Returns the sites whose stride halves the frames: the first k x k of stages 3 to 5.

    Only blocks whose shortcut has a convolution can have a stride.

    Raises:
        ValueError: If `temporal_pooling` is `"avg"`, because strides do not average.
    """
    shortcuts = {site.block for site in _first_shortcuts(anatomy)} if temporal_pooling else ()
    if shortcuts and temporal_pooling == "avg":
        raise ValueError(
            f"temporal_pooling must be True or False for {anatomy.backbone}, where strides halve "
            "the frames, received 'avg'. Use True, which also matches IBM's code with "
            "--pooling_method avg."
        )
    found: dict[str, Site] = {}
    for site in anatomy.at("middle"):
        if site.block in shortcuts:
            found.setdefault(site.block, site)
    return list(found.values())


def strided_shortcuts(anatomy: Anatomy) -> list[Graft]:
    """Strides the shortcuts of `strided_middles`, too."""
    return [
        Graft(site, "before", FrameStride(name=f"{site.block}_frame_stride"))
        for site in _first_shortcuts(anatomy)
    ]


def _first_shortcuts(anatomy: Anatomy) -> list[Site]:
    return [
        site
        for site in anatomy.sites
        if site.role == "shortcut" and site.index == 1 and site.stage in STRIDED_STAGES
    ]
