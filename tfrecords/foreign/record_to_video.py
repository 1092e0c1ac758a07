"""Reads a record of a foreign shard as a video: the offsets of its frames, its ids and label."""

import math
import struct
import zlib
from typing import NamedTuple

import cv2
import numpy as np

from tfrecords.foreign.protobuf import Example, NotAnExample, Span, read_example
from tfrecords.format.index import FRAME_DTYPE
from tfrecords.format.record import (
    DATA_PATH,
    END_TIMESTAMP,
    IMAGE_ENCODED,
    IMAGE_FRAME_RATE,
    IMAGE_TIMESTAMP,
    LABEL_INDEX,
    LABEL_STRING,
    LABEL_TEXT,
    MEDIA_ID,
    START_TIMESTAMP,
)
from tfrecords.format.tfrecord_file import Record
from tfrecords.text import plain, printable
from tfrecords.video.images import FOLDER_FPS

EXAMPLE_ID = "example/id"  # MediaSequence's id of a clip; its media_id is that of the whole video
IDS = (EXAMPLE_ID, MEDIA_ID, "video_id", "clip/key", "video/filename", DATA_PATH)
ENCODED_VIDEO = "clip/encoded_media_bytes"
OTHERS = {b"\x89PNG": "PNG", b"GIF8": "GIF", b"RIFF": "WebP", b"BM": "BMP"}


class Unusable(ValueError):  # noqa: N818
    """A record is not a labeled video. The message is the reason."""


class SeveralLabels(ValueError):  # noqa: N818
    """A record has several labels. The message lists them."""


class ForeignVideo(NamedTuple):
    """The description of a video in a record.

    Args:
        name: Id of the video, or empty.
        media: Id of the video of which it is a clip, or empty.
        start: Start in that video in seconds.
        number: Number of the class.
        text: Name of the class, or empty.
        height: Height in pixels.
        width: Width in pixels.
        frame_rate: Frames per second.
        num_frames: Number of frames.
    """

    name: str
    media: str
    start: float | None
    number: int | None
    text: str
    height: int
    width: int
    frame_rate: float
    num_frames: int


def read_video(record: Record) -> tuple[ForeignVideo, np.ndarray]:
    """Reads a record as a video and the row of `FRAME_DTYPE` of each frame.

    Raises:
        Unusable: If it is not a SequenceExample with a label and JPEG frames of one size.
        SeveralLabels: If it has more than one label.
    """
    if record.data is None:
        raise Unusable(record.reason)
    try:
        example = read_example(record.data)
        number, text = _label(example)
        spans = _frames(example)
        height, width = _size(record.data, spans)
        start = _first_number(example, START_TIMESTAMP)
        name = next((found for key in IDS if (found := _first_text(example, key))), "")
        video = ForeignVideo(
            name,
            _first_text(example, MEDIA_ID) if example.texts(EXAMPLE_ID) else "",
            None if start is None else start / 1e6,
            number,
            text,
            height,
            width,
            _frame_rate(example, len(spans)),
            len(spans),
        )
        return video, _rows(record, spans)
    except NotAnExample as error:
        raise Unusable(f"it is not a SequenceExample: {error}") from None


def _label(example: Example) -> tuple[int | None, str]:
    """The number and the name of the class; one of them may be missing."""
    numbers = {_whole(number) for number in _numbers(example, LABEL_INDEX)}
    texts = [{*example.texts(key)} - {""} for key in (LABEL_TEXT, LABEL_STRING)]
    for found in (
        [repr(number) for number in sorted(numbers)],
        *(map(repr, sorted(t)) for t in texts),
    ):
        if len(labels := list(found)) > 1:
            raise SeveralLabels(" and ".join(labels[:2]))
    text = printable(plain(next((text for found in texts for text in found), ""))).strip()
    if not numbers and not text:
        raise Unusable(f"it has no label: neither {LABEL_INDEX} nor {LABEL_TEXT}")
    return next(iter(numbers), None), text


def _frames(example: Example) -> list[Span]:
    """The spans of the JPEGs: one in each time step, or all in one feature of an Example."""
    steps = list(example.steps(IMAGE_ENCODED))
    if not steps:
        steps = [[value] for value in example.values(IMAGE_ENCODED)]
    if not steps:
        held = f"; it contains the encoded video ({ENCODED_VIDEO})"
        raise Unusable(
            f"it has no frames: {IMAGE_ENCODED} is empty or missing"
            + (held if ENCODED_VIDEO in example.context else "")
        )
    for number, step in enumerate(steps):
        if len(step) != 1 or not isinstance(step[0], tuple) or step[0][0] == step[0][1]:
            raise Unusable(
                f"frame {number} must be one image, but has {len(step)} values or is empty"
            )
    return [step[0] for step in steps]


def _size(data: bytes, spans: list[Span]) -> tuple[int, int]:
    """Height and width of all frames; decodes the first to check it."""
    size = (0, 0)
    for number, (start, end) in enumerate(spans):
        found = jpeg_size(data, start, end)
        if found is None:
            kind = next((name for head, name in OTHERS.items() if data.startswith(head, start)), "")
            raise Unusable(f"frame {number} is not a valid JPEG{kind and f', but {kind}'}")
        if size not in ((0, 0), found):
            sizes = [f"{width}x{height}" for height, width in (found, size)]
            raise Unusable(
                f"frame {number} has the size {sizes[0]}, but earlier frames have {sizes[1]}"
            )
        size = found
    first = np.frombuffer(data, np.uint8, spans[0][1] - spans[0][0], spans[0][0])
    try:
        image = cv2.imdecode(first, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # more pixels than OpenCV supports
        image = None
    if image is None or image.shape[:2] != size:
        raise Unusable("frame 0 cannot be decoded")
    return size


def jpeg_size(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Height and width from the header of a JPEG, or None if it is invalid."""
    if data[start : start + 2] != b"\xff\xd8":
        return None
    place = start + 2
    while place + 9 <= end and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return (height, width) if height and width else None
        else:
            place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
    return None


def _rows(record: Record, spans: list[Span]) -> np.ndarray:
    view = memoryview(record.data or b"")
    rows = [
        (record.offset + start, end - start, zlib.crc32(view[start:end])) for start, end in spans
    ]
    return np.array(rows, FRAME_DTYPE)


def _frame_rate(example: Example, count: int) -> float:
    """The frame rate of the record, else from its times (in microseconds), else 25."""
    times = [step[0] for step in example.steps(IMAGE_TIMESTAMP) if len(step) == 1]
    times = [time for time in times if isinstance(time, int)]
    start, end = (_first_number(example, key) for key in (START_TIMESTAMP, END_TIMESTAMP))
    rates = _numbers(example, IMAGE_FRAME_RATE)
    if len(times) > 1 and times[0] < times[-1]:
        rates.append((len(times) - 1) * 1e6 / (times[-1] - times[0]))
    if start is not None and end is not None and start < end:
        rates.append(count * 1e6 / (end - start))
    return float(next((rate for rate in rates if 0 < rate <= 1000), FOLDER_FPS))


def _first_number(example: Example, key: str) -> int | float | None:
    return next(iter(_numbers(example, key)), None)


def _numbers(example: Example, key: str) -> list[float]:
    return [value for value in example.values(key) if not isinstance(value, tuple)]


def _whole(number: int | float) -> int:
    """The number of a class, which some programs write as a float."""
    if not math.isfinite(number) or number != int(number) or number < 0:
        raise Unusable(f"its label {number} is not a class number")
    return int(number)


def _first_text(example: Example, key: str) -> str:
    return printable(plain(next(iter(example.texts(key)), ""))).strip()
