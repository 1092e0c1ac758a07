"""TSM: shifts a fraction of the channels along time, without weights or computation.

Lin et al., TSM: Temporal Shift Module for Efficient Video Understanding, ICCV 2019,
arXiv 1811.08383.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ..arguments import check_count
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft
from ..engine.plain import depthwise
from ..types import Shape, Tensor
from ._frames import shift
from ._places import at_head

DEEP = 23  # with as many blocks in the stride-16 stage, as in ResNet-101, every second one shifts


@keras.saving.register_keras_serializable("ctm_keras")
class TSM(layers.Layer):
    """Temporal shift module: shifts channels from the next and the previous frame.

    Of `fold_div` equal parts of the channels, the first is taken from the next frame and the
    second from the previous frame, with zeros beyond the clip. The others are unchanged. It has no
    weights.

    Args:
        fold_div: Number of parts of the channels.
        online: Whether to shift only from the past, for streams: the first part is taken from the
            previous frame, the others are unchanged.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        The same.

    Raises:
        ValueError: If `fold_div` is below 2, or above the number of channels.

    Example:
        >>> TSM()(np.ones((2, 8, 14, 14, 256), "float32")).shape
        (2, 8, 14, 14, 256)

    Reference:
        Sections 3.2 and 4.2 (online) of arXiv 1811.08383.
    """

    def __init__(self, fold_div: int = 8, online: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_count("fold_div", fold_div, 2)
        self.fold_div = fold_div
        self.online = bool(online)

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] < self.fold_div:
            raise ValueError(
                f"fold_div must be at most the number of channels, {input_shape[-1]} at "
                f"{self.name}, received {self.fold_div}."
            )

    def call(self, inputs: Tensor) -> Tensor:
        _, frames, height, width, channels = inputs.shape
        fold = channels // self.fold_div
        offsets = (-1,) if self.online else (1, -1)
        cuts = [fold * (i + 1) for i in range(len(offsets))]
        *parts, unchanged = ops.split(
            ops.reshape(inputs, (-1, frames, height * width, channels)), cuts, axis=-1
        )
        shifted = [shift(part, offset) for part, offset in zip(parts, offsets, strict=True)]
        x = ops.concatenate([*shifted, unchanged], axis=-1)
        return ops.reshape(x, (-1, frames, height, width, channels))

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames: a depthwise convolution, faster than moving parts."""
        channels = clip.images.shape[-1]
        fold, taps = channels // self.fold_div, np.ones(channels, int)
        for i, offset in enumerate((-1,) if self.online else (1, -1)):
            taps[fold * i : fold * (i + 1)] += offset
        return clip.over_frames(lambda x: depthwise(x, np.eye(3)[:, taps], self.name))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fold_div": self.fold_div, "online": self.online}


def tsm(
    anatomy: Anatomy,
    fold_div: int = 8,
    online: bool = False,
    every: int | None = None,
    stages: str | None = None,
) -> list[Graft]:
    """Shifted channels before the first convolution of residual branches; no weights.

    Args:
        anatomy: Anatomy of the image model.
        fold_div: Number of parts of the channels; one is taken from the next frame, one from the
            previous frame.
        online: Whether to shift only from the past: one part is taken from the previous frame.
        every: Interval of the blocks that shift, from the first of each stage. Defaults to 1, or to
            2 in deep networks with at least 23 blocks in the stride-16 stage, such as ResNet-101.
        stages: `"head"` to shift only the features that the head reads.
    """
    if stages is not None:
        (head,) = at_head(anatomy, stages)
        return [Graft(head, "after", TSM(fold_div, online, name=f"{head.block}_tsm"))]
    if every is None:
        deep = sum(site.role == "block_output" and site.stage == 4 for site in anatomy.sites)
        every = 2 if deep >= DEEP else 1
    check_count("every", every)
    return [
        Graft(site, "before", TSM(fold_div, online, name=f"{site.block}_tsm"))
        for site in anatomy.at("residual_entry")
        if (site.index - 1) % every == 0
    ]
