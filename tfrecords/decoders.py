"""Pictures of a video file in display order: PyAV, then OpenCV, and folders of frames.

Decoding takes one thread per video, so that the same packages give the same bytes. A video that
cannot be decoded to its end is damaged, whatever number of pictures it gave before.
"""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import av
import cv2
import numpy as np

from tfrecords.clock import Stamped, clock, in_order
from tfrecords.containers import promised_size
from tfrecords.ebml import damage
from tfrecords.names import VIDEOS

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
FOLDER_FPS = 25.0  # a folder of frames has no clock
SEEK_AFTER = 10.0  # seconds: an earlier start is reached by decoding from the beginning
_NO_VIDEO = "it has no video stream (audio only?)"
_LISTS = {"concat", "hls", "dash", "imf"}  # demuxers that open other files
_COVER = av.stream.Disposition.attached_pic


class VideoError(ValueError):
    """A video that cannot be read to its end; the message is the reason, without the path."""


class Picture(NamedTuple):
    """One decoded picture, not yet converted.

    Args:
        image: av.VideoFrame, or uint8 BGR array `(height, width, 3)`.
        time: int, microseconds from the video's first picture.
        duration: int, microseconds, nominal.
        matrix: tuple of four int (a, b, c, d) of the display matrix, or None if upright.
    """

    image: Any
    time: int
    duration: int
    matrix: tuple[int, int, int, int] | None = None


class Tape(Protocol):
    """Takes down what a decoder is fed; `rewind` forgets all, where decoding starts anew."""

    def rewind(self) -> None: ...

    def record(self, packet: av.Packet) -> int: ...


def pictures(path: Path, start: float = 0.0, tape: Tape | None = None) -> Iterator[Picture]:
    """Decodes a file or a folder of frames, from about `start` seconds at the latest.

    Args:
        path: Path, a video file, a GIF, or a folder of images in the natural order of names.
        start: float, seconds; pictures before it may be left out (after a seek).
        tape: Tape or None, is given every packet; the number that it answers is then the `opaque`
            of the packet's picture.

    Raises:
        VideoError: If it is unreadable, empty, damaged or cut short.
        OSError: If it is missing or may not be read.
    """
    if path.is_dir():
        yield from _folder(path)
        return
    size, count, reason = path.stat().st_size, 0, None
    if not size and path.is_file():
        raise VideoError("the file is empty")
    try:
        for picture in _pyav_or_opencv(path, start, tape):
            count += 1
            yield picture
    except VideoError as error:
        reason = str(error)
    missing = promised_size(path) - size if path.is_file() else 0
    if missing:
        raise VideoError(f"the file is cut short: at least {missing} bytes are missing at its end")
    if reason or not count:
        raise VideoError(reason or "it has no pictures")
    if path.is_file() and (unsound := damage(path)):
        raise VideoError(f"it is damaged: {unsound}")


def _pyav_or_opencv(path: Path, start: float, tape: Tape | None) -> Iterator[Picture]:
    """OpenCV has its turn where PyAV cannot open the file or decodes nothing of it."""
    count, reason = 0, None
    try:
        for picture in _pyav(path, start, tape):
            count += 1
            yield picture
    except (av.error.FFmpegError, UnicodeError) as error:
        text = getattr(error, "strerror", None) or str(error)
        reason = f"it is damaged or of an unknown format ({text})"
    if not count:
        for picture in _opencv(path):
            count += 1
            yield picture
    if reason and not count:
        raise VideoError(reason)


def video_stream(container) -> Any:
    """The best video stream; the cover picture of a song is none."""
    if container.format.name.split(",")[0] in _LISTS:
        raise VideoError("it is a list of other files, not a video")
    streams = [s for s in container.streams.video if not s.disposition & _COVER]
    if not streams:
        raise VideoError(_NO_VIDEO)
    best = container.streams.best("video")
    return best if best in streams else streams[0]


def nominal_rate(stream) -> float:
    """Frames a second by the header; 25 where it says nothing sensible."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate and 0 < rate <= 1000 else FOLDER_FPS


class _SeekError(Exception):
    """A seek that did not reach a key picture before the start."""


def _pyav(path: Path, start: float, tape: Tape | None) -> Iterator[Picture]:
    try:
        yield from _stream(path, start if start > SEEK_AFTER else 0.0, tape)
    except _SeekError:
        yield from _stream(path, 0.0, tape)


def _stream(path: Path, start: float, tape: Tape | None) -> Iterator[Picture]:
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = video_stream(container)
        codec = stream.codec_context
        if codec is None:
            raise av.error.DecoderNotFoundError(0, "its codec is unknown")
        prepare(codec)
        codec.copy_opaque = tape is not None
        is_avi = container.format.name == "avi"
        frames = _frames(container, stream, tape)
        frames = in_order(frames) if is_avi else frames
        first = next(frames, None)
        if first is None:
            return
        zero, matrix = first[1] or 0, display_matrix(first[0])
        if start and not is_avi:  # AVI has no times to seek by
            container.seek(int((zero + start) / stream.time_base), stream=stream)
            frames = _frames(container, stream, tape)
            first = next(frames, (None, None))
            if first[1] is None or not zero < first[1] <= zero + start:
                raise _SeekError
        tick = round(1e6 / nominal_rate(stream))
        for frame, time in clock(itertools.chain([first], frames), zero, tick):
            if frame.is_corrupt and time >= start * 1e6:  # after a seek references may lack
                raise VideoError(f"it is damaged: the picture at {time / 1e6:.2f} s is incomplete")
            yield Picture(frame, time, tick, matrix)


def prepare(codec: av.CodecContext) -> None:
    """One thread, and every check of the bits that sound files of the wild pass."""
    codec.thread_type, codec.thread_count = "NONE", 1
    own = "+explode" if codec.name == "mjpeg" else ""  # its pictures stand alone
    codec.options = {"err_detect": "crccheck+bitstream+buffer" + own}


def _frames(container, stream, tape: Tape | None) -> Iterator[Stamped]:
    count = 0
    if tape:
        tape.rewind()
    try:
        for packet in container.demux(stream):
            if tape and packet.size:
                packet.opaque = tape.record(packet)
            for frame in packet.decode():
                count += 1
                yield frame, None if frame.pts is None else frame.pts * frame.time_base
    except av.error.FFmpegError as error:
        if not count and not isinstance(error, av.error.InvalidDataError):
            raise  # OpenCV may know more; of damaged data it would make pictures in silence
        raise VideoError(
            f"it is damaged: decoding failed after {count} pictures ({error.strerror})"
        ) from None


def display_matrix(frame) -> tuple[int, int, int, int] | None:
    for data in frame.side_data:
        if data.type == av.sidedata.sidedata.Type.DISPLAYMATRIX:
            a, b, _, c, d = np.frombuffer(bytes(data), "<i4")[:5].tolist()
            return None if (a > 0 and d > 0 and abs(a) >= abs(b)) else (a, b, c, d)
    return None


def _opencv(path: Path) -> Iterator[Picture]:
    """OpenCV turns the pictures upright itself."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # its errors are the caller's to tell
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    rate = capture.get(cv2.CAP_PROP_FPS)
    tick = round(1e6 / rate) if 0 < rate <= 1000 else round(1e6 / FOLDER_FPS)
    try:
        frames = iter(lambda: _grab(capture), None)
        first = next(frames, None)
        if first is not None:
            for image, time in clock(itertools.chain([first], frames), first[1], tick):
                yield Picture(image, time, tick)
    finally:
        capture.release()


def _grab(capture) -> Stamped | None:
    found, image = capture.read()
    return (image, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000) if found else None


def _folder(path: Path) -> Iterator[Picture]:
    tick = round(1e6 / FOLDER_FPS)
    names = [f for f in path.iterdir() if f.suffix.lower() in IMAGES and f.name[0] != "."]
    if not names:
        raise VideoError("the folder has no images")
    if any(f.suffix.lower() in VIDEOS and f.name[0] != "." for f in path.iterdir()):
        raise VideoError("the folder holds videos, and images that are not the frames of one")
    for number, file in enumerate(sorted(names, key=natural)):
        yield Picture(_image(file), number * tick, tick)


def natural(path: Path) -> list:
    """A sort key by which frame_9 stands before frame_10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), part) if part.isdigit() else (-1, part) for part in parts]


def _image(file: Path) -> np.ndarray:
    content = file.read_bytes()
    cut = content[:2] == b"\xff\xd8" and b"\xff\xd9" not in content[-64:]
    image = None if cut or not content else cv2.imdecode(np.frombuffer(content, np.uint8), 1)
    if image is None:
        raise VideoError(f"its image {file.name} is damaged")
    return image
