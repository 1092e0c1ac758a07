"""Decodes the pictures of a video file in display order, with PyAV or OpenCV; also frame folders.

Decoding uses one thread per video, so that equal package versions give equal bytes. A video that
cannot be decoded to its end counts as damaged, however many of its pictures can be decoded.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import av
import cv2

from tfrecords.text import counted
from tfrecords.video import matroska, mpegts
from tfrecords.video.images import FOLDER_FPS, animated_webp, folder, is_animated_webp, still_kind
from tfrecords.video.parts import is_joined
from tfrecords.video.picture import Picture, VideoError, display_matrix
from tfrecords.video.timestamps import PAUSE, Stamped, clock, in_order, runs_on
from tfrecords.video.truncation import promised_size

SEEK_AFTER = 10.0  # seconds; an earlier start is reached without a seek
_NO_VIDEO = "it has no video stream (audio only?)"
_LISTS = {"concat", "hls", "dash", "imf"}  # demuxers that open other files
_JUMPING = {"mpegts", "mpeg", "flv"}  # demuxers of recordings that may be joined end to end
_COVER = av.stream.Disposition.attached_pic


class Tape(Protocol):
    """Records the packets of a decoder; `rewind` removes all of them when decoding restarts."""

    def rewind(self) -> None: ...

    def record(self, packet: av.Packet) -> int: ...


def pictures(
    path: Path,
    start: float = 0.0,
    tape: Tape | None = None,
    jumps: list[float] | None = None,
) -> Iterator[Picture]:
    """Decodes a file or a folder of frames, from `start` seconds or somewhat earlier.

    Args:
        path: A video file, a GIF, or a folder of images in the natural order of names.
        start: Start in seconds; earlier pictures may be skipped (after a seek).
        tape: Records every packet. The number that it returns becomes the `opaque` of the packet's
            picture.
        jumps: List to which the times in seconds are added at which the file's clock jumps.

    Raises:
        VideoError: If the video is unreadable, empty, damaged or truncated.
        OSError: If the file is missing or not accessible.
    """
    if path.is_dir():
        yield from folder(path)
        return
    size, count, reason = path.stat().st_size, 0, None
    if not size and path.is_file():
        raise VideoError("the file is empty")
    try:
        for picture in _decoded(path, start, tape, jumps):
            count += 1
            yield picture
    except VideoError as error:
        reason = str(error)
    if path.is_file():
        _check_ends(path, size)
    if reason or not count:
        raise VideoError(reason or "it has no pictures")
    if path.is_file() and (unsound := matroska.damage(path) or mpegts.damage(path)):
        raise VideoError(f"it is damaged: {unsound}")


def _check_ends(path: Path, size: int) -> None:
    """Raises if the file ends before its video, or the video before the file."""
    if missing := promised_size(path) - size:
        count = counted(missing, "byte")
        raise VideoError(f"the file is truncated: at least {count} are missing at its end")
    if is_joined(path):
        raise VideoError(
            "it is a concatenation of recordings, of which only the first can be read; split it, "
            "or join the recordings with ffmpeg's concat demuxer"
        )


def _decoded(
    path: Path, start: float, tape: Tape | None, jumps: list[float] | None
) -> Iterator[Picture]:
    """Decodes with PyAV, or with OpenCV if PyAV cannot open the file or decodes nothing."""
    if is_animated_webp(path):
        yield from animated_webp(path)
        return
    count, reason = 0, None
    try:
        for picture in _pyav(path, start, tape, jumps):
            count += 1
            yield picture
    except (av.error.FFmpegError, UnicodeError) as error:
        text = getattr(error, "strerror", None) or str(error)
        reason = f"it is damaged or has an unknown format ({text})"
    if not count:
        for picture in _opencv(path):
            count += 1
            yield picture
    if reason and not count:
        raise VideoError(reason)


def video_stream(container: av.container.InputContainer) -> Any:
    """The best video stream, except cover pictures of songs."""
    if container.format.name.split(",")[0] in _LISTS:
        raise VideoError("it is a list of other files, not a video")
    if kind := still_kind(container):
        raise VideoError(f"it is a still picture ({kind}), not a video")
    streams = [s for s in container.streams.video if not s.disposition & _COVER]
    if not streams:
        raise VideoError(_NO_VIDEO)
    best = container.streams.best("video")
    return best if best in streams else streams[0]


def nominal_rate(stream: av.VideoStream) -> float:
    """Frames per second in the header; 25 if it has no valid value."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate and 0 < rate <= 1000 else FOLDER_FPS


class _SeekError(Exception):
    """A seek cannot reliably reach a keyframe before the start."""


def _pyav(
    path: Path, start: float, tape: Tape | None, jumps: list[float] | None
) -> Iterator[Picture]:
    try:
        yield from _stream(path, start if start > SEEK_AFTER else 0.0, tape, jumps)
    except _SeekError:
        yield from _stream(path, 0.0, tape, jumps)


def _stream(
    path: Path, start: float, tape: Tape | None, jumps: list[float] | None
) -> Iterator[Picture]:
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = video_stream(container)
        codec = stream.codec_context
        if codec is None:
            raise av.error.DecoderNotFoundError(0, "its codec is unknown")
        prepare(codec)
        codec.copy_opaque = tape is not None
        is_avi, may_jump = container.format.name == "avi", container.format.name in _JUMPING
        frames = _frames(container, stream, tape)
        frames = in_order(frames) if is_avi else frames
        first = next(frames, None)
        if first is None:
            return
        zero, matrix = first[1] or 0, display_matrix(first[0])
        if start and not is_avi:  # AVI has no time stamps for seeks
            if may_jump and not _runs_on(container, stream, zero + start):
                raise _SeekError
            container.seek(int((zero + start) / stream.time_base), stream=stream)
            frames = _frames(container, stream, tape)
            first = next(frames, (None, None))
            if first[1] is None or not zero < first[1] <= zero + start:
                raise _SeekError
        tick = round(1e6 / nominal_rate(stream))
        longest = PAUSE if may_jump else None
        for frame, time in clock(itertools.chain([first], frames), zero, tick, longest, jumps):
            if frame.is_corrupt and time >= start * 1e6:  # after a seek, references may be missing
                raise VideoError(f"it is damaged: the picture at {time / 1e6:.2f} s is incomplete")
            yield Picture(frame, time, tick, matrix)


def prepare(codec: av.CodecContext) -> None:
    """Sets one thread and the strictest error checks that valid real-world files pass."""
    codec.thread_type, codec.thread_count = "NONE", 1
    own = "+explode" if codec.name == "mjpeg" else ""  # its pictures are independent
    codec.options = {"err_detect": "crccheck+bitstream+buffer" + own}


def _frames(
    container: av.container.InputContainer, stream: Any, tape: Tape | None
) -> Iterator[Stamped]:
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
            raise  # OpenCV may decode it, but hides damaged data
        raise VideoError(
            f"it is damaged: decoding failed after {count} pictures ({error.strerror})"
        ) from None


def _runs_on(container: av.container.InputContainer, stream: Any, until: float) -> bool:
    """Whether the clock does not jump before a time in seconds. If it does, seeks are wrong."""
    stamps = (packet.dts for packet in container.demux(stream))
    try:
        return runs_on((n * stream.time_base for n in stamps if n is not None), until, PAUSE)
    except av.error.FFmpegError:
        return False


def _opencv(path: Path) -> Iterator[Picture]:
    """Decodes with OpenCV, which rotates the pictures upright itself."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # the caller reports errors
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


def _grab(capture: cv2.VideoCapture) -> Stamped | None:
    found, image = capture.read()
    return (image, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000) if found else None
