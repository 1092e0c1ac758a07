"""TAM: temporal aggregation, a weighted sum of neighboring frames for each channel.

Fan et al., More Is Less: Learning Efficient Video Representations by Big-Little Network and
Depthwise Temporal Aggregation, NeurIPS 2019, arXiv 1912.00869.
"""

from functools import reduce
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ..arguments import check_choice, check_count
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft
from ..engine.plain import depthwise
from ..types import Shape, Tensor
from ._frames import weigh, weighed
from ._places import before_residual_branches

BLENDING = ("sum", "max")


@keras.saving.register_keras_serializable("ctm_keras")
class TAM(layers.Layer):
    """Temporal Aggregation Module: `y[t, c] = ReLU(sum_i w[i, c] x[t + i, c])`.

    Each of `blending_frames` frames around this one has a weight per channel. The module has no
    bias and zeros beyond the clip. The initial weights are normal with variance 2 / channels.

    Args:
        blending_frames: Number of frames in the window.
        blending: `"sum"` of the weighted frames, or `"max"`.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        The same.

    Raises:
        ValueError: If `blending_frames` is below 1 or `blending` is unknown.

    Example:
        >>> TAM()(np.ones((2, 8, 14, 14, 256), "float32")).shape
        (2, 8, 14, 14, 256)

    Reference:
        Section 3.2 of arXiv 1912.00869; initialization as in the code of arXiv 2010.11757.
    """

    def __init__(self, blending_frames: int = 3, blending: str = "sum", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_count("blending_frames", blending_frames)
        check_choice("blending", blending, BLENDING)
        self.blending_frames = blending_frames
        self.blending = blending

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        self.frame_weights = [
            self.add_weight(
                shape=(channels,),
                initializer=keras.initializers.RandomNormal(stddev=(2 / channels) ** 0.5),
                name=f"frame_{i}_kernel",
            )
            for i in range(self.blending_frames)
        ]

    def call(self, inputs: Tensor) -> Tensor:
        kernel = ops.stack([weight.value for weight in self.frame_weights])
        if self.blending == "sum":
            return ops.relu(weigh(inputs, kernel))
        return ops.relu(reduce(ops.maximum, weighed(inputs, kernel)))

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        kernel = np.stack([ops.convert_to_numpy(weight) for weight in self.frame_weights])
        if self.blending == "sum":
            return clip.over_frames(lambda x: ops.relu(depthwise(x, kernel, self.name)))
        single = [kernel * row[:, None] for row in np.eye(len(kernel))]
        parts = [
            clip.over_frames(lambda x, k=k, i=i: depthwise(x, k, f"{self.name}_{i}")).images
            for i, k in enumerate(single)
        ]
        return clip.each(lambda _: ops.relu(reduce(ops.maximum, parts)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "blending_frames": self.blending_frames,
            "blending": self.blending,
        }


def tam(
    anatomy: Anatomy,
    blending_frames: int = 3,
    blending: str = "sum",
    stages: str | None = None,
) -> list[Graft]:
    """Weighted sums of neighboring frames before each residual branch (temporal aggregation).

    In networks without residual branches, such as Inception, they follow each block.

    Args:
        anatomy: Anatomy of the image model.
        blending_frames: Number of frames in the window.
        blending: `"sum"` of the weighted frames, or `"max"`.
        stages: `"head"` for a single layer, on the features that the head reads.
    """
    return before_residual_branches(
        anatomy, stages, "tam", lambda name: TAM(blending_frames, blending, name=name)
    )
