"""Preprocessing of pixels as in the training of the image model, always in float32."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import ops

from ..names import unknown_name
from ..types import Shape, Tensor
from .folding import Folded
from .plain import convolved

ORDERS = ("rgb", "bgr")


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of pixels: `(pixel - mean) / scale` for each channel.

    Args:
        channels: Order of the channels, `"rgb"` or `"bgr"`.
        mean: Mean of each channel in that order, in gray levels 0..255.
        scale: Scale of each channel in that order, in gray levels.
    """

    channels: str = "rgb"
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    scale: tuple[float, float, float] = (127.5, 127.5, 127.5)

    def __post_init__(self) -> None:
        if self.channels not in ORDERS:
            raise ValueError(f"channels must be 'rgb' or 'bgr', received {self.channels!r}.")
        for name in ("mean", "scale"):  # JSON has lists
            values = getattr(self, name)
            numbers = tuple(values) if isinstance(values, Iterable) else ()
            if len(numbers) != 3 or not all(isinstance(number, Real) for number in numbers):
                raise ValueError(
                    f"{name} must be three numbers, one per channel, received {values!r}."
                )
            object.__setattr__(self, name, numbers)

    @classmethod
    def of(cls, value: "Preprocessing | dict") -> "Preprocessing":
        """Converts an argument to a `Preprocessing`.

        Raises:
            ValueError: If it is neither a `Preprocessing` nor a dict of its arguments.
        """
        if isinstance(value, cls):
            return value
        names = [field.name for field in fields(cls)]
        if not isinstance(value, dict):
            raise ValueError(
                f"preprocessing must be a Preprocessing or a dict of {', '.join(names)}, received "
                f"{value!r}."
            )
        for name in value:
            if name not in names:
                raise unknown_name("key of preprocessing", name, names)
        return cls(**value)

    def ordered(self, channels: str) -> "Preprocessing":
        """Returns the same preprocessing for another order of the channels."""
        if channels == self.channels:
            return self
        return Preprocessing(channels, self.mean[::-1], self.scale[::-1])


@keras.saving.register_keras_serializable("ctm_keras")
class Preprocess(keras.layers.Layer):
    """Reorders and normalizes the channels, in float32 under any dtype policy.

    Args:
        channels: Order of the output channels, `"rgb"` or `"bgr"`.
        mean: Value to subtract from each output channel.
        scale: Value to divide each output channel by.

    Input shape:
        `(batch, frames, height, width, 3)`, RGB 0..255.

    Output shape:
        The same.
    """

    def __init__(
        self,
        channels: str = "rgb",
        mean: Sequence[float] = (0.0,) * 3,
        scale: Sequence[float] = (1.0,) * 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.channels = channels
        self.mean = tuple(mean)
        self.scale = tuple(scale)

    def call(self, inputs: Tensor) -> Tensor:
        if self.channels == "bgr":
            inputs = ops.flip(inputs, axis=-1)
        mean, scale = (ops.convert_to_tensor(x, "float32") for x in (self.mean, self.scale))
        return (inputs - mean) / scale

    def deploy(self, clip: Folded) -> Folded:
        """Returns the same as a 1 x 1 convolution."""
        order = np.eye(3)[::-1] if self.channels == "bgr" else np.eye(3)
        kernel, bias = (order / self.scale)[None, None], -np.divide(self.mean, self.scale)
        return clip.each(lambda x: convolved(x, kernel, bias, name=self.name))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"channels": self.channels, "mean": self.mean, "scale": self.scale}
        return {**super().get_config(), **own}
