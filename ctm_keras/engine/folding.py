"""Folding: frames as images for the backbone, clips for the temporal layers."""

from typing import Any

import keras
from keras import ops

from ..types import Shape, Tensor


@keras.saving.register_keras_serializable("ctm_keras")
class Fold(keras.layers.Layer):
    """Lays the frames of all clips into the batch, where an image model reads them.

    Clips of another number of frames are an error, also where it is known only at run time: they
    would be cut into clips anew, across their borders.

    Input shape:
        `(batch, frames, ...)`, frames fixed.

    Output shape:
        `(batch * frames, ...)`
    """

    def build(self, input_shape: Shape) -> None:
        self.num_frames = input_shape[1]

    def call(self, inputs: Tensor) -> Tensor:
        images = ops.shape(inputs)[0] * self.num_frames  # not -1, which any number would fit
        return ops.reshape(inputs, (images, *inputs.shape[2:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (None, *input_shape[2:])


@keras.saving.register_keras_serializable("ctm_keras")
class Unfold(keras.layers.Layer):
    """Gathers the frames of each clip again: the inverse of `Fold`.

    Args:
        num_frames: Frames of a clip at this place of the network.

    Input shape:
        `(batch * num_frames, ...)`

    Output shape:
        `(batch, num_frames, ...)`
    """

    def __init__(self, num_frames: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_frames = num_frames

    def call(self, inputs: Tensor) -> Tensor:
        return ops.reshape(inputs, (-1, self.num_frames, *inputs.shape[1:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (None, self.num_frames, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_frames": self.num_frames}
