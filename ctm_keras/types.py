"""Type aliases for signatures."""

from typing import Any, TypeAlias

import keras

Tensor: TypeAlias = keras.KerasTensor  # or a tensor of the backend
Shape: TypeAlias = tuple[Any, ...]  # integers; None for an unknown size
