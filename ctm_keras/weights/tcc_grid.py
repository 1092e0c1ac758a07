"""Interpolation of TCC kernels, one per position of the image, to another image size."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..temporal.ctm import TCC


def resized(
    path: str | Path, variable: keras.Variable, ours: TCC, theirs: TCC, interpolate_tcc: bool
) -> Any:
    """Returns a kernel, its interpolated value and a note; raises ValueError if not requested."""
    sizes = f"{theirs.height} x {theirs.width} to {ours.height} x {ours.width}"
    if not interpolate_tcc:
        raise ValueError(
            f"{variable.path} must have a kernel for each of {ours.height} x {ours.width} "
            f"positions, received {theirs.height} x {theirs.width} in {path}. Build the model with "
            "the image size of the file, or pass interpolate_tcc=True (--interpolate-tcc) to "
            "interpolate the kernels."
        )
    kernel = keras.ops.convert_to_numpy(theirs.kernel)
    value = resize_grid(kernel, (theirs.height, theirs.width), (ours.height, ours.width))
    return variable, value, f"{variable.path} from {sizes}"


def resize_grid(kernel: np.ndarray, old: tuple[int, int], new: tuple[int, int]) -> np.ndarray:
    """Interpolates a grid of kernels bilinearly, like a resized image (half-pixel centers).

    Args:
        kernel: Kernels `(rows, columns, height * width, 1)`.
        old: Height and width of the grid.
        new: Height and width of the new grid.
    """
    down, across = (_linear(a, b) for a, b in zip(old, new, strict=True))
    grid = kernel.reshape(*kernel.shape[:2], *old)
    grid = np.einsum("yh,ijhw,xw->ijyx", down, grid, across)
    return grid.reshape(*kernel.shape[:2], -1, 1).astype(kernel.dtype)


def _linear(old: int, new: int) -> np.ndarray:
    """Returns the matrix `(new, old)` that interpolates a line."""
    centers = (np.arange(new) + 0.5) * old / new - 0.5
    return np.stack([np.interp(centers, np.arange(old), row) for row in np.eye(old)], axis=1)
