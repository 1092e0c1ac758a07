"""A decoded picture, and the error of a video that cannot be decoded."""

import math
from typing import Any, NamedTuple

import av
import numpy as np


class VideoError(ValueError):
    """A video cannot be read to its end. The message is the reason, without the path."""


class Picture(NamedTuple):
    """One decoded picture, not yet converted.

    Args:
        image: An `av.VideoFrame`, or a uint8 BGR array of shape `(height, width, 3)`.
        time: Time in microseconds from the video's first picture.
        duration: Nominal duration in microseconds.
        matrix: The elements (a, b, c, d) of the display matrix, or None if upright.
    """

    image: Any
    time: int
    duration: int
    matrix: tuple[int, int, int, int] | None = None


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int] | None:
    """The display matrix of a frame; None if it is upright."""
    try:
        found: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # the frame has side data unknown to PyAV, such as EXIF
        return matrix_of(frame)
    if found is None:
        return None
    a, b, _, c, d = np.frombuffer(found, "<i4")[:5].tolist()
    return None if (a > 0 and d > 0 and abs(a) >= abs(b)) else (a, b, c, d)


def matrix_of(frame: av.VideoFrame) -> tuple[int, int, int, int] | None:
    """The display matrix of a frame by its angle; None if it is upright.

    `side_data` has more details, but creates a reference cycle that keeps the frame in memory.
    """
    angle = math.radians(frame.rotation)
    a, b = round(1000 * math.cos(angle)), round(-1000 * math.sin(angle))
    return None if a > 0 and abs(a) >= abs(b) else (a, b, -b, a)
