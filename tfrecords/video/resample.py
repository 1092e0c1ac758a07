"""Resampling to a frame rate: every tick takes the picture nearest to it, until the last ends."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tfrecords.video.picture import Picture

TOLERANCE = 1000  # microseconds: Matroska rounds its times to milliseconds


def resample(
    stream: Iterable[Picture], fps: float, start: int, end: int | None
) -> Iterator[tuple[Picture, int]]:
    """Selects the nearest picture at every tick, until the end of the last picture."""
    count, held = 0, None
    for picture in stream:
        while held and start + count * 1e6 / fps < (held.time + picture.time) / 2:
            yield held, round(start + count * 1e6 / fps)
            count += 1
        held = picture
    finish = held.time + held.duration if held else 0
    finish = finish if end is None else min(finish, end)
    while held and (not count or start + count * 1e6 / fps < finish - TOLERANCE):
        yield held, round(start + count * 1e6 / fps)
        count += 1


def resample_evenly(
    pictures: Any, rate: Any, fps: float, xp: Any = np
) -> tuple[Any, Callable[[Any], Any]]:
    """What `resample` selects from pictures at equal distances, without a list of them.

    Args:
        pictures: Number of pictures, 1 or more.
        rate: Pictures per second, a float or a float64 tensor.
        fps: Frames per second to resample to.
        xp: The module that computes, NumPy or one for tensors.

    Returns:
        The number of ticks, and a function from ticks to the numbers of their pictures.

    Example:
        >>> count, picture_at = resample_evenly(10, 30.0, 10.0)
        >>> picture_at(np.arange(count))
        array([0, 3, 6, 9])
    """

    def time(picture: Any) -> Any:
        return xp.round(picture * 1e6 / rate)

    def middle(picture: Any) -> Any:
        """The time halfway to the next picture."""
        return (time(picture) + time(picture + 1)) / 2

    def number(passed: Any) -> Any:
        return xp.asarray(passed, np.float64)

    def picture_at(ticks: Any) -> Any:
        now = number(ticks) * 1e6 / fps
        near = xp.floor(now * rate / 1e6 + 0.5)  # times are rounded: off by one at a middle
        near = near + number(middle(near) <= now) - number(middle(near - 1) > now)
        return xp.asarray(xp.minimum(near, last), np.int64)

    last = number(pictures) - 1
    end = xp.maximum(time(last) + time(1.0) - TOLERANCE, middle(last - 1))
    near = xp.floor(end * fps / 1e6)
    count = near + number(near * 1e6 / fps < end) + number((near + 1) * 1e6 / fps < end)
    return xp.asarray(xp.maximum(count, 1.0), np.int64), picture_at
