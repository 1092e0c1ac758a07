"""Pixels to what the image model was trained on, always in float32."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

import keras
from keras import ops

from ..names import unknown_name
from ..types import Shape, Tensor

ORDERS = ("rgb", "bgr")


@dataclass(frozen=True)
class Preprocessing:
    """What a family of backbones expects: `(pixel - mean) / scale` for each channel.

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
            raise ValueError(f"`channels` is rgb or bgr; received {self.channels!r}.")
        for name in ("mean", "scale"):  # JSON has lists
            values = getattr(self, name)
            numbers = tuple(values) if isinstance(values, Iterable) else ()
            if len(numbers) != 3 or not all(isinstance(number, Real) for number in numbers):
                raise ValueError(
                    f"`{name}` is a number for each of 3 channels; received {values!r}."
                )
            object.__setattr__(self, name, numbers)

    @classmethod
    def of(cls, value: "Preprocessing | dict") -> "Preprocessing":
        """The preprocessing that an argument describes.

        Raises:
            ValueError: If it is neither a `Preprocessing` nor a dict of its arguments.
        """
        if isinstance(value, cls):
            return value
        names = [field.name for field in fields(cls)]
        if not isinstance(value, dict):
            raise ValueError(
                f"`preprocessing` is a Preprocessing or a dict of {', '.join(names)}; received "
                f"{value!r}."
            )
        for name in value:
            if name not in names:
                raise unknown_name("part of `preprocessing`", name, names)
        return cls(**value)

    def ordered(self, channels: str) -> "Preprocessing":
        """The same for a network that reads its channels in this order."""
        if channels == self.channels:
            return self
        return Preprocessing(channels, self.mean[::-1], self.scale[::-1])


@keras.saving.register_keras_serializable("ctm_keras")
class Preprocess(keras.layers.Layer):
    """Channel order, mean and scale; computed in float32 whatever the dtype policy is.

    Args:
        channels: Order of the channels that leave, `"rgb"` or `"bgr"`.
        mean: Subtracted from each channel, in the order in which they leave.
        scale: Each channel is divided by it, in the order in which they leave.

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

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"channels": self.channels, "mean": self.mean, "scale": self.scale}
        return {**super().get_config(), **own}
