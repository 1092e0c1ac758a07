"""Temporal pooling: neighboring frames become one."""

from typing import Any

import keras
from keras import layers

from ..arguments import check_count
from ..engine.anatomy import Anatomy
from ..engine.graft import Graft
from ..types import Shape, Tensor
from ._frames import pool

STAGES = (2, 3, 4)
MODES = ("max", "avg")


@keras.saving.register_keras_serializable("ctm_keras")
class TemporalPooling(layers.Layer):
    """Maximum or average of each frame and its neighbors.

    Beyond the clip there are no frames for the maximum and zeros for the average.

    Args:
        mode: `"max"` or `"avg"`.
        stride: Every how many frames; 2 halves their number, and rounds it up.
        size: How many frames: 3, with one on each side, or 2, with the next.
        whole: Whether a window that reaches beyond the clip is left out.

    Input shape:
        `(batch, frames, height, width, channels)`, frames fixed.

    Output shape:
        `(batch, ceil(frames / stride), height, width, channels)`, less where windows are left out.

    Raises:
        ValueError: If there is no such `mode`, `stride` or `size` is below 1, or no window is
            whole.

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
        if mode not in MODES:
            raise ValueError(f"`mode` is one of {', '.join(MODES)}; received {mode!r}.")
        check_count("stride", stride)
        check_count("size", size)
        self.mode = mode
        self.stride = stride
        self.size = size
        self.whole = bool(whole)

    def build(self, input_shape: Shape) -> None:
        if self.whole and input_shape[1] < self.size:
            raise ValueError(
                f"{self.name} pools {self.size} frames, but {input_shape[1]} is all that a clip "
                "has there: take longer clips."
            )

    def call(self, inputs: Tensor) -> Tensor:
        return pool(inputs, self.stride, self.mode, self.size, self.whole)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, frames, *rest = input_shape
        if self.whole:
            frames = frames - self.size + 1
        return (batch, -(-frames // self.stride), *rest)

    def get_config(self) -> dict[str, Any]:
        names = ("mode", "stride", "size", "whole")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def temporal_pooling(anatomy: Anatomy, mode: bool | str = True) -> list[Graft]:
    """Pooling over frames after stages 2, 3 and 4: an eighth of the frames is left.

    Args:
        anatomy: Anatomy of the image model.
        mode: `"avg"`, or `"max"`, which True is, too.
    """
    sites = [site for site in anatomy.at("stage_output") if site.stage in STAGES]
    return [
        Graft(site, "after", TemporalPooling(mode_of(mode), name=f"{site.block}_temporal_pool"))
        for site in sites
    ]


def mode_of(pooling: bool | str) -> str:
    """The mode that the option `temporal_pooling` asks for: True is the maximum."""
    return pooling if isinstance(pooling, str) else "max"
