"""Inflated poolings of Inception-V1."""

from typing import Any

import keras
from keras import layers, ops

from ..arguments import check_choice
from ..engine.anatomy import Anatomy
from ..engine.folding import Folded
from ..engine.graft import Graft
from ..types import Tensor
from .pooling import TemporalPooling

POOLS = ("image", "reference")


@keras.saving.register_keras_serializable("ctm_keras")
class PaddedMaxPool(layers.Layer):
    """Max pooling of each frame with stride 2 and (size - 1) // 2 zeros on every side.

    It follows a ReLU, so that the zeros do not change the maxima.

    Args:
        size: Height and width of the window.

    Input shape:
        `(batch, frames, height, width, channels)`, all but the batch fixed.

    Output shape:
        `(batch, frames, ceil(height / 2), ceil(width / 2), channels)` if `size` is odd.
    """

    def __init__(self, size: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs: Tensor) -> Tensor:
        _, frames, *image = inputs.shape
        x = self._pooled(ops.reshape(inputs, (-1, *image)))
        return ops.reshape(x, (-1, frames, *x.shape[1:]))

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same on folded frames."""
        return clip.each(self._pooled)

    def _pooled(self, images: Tensor) -> Tensor:
        margin = (self.size - 1) // 2
        x = ops.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        return ops.max_pool(x, self.size, 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


def is_inception(anatomy: Anatomy) -> bool:
    """Returns whether a backbone is Inception-V1, whose poolings the papers inflate, too."""
    return anatomy.backbone == "inception_v1"


def inflated_pools(
    anatomy: Anatomy, pools: str, temporal_stride: bool | str, last_size: int
) -> list[Graft]:
    """Inflates all poolings but the first to three frames.

    Args:
        anatomy: Anatomy of Inception-V1.
        pools: Poolings over space: `"image"`, the image model's, or `"reference"`, those of the
            analysis paper's code, padded on all sides.
        temporal_stride: Whether the poolings between stages halve the frames.
        last_size: Size of the last pooling between stages with `"reference"`, over space and time.
    """
    check_choice("pools", pools, POOLS)
    if temporal_stride == "avg":
        raise ValueError(
            "temporal_pooling must be True or False for inception_v1, received 'avg'. Its poolings "
            "are max poolings. Networks of IBM's code with --pooling_method avg, which also "
            "average over space, are not supported."
        )
    between = [site for site in anatomy.at("pool") if site.operation.strides[0] > 1]
    grafts = []
    for site in anatomy.at("pool"):
        last = pools == "reference" and site is between[-1]
        if site in between and pools == "reference":
            pool = PaddedMaxPool(last_size if last else 3, name=site.operation.name)
            grafts.append(Graft(site, "instead", pool))
        if site is not between[0]:
            stride = 2 if temporal_stride and site in between else 1
            name = f"{site.operation.name}_temporal"
            size = last_size if last else 3
            layer = TemporalPooling(stride=stride, size=size, whole=size == 2, name=name)
            grafts.append(Graft(site, "after", layer))
    return grafts
