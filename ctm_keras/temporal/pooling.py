"""Temporal pooling of neighboring frames."""

from typing import Any

import keras
from keras import layers, ops

from ..arguments import check_choice, check_count
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft
from ..types import Shape, Tensor
from ._frames import extend, pool

STAGES = (2, 3, 4)
MODES = ("max", "avg")


@keras.saving.register_keras_serializable("ctm_keras")
class TemporalPooling(layers.Layer):
    """Temporal max or average pooling.

    Padding beyond the clip counts as zero in the average and is ignored in the maximum.

    Args:
        mode: `"max"` or `"avg"`.
        stride: Temporal stride. 2 halves the number of frames, rounded up.
        size: Number of frames in a window: 3, each frame with both neighbors, or 2, with the next.
        whole: Whether to drop windows that extend beyond the clip.

    Input shape:
        `(batch, frames, height, width, channels)` with a fixed number of frames.

    Output shape:
        `(batch, ceil(frames / stride), height, width, channels)`, fewer frames with `whole`.

    Raises:
        ValueError: If `mode` is unknown, `stride` or `size` is below 1, or the clip is too short
            for `whole`.

    Example:
        >>> TemporalPooling()(np.ones((2, 8, 56, 56, 256), "float32")).shape
        (2, 4, 56, 56, 256)

    Reference:
        Appendix B of arXiv 2010.11757.
    """

    def __init__(
        self, mode: str = "max", stride: int = 2, size: int = 3, whole: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_choice("mode", mode, MODES)
        check_count("stride", stride)
        check_count("size", size)
        self.mode = mode
        self.stride = stride
        self.size = size
        self.whole = bool(whole)

    def build(self, input_shape: Shape) -> None:
        if self.whole and input_shape[1] < self.size:
            raise ValueError(
                f"The clip at {self.name} must have at least {self.size} frames, received "
                f"{input_shape[1]}. Use longer clips."
            )

    def call(self, inputs: Tensor) -> Tensor:
        return pool(inputs, self.stride, self.mode, self.size, self.whole)

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames, as a 2-D pooling over frames and positions."""
        return clip.over_frames(self._pooled)

    def _pooled(self, planes: Tensor) -> Tensor:
        _, frames, *_ = planes.shape
        if not self.whole:
            before = (self.size - 1) // 2
            end = (frames - 1) // self.stride * self.stride + self.size - before
            padding = "replicate" if self.mode == "max" else "zero"
            planes = extend(planes, before, max(0, end - frames), padding)
        over = ops.max_pool if self.mode == "max" else ops.average_pool
        return over(planes, (self.size, 1), (self.stride, 1), padding="valid")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *rest = input_shape
        if self.whole:
            frames = frames - self.size + 1
        return (batch, -(-frames // self.stride), *rest)

    def get_config(self) -> dict[str, Any]:
        names = ("mode", "stride", "size", "whole")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def temporal_pooling(anatomy: Anatomy, mode: bool | str = True) -> list[Graft]:
    """Temporal pooling after stages 2, 3 and 4, which leaves an eighth of the frames.

    Args:
        anatomy: Anatomy of the image model.
        mode: `"avg"`, `"max"`, or True for `"max"`.
    """
    sites = [site for site in anatomy.at("stage_output") if site.stage in STAGES]
    return [
        Graft(site, "after", TemporalPooling(mode_of(mode), name=f"{site.block}_temporal_pool"))
        for site in sites
    ]


def mode_of(pooling: bool | str) -> str:
    """Returns the mode for a value of the option `temporal_pooling`; True means max pooling."""
    return pooling if isinstance(pooling, str) else "max"
