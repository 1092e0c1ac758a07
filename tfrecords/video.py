"""The one place that opens videos: upright RGB frames with their times, scaled and resampled.

Rules. What counts is what was decoded, never a header. Times count from the first picture. The
rotation (and mirroring) of the display matrix is applied; the aspect ratio of the samples is not,
as in OpenCV, decord and mmaction2. Interlaced pictures stay woven. The first picture fixes the size
of all. A video that cannot be decoded to its end (or to `end`) is an error, not a shorter video.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from tfrecords.decoders import (
    Picture,
    VideoError,
    nominal_rate,
    pictures,
    video_stream,
)

__all__ = ["Frame", "VideoError", "VideoProbe", "probe", "read_frames"]

_TOLERANCE = 1000  # microseconds: Matroska rounds its times to milliseconds
_LONGEST = 16384  # pixels of a side


@dataclass(frozen=True)
class Frame:
    """One frame: `rgb` uint8 array `(height, width, 3)`; `timestamp` int, microseconds."""

    rgb: np.ndarray
    timestamp: int


@dataclass(frozen=True)
class VideoProbe:
    """What the header of a video says; frame counts are not among it, since they lie.

    Args:
        width: int, pixels of the upright picture.
        height: int, pixels of the upright picture.
        frame_rate: float, nominal frames a second.
        codec: str, the decoder's name, or `"images"`.
    """

    width: int
    height: int
    frame_rate: float
    codec: str


def read_frames(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    short_side: int | None = None,
) -> Iterator[Frame]:
    """Decodes a video, frame by frame, in constant memory.

    Args:
        path: str or Path, a video file, a GIF, or a folder of frames (taken as 25 a second).
        start: float or None, seconds from the first picture; frames before it are left out.
        end: float or None, seconds from the first picture; frames from it on are left out.
        fps: float or None, frames a second to resample to by time stamps: each instant takes the
            picture nearest in time. None keeps the video's own frames.
        short_side: int or None, pixels that the shorter side is scaled to. None keeps the size.

    Returns:
        An iterator of `Frame`.

    Raises:
        VideoError: With the reason, if the video is unreadable, damaged, cut short or without a
            frame in the asked time.
        OSError: If it is missing or may not be read.

    Example:
    >>> frames = [frame.rgb for frame in read_frames("clip.mp4", fps=10, short_side=256)]
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
) -> Iterator[tuple[np.ndarray, int]]:
    """`read_frames` in the channel order that the JPEG encoder takes; see there."""
    render = None
    for picture, time in timed(pictures(Path(path), start or 0.0), start, end, fps):
        render = render or Renderer(picture, short_side, order)
        yield render(picture), time


def timed(
    stream: Iterable[Picture], start: float | None, end: float | None, fps: float | None
) -> Iterator[tuple[Picture, int]]:
    """The pictures that `read_frames` takes of all, each with the time of its frame."""
    begin = round((start or 0) * 1e6)
    stop = None if end is None else round(end * 1e6)
    stream = _between(stream, begin, stop)
    time = None
    for picture, time in _resample(stream, fps, begin, stop) if fps else _own_times(stream):
        yield picture, time
    if time is None:
        raise VideoError(f"it has no frame between {start or 0:g} s and {_seconds(end)}")


def probe(path: str | Path) -> VideoProbe:
    """Opens a video and reads its first picture.

    Args:
        path: str or Path, a video file, a GIF, or a folder of frames.

    Returns:
        A `VideoProbe`.

    Raises:
        VideoError: With the reason, if there is no picture to be had.
        OSError: If it is missing or may not be read.
    """
    path = Path(path)
    first = next(iter(pictures(path)))
    height, width = Renderer(first, None, "rgb24").size
    rate, codec = 1e6 / first.duration, "images" if path.is_dir() else "opencv"
    if not isinstance(first.image, np.ndarray):
        with av.open(str(path), metadata_errors="ignore") as container:
            stream = video_stream(container)
            rate, codec = nominal_rate(stream), stream.codec_context.name
    return VideoProbe(width, height, rate, codec)


class Renderer:
    """Turns pictures into upright arrays of one size, that of the first.

    Args:
        first: Picture, fixes the size.
        short_side: int or None, pixels of the shorter side.
        order: str, `"rgb24"` or `"bgr24"`.
    """

    def __init__(self, first: Picture, short_side: int | None, order: str):
        height, width = _height_width(first.image)
        if first.matrix and transposes(first.matrix):
            height, width = width, height
        scale = short_side / min(height, width) if short_side else 1
        self.size = max(1, round(height * scale)), max(1, round(width * scale))
        if max(self.size) > _LONGEST:
            raise VideoError(
                f"its frames of {width}x{height} would become {self.size[1]}x{self.size[0]}, "
                f"longer than {_LONGEST} pixels"
            )
        self.order = order
        self._scaler, self._converter = VideoReformatter(), VideoReformatter()

    def __call__(self, picture: Picture) -> np.ndarray:
        matrix = picture.matrix
        height, width = self.size
        if matrix and transposes(matrix):
            height, width = width, height
        scale = self._scale_array if isinstance(picture.image, np.ndarray) else self._scale_frame
        pixels = scale(picture.image, height, width)
        return np.ascontiguousarray(_turn(pixels, matrix)) if matrix else pixels

    def _scale_frame(self, frame, height: int, width: int) -> np.ndarray:
        """Scales the planes first where it can: the colours of a small picture cost less."""
        if frame.format.name.startswith("yuv") and (frame.height, frame.width) != (height, width):
            frame = self._scaler.reformat(
                frame, width, height, interpolation=Interpolation.AREA, threads=1
            )
        frame = self._converter.reformat(
            frame, width, height, self.order, interpolation=Interpolation.AREA, threads=1
        )
        return frame.to_ndarray()

    def _scale_array(self, image: np.ndarray, height: int, width: int) -> np.ndarray:
        if image.shape[:2] != (height, width):
            smaller = height < image.shape[0]
            method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
            image = cv2.resize(image, (width, height), interpolation=method)
        return image if self.order == "bgr24" else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _height_width(image) -> tuple[int, int]:
    return image.shape[:2] if isinstance(image, np.ndarray) else (image.height, image.width)


def transposes(matrix: tuple[int, int, int, int]) -> bool:
    """Whether a display matrix exchanges rows and columns."""
    a, b, _, _ = matrix
    return abs(b) > abs(a)


def _turn(pixels: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Applies a display matrix to the nearest quarter turn: x' = ax + cy, y' = bx + dy."""
    a, b, c, d = matrix
    if transposes(matrix):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _between(stream: Iterable[Picture], start: int, end: int | None) -> Iterator[Picture]:
    for picture in stream:
        if end is not None and picture.time >= end - _TOLERANCE / 2:
            return
        if picture.time >= start - _TOLERANCE / 2:
            yield picture


def _own_times(stream: Iterable[Picture]) -> Iterator[tuple[Picture, int]]:
    return ((picture, picture.time) for picture in stream)


def _resample(
    stream: Iterable[Picture], fps: float, start: int, end: int | None
) -> Iterator[tuple[Picture, int]]:
    """At every tick the picture nearest in time, until the last picture's time is over."""
    count, held = 0, None
    for picture in stream:
        while held and start + count * 1e6 / fps < (held.time + picture.time) / 2:
            yield held, round(start + count * 1e6 / fps)
            count += 1
        held = picture
    finish = held.time + held.duration if held else 0
    finish = finish if end is None else min(finish, end)
    while held and (not count or start + count * 1e6 / fps < finish - _TOLERANCE):
        yield held, round(start + count * 1e6 / fps)
        count += 1


def _seconds(end: float | None) -> str:
    return "its end" if end is None else f"{end:g} s"
