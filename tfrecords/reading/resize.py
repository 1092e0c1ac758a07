"""The single definition of resizing, for shards, raw videos and served models.

A new pixel is a weighted mean of old pixels. Along an axis that shrinks, these are the pixels it
covers, each weighted by the fraction that is covered. Along an axis that grows, they are the two
nearest, weighted by distance in steps of 1/256 pixel. The mean over both axes is rounded once,
halves up.

All weights are integers, so sums are exact in any order: NumPy and the served graph compute the
same pixels bit for bit on every machine. OpenCV's INTER_AREA sums in float32 and does not.
"""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

STEPS = 256  # steps per pixel in OpenCV's INTER_LINEAR_EXACT
EXACT = 2**24  # float32 represents every integer up to here
BAND = 8  # new pixels computed by one matrix product


def weights(length: Any, size: int, xp: Any = np) -> Any:
    """Weights of the `length` old pixels in each of the `size` new ones: integers as float64.

    Args:
        length: Pixels along the axis before, a number or a scalar float64 tensor.
        size: Pixels along the axis after resizing.
        xp: The module that computes, NumPy or TensorFlow.

    Output shape:
        `(size, length)`. Each row sums to `total(length, size)`.
    """
    numbers = xp.arange if xp is np else xp.range
    old = numbers(length, dtype="float64")
    border = numbers(size + 1, dtype="float64")[:, None]
    left = xp.minimum(xp.maximum(border * length - old * size, 0.0), float(size))
    area = left[1:] - left[:-1]
    center = (border[:-1] + 0.5) * (1 / (size / length)) - 0.5  # rounded as OpenCV rounds it
    place = xp.minimum(xp.maximum(xp.round(center * STEPS), 0.0), (length - 1) * STEPS)
    nearest = xp.maximum(STEPS - abs(place - old * STEPS), 0.0)
    return xp.where(length > size, area, nearest)


def total(length: Any, size: int, xp: Any = np) -> Any:
    """The sum of the weights of a new pixel."""
    return xp.where(length > size, length, STEPS)


def mean(sums: Any, count: Any) -> Any:
    """`sums / count`, prepared so that a cast to uint8 rounds halves up. Works in place."""
    sums += count // 2
    sums /= count
    return sums


class Resize:
    """Resizes pictures of a fixed size to squares.

    Args:
        height: Height of the pictures in pixels.
        width: Width of the pictures in pixels.
        size: Height and width of the result in pixels, S.

    Input shape:
        uint8 `(height, width, 3)`.

    Output shape:
        uint8 `(S, S, 3)`.

    Example:
        >>> Resize(240, 240, 112)(np.zeros((240, 240, 3), np.uint8)).shape
        (112, 112, 3)
    """

    def __init__(self, height: int, width: int, size: int):
        self.sides, self.size = (height, width), size
        if max(self.sides) <= size:
            return
        self.count = int(total(height, size) * total(width, size))
        dtype = "float32" if STEPS * self.count <= EXACT else "float64"
        self.rows, self.columns = bands(height, size), bands(width, size, 3, dtype)
        # Reused for all pictures, since allocation takes longer than the sums.
        self.lines = np.empty((size, width * 3), "float32")
        self.sums = np.empty((size, size * 3), dtype)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        size = (self.size, self.size)
        if self.sides == size:
            return picture
        if max(self.sides) <= self.size:
            return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR_EXACT)
        for new, old, part in self.rows:
            pixels = picture[old].astype("float32")
            np.matmul(part, pixels.reshape(len(pixels), -1), out=self.lines[new])
        for new, old, part in self.columns:
            np.matmul(self.lines[:, old], part.T, out=self.sums[:, new])
        return mean(self.sums, self.count).astype(np.uint8).reshape(*size, 3)


@lru_cache(maxsize=128)
def bands(
    length: int, size: int, channels: int = 1, dtype: str = "float32"
) -> list[tuple[slice, slice, np.ndarray]]:
    """The weights of an axis in bands along the diagonal: new pixels, old pixels, weights.

    Args:
        length: Pixels along the axis before.
        size: Pixels along the axis after resizing.
        channels: Interleaved values per pixel.
        dtype: Dtype of the weights.
    """
    matrix, parts = weights(length, size), []
    for start in range(0, size, BAND):
        band = matrix[start : start + BAND]
        covered = np.flatnonzero(band.any(axis=0))
        old = slice(covered[0], covered[-1] + 1)
        part = np.kron(band[:, old], np.eye(channels)).astype(dtype)
        new = slice(start * channels, (start + len(band)) * channels)
        parts.append((new, slice(old.start * channels, old.stop * channels), part))
    return parts
