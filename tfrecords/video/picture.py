"""A decoded picture, and the error of a video that gives none."""

import math
from typing import Any, NamedTuple

import av
import numpy as np


class VideoError(ValueError):
    """A video that cannot be read to its end; the message is the reason, without the path."""


class Picture(NamedTuple):
    """One decoded picture, not yet converted.

    Args:
        image: Av.VideoFrame, or uint8 BGR array `(height, width, 3)`.
        time: Microseconds from the video's first picture.
        duration: Microseconds, nominal.
        matrix: Tuple of four int (a, b, c, d) of the display matrix, or None if upright.
    """

    image: Any
    time: int
    duration: int
    matrix: tuple[int, int, int, int] | None = None


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int] | None:
    """The display matrix of a frame; None if it is upright."""
    try:
        found: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # the frame has a kind of side data that PyAV does not know, such as EXIF
        return matrix_of(frame)
    if found is None:
        return None
    a, b, _, c, d = np.frombuffer(found, "<i4")[:5].tolist()
    return None if (a > 0 and d > 0 and abs(a) >= abs(b)) else (a, b, c, d)


def matrix_of(frame: av.VideoFrame) -> tuple[int, int, int, int] | None:
    """The display matrix of a frame by its angle; None if it is upright.

    `side_data` tells more, but ties the frame into a cycle that holds its memory for long.
    """
    angle = math.radians(frame.rotation)
    a, b = round(1000 * math.cos(angle)), round(-1000 * math.sin(angle))
    return None if a > 0 and abs(a) >= abs(b) else (a, b, -b, a)
