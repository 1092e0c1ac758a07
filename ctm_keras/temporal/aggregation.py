"""Plain temporal aggregation in the places of TAM: convolution, average and maximum.

Chen et al., Deep Analysis of CNN-based Spatio-temporal Representations for Action Recognition,
CVPR 2021, arXiv 2010.11757, Table 5. Details that the paper omits follow its code: TAM with full
instead of depthwise kernels, and its temporal pooling.
"""

from typing import Any

import keras
from keras import layers, ops

from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft
from ..engine.plain import copied
from ..types import Shape, Tensor
from ._frames import over_frames
from ._places import before_residual_branches
from .pooling import TemporalPooling


@keras.saving.register_keras_serializable("ctm_keras")
class FrameConv(layers.Layer):
    """Temporal convolution over all channels, 3 x 1 x 1, and ReLU.

    It has no bias and zeros beyond the clip. The initial kernel is normal with variance
    2 / channels.

    Args:
        size: Temporal size of the kernel.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        The same.

    Raises:
        ValueError: If `size` is not an odd number.

    Example:
        >>> FrameConv()(np.ones((2, 8, 14, 14, 256), "float32")).shape
        (2, 8, 14, 14, 256)

    Reference:
        Table 5 of arXiv 2010.11757, Conv.
    """

    def __init__(self, size: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not (isinstance(size, int) and size >= 1 and size % 2):
            raise ValueError(f"size must be a positive odd number, received {size!r}.")
        self.size = size

    def build(self, input_shape: Shape) -> None:
        _, frames, height, width, channels = input_shape
        self.conv = layers.Conv2D(
            channels,
            (self.size, 1),
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=(2 / channels) ** 0.5),
            dtype=self.dtype_policy,
            name="conv",
        )
        self.conv.build((None, frames, height * width, channels))

    def call(self, inputs: Tensor) -> Tensor:
        return ops.relu(over_frames(inputs, self.conv))

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        return clip.over_frames(lambda x: ops.relu(copied(self.conv, x)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


def conv_aggregation(anatomy: Anatomy, size: int = 3, stages: str | None = None) -> list[Graft]:
    """Temporal convolutions over all channels, in the places of TAM.

    Args:
        anatomy: Anatomy of the image model.
        size: Temporal size of the kernel, an odd number.
        stages: `"head"` for a single layer, on the features that the head reads.
    """
    return before_residual_branches(
        anatomy, stages, "aggregation", lambda name: FrameConv(size, name=name)
    )


def avg_aggregation(anatomy: Anatomy, stages: str | None = None) -> list[Graft]:
    """Averages of each frame and its neighbors, in the places of TAM; no weights.

    Args:
        anatomy: Anatomy of the image model.
        stages: `"head"` for a single layer, on the features that the head reads.
    """
    return before_residual_branches(
        anatomy, stages, "avg_aggregation", lambda name: TemporalPooling("avg", 1, name=name)
    )


def max_aggregation(anatomy: Anatomy, stages: str | None = None) -> list[Graft]:
    """Maxima of each frame and its neighbors, in the places of TAM; no weights.

    Args:
        anatomy: Anatomy of the image model.
        stages: `"head"` for a single layer, on the features that the head reads.
    """
    return before_residual_branches(
        anatomy, stages, "max_aggregation", lambda name: TemporalPooling("max", 1, name=name)
    )
