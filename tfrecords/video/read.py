"""Reads videos as upright RGB frames with their times, scaled and resampled.

All videos are opened here. Decoded frames count, not the frame count in the header. Times are
relative to the first picture. The rotation (and mirroring) of the display matrix is applied. The
sample aspect ratio is not, as in OpenCV, decord and mmaction2. Interlaced pictures stay interlaced.
The first picture determines the size of all. A video that cannot be decoded to its end (or to
`end`) is an error, not a shorter video.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrecords.video.decode import pictures
from tfrecords.video.picture import Picture, VideoError
from tfrecords.video.renderer import Renderer
from tfrecords.video.resample import TOLERANCE, resample

__all__ = ["Frame", "VideoError", "read_frames"]


@dataclass(frozen=True)
class Frame:
    """A frame: `rgb`, a uint8 array `(height, width, 3)`, and `timestamp` in microseconds."""

    rgb: np.ndarray
    timestamp: int


def read_frames(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    short_side: int | None = None,
) -> Iterator[Frame]:
    """Decodes a video frame by frame in constant memory.

    Args:
        path: A video file, a GIF, or a folder of frames (at 25 frames per second).
        start: Start in seconds from the first picture. Earlier frames are left out.
        end: End in seconds from the first picture. Frames at or after it are left out.
        fps: Frames per second to resample to: each time takes the picture nearest to it. None
            keeps the frames of the video.
        short_side: Length in pixels to scale the shorter side to. None keeps the size.

    Returns:
        An iterator of `Frame`.

    Raises:
        VideoError: If the video is unreadable, damaged or truncated, or has no frame between
            `start` and `end`.
        OSError: If the file is missing or not accessible.

    Example:
        >>> frames = [frame.rgb for frame in tfrecords.read_frames("holiday.mp4", short_side=256)]
        >>> frames[0].shape
        (256, 256, 3)
    """
    for pixels, timestamp in read_pixels(path, start, end, fps, short_side, order="rgb24"):
        yield Frame(pixels, timestamp)


def read_pixels(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    short_side: int | None = None,
    order: str = "bgr24",
    jumps: list[float] | None = None,
) -> Iterator[tuple[np.ndarray, int]]:
    """Like `read_frames`, but in the channel order of the JPEG encoder.

    The times in seconds at which the clock of the file jumps are added to `jumps`.
    """
    render, stream = None, pictures(Path(path), start or 0.0, jumps=jumps)
    for picture, time in timed(stream, start, end, fps):
        render = render or Renderer(picture, short_side, order)
        yield render(picture), time


def read_times(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
) -> Iterator[int]:
    """The time stamps of the frames of `read_frames`, decoded but not converted."""
    return (time for _, time in timed(pictures(Path(path), start or 0.0), start, end, fps))


def timed(
    stream: Iterable[Picture], start: float | None, end: float | None, fps: float | None
) -> Iterator[tuple[Picture, int]]:
    """Selects the pictures of `read_frames`, each with the time of its frame."""
    begin = round((start or 0) * 1e6)
    stop = None if end is None else round(end * 1e6)
    stream = _between(stream, begin, stop)
    time = None
    for picture, time in resample(stream, fps, begin, stop) if fps else _own_times(stream):
        yield picture, time
    if time is None:
        raise VideoError(f"it has no frame between {start or 0:g} s and {_seconds(end)}")


def _between(stream: Iterable[Picture], start: int, end: int | None) -> Iterator[Picture]:
    for picture in stream:
        if end is not None and picture.time >= end - TOLERANCE / 2:
            return
        if picture.time >= start - TOLERANCE / 2:
            yield picture


def _own_times(stream: Iterable[Picture]) -> Iterator[tuple[Picture, int]]:
    return ((picture, picture.time) for picture in stream)


def _seconds(end: float | None) -> str:
    return "its end" if end is None else f"{end:g} s"
