"""Folding clips into images for the backbone, and unfolding them for temporal layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from ..types import Shape, Tensor


@keras.saving.register_keras_serializable("ctm_keras")
class Fold(keras.layers.Layer):
    """Moves the frames of clips into the batch axis, for an image model.

    Clips with a different number of frames are an error, even if the number is known only at run
    time: otherwise `Unfold` would mix frames of different clips.

    Input shape:
        `(batch, frames, ...)` with a fixed number of frames.

    Output shape:
        `(batch * frames, ...)`
    """

    def build(self, input_shape: Shape) -> None:
        self.num_frames = input_shape[1]

    def call(self, inputs: Tensor) -> Tensor:
        images = ops.shape(inputs)[0] * self.num_frames  # not -1, which accepts any number
        return ops.reshape(inputs, (images, *inputs.shape[2:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (None, *input_shape[2:])


@keras.saving.register_keras_serializable("ctm_keras")
class Unfold(keras.layers.Layer):
    """Restores the clips from the batch axis: the inverse of `Fold`.

    Args:
        num_frames: Number of frames in a clip at this point of the network.

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


@dataclass(frozen=True)
class Folded:
    """A clip whose frames stay folded: in deployable models it stands for a 5-D tensor.

    Args:
        images: `(batch * frames, height, width, channels)`.
        frames: Number of frames in a clip.
    """

    images: Tensor
    frames: int

    @classmethod
    def of(cls, clip: "Folded | Tensor") -> "Folded":
        """Folds a 5-D tensor, unless that is done already."""
        return clip if isinstance(clip, Folded) else cls(Fold(dtype="float32")(clip), clip.shape[1])

    @property
    def planes(self) -> Tensor:
        """The clip as `(batch, frames, height * width, channels)`."""
        _, height, width, channels = self.images.shape
        return ops.reshape(self.images, (-1, self.frames, height * width, channels))

    def each(self, function: Callable) -> "Folded":
        """Applies a function of images to each frame."""
        return Folded(function(self.images), self.frames)

    def over_frames(self, function: Callable) -> "Folded":
        """Applies a function of `planes` that keeps the positions."""
        _, height, width, _ = self.images.shape
        x = function(self.planes)
        return Folded(ops.reshape(x, (-1, height, width, x.shape[-1])), x.shape[1])
