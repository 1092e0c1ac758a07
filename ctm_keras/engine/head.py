"""The head that all methods share: scores of each frame, averaged over the clip."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from ..types import Shape, Tensor
from .folding import Unfold


@keras.saving.register_keras_serializable("ctm_keras")
class AverageScores(layers.Layer):
    """Average of the frames' scores in float32 (TSN's consensus).

    This is the last layer of every video model. It also stores the metadata of the model.

    Args:
        class_names: Names of the classes in the order of the scores, or None.
        built_with: Method, backbone and options of the model, as formatted by `Origin`, or None.
        view: How clips are made from videos, see `ctm_keras.view_options`, or None.

    Input shape:
        `(batch, frames, classes)`

    Output shape:
        `(batch, classes)`

    Reference:
        Wang et al., Temporal Segment Networks, ECCV 2016.
    """

    def __init__(
        self,
        class_names: Sequence[str] | None = None,
        built_with: dict[str, Any] | None = None,
        view: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.built_with = built_with
        self.view = view
        self.class_names = None if class_names is None else list(class_names)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.mean(inputs, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        names = ("class_names", "built_with", "view")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def average_scores(
    features: Tensor, num_frames: int, num_classes: int, dropout: float, **notes: Any
) -> Tensor:
    """The head: global average pooling, dropout, Dense, mean over frames.

    Args:
        features: Symbolic tensor `(batch * num_frames, height, width, channels)`.
        num_frames: Number of frames in a clip after the backbone.
        num_classes: Number of classes.
        dropout: Dropout rate of the pooled features.
        **notes: Metadata for the last layer.
    """
    x = layers.GlobalAveragePooling2D(name="head_pool")(features)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    x = layers.Dense(num_classes, dtype="float32", name="scores")(x)
    x = Unfold(num_frames, dtype="float32", name="scores_unfold")(x)
    return AverageScores(**notes, name="logits")(x)
