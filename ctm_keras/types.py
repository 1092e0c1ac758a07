"""The types that signatures have in common."""

from typing import Any, TypeAlias

import keras

Tensor: TypeAlias = keras.KerasTensor  # in calls of layers: the backend's
Shape: TypeAlias = tuple[Any, ...]  # whole numbers; None where the size is open
