"""The entry of a video in a source, and the layout of its record in a shard.

A record is a `tf.train.SequenceExample` with MediaSequence's keys. This module lays it out byte by
byte, exactly as protobuf's deterministic serialization does. So frames, or a whole media file, can
stream from disk into the shard, and the offset of every JPEG is known while it is written.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

RECORD_LIMIT = 1 << 30  # bytes; protobuf's limit is 2 GB, and readers load a record into memory

IMAGE_ENCODED = "image/encoded"
IMAGE_TIMESTAMP = "image/timestamp"
IMAGE_FORMAT = "image/format"
IMAGE_HEIGHT = "image/height"
IMAGE_WIDTH = "image/width"
IMAGE_FRAME_RATE = "image/frame_rate"
LABEL_INDEX = "clip/label/index"
LABEL_STRING = "clip/label/string"
LABEL_TEXT = "clip/label/text"
MEDIA_ID = "clip/media_id"
DATA_PATH = "clip/data_path"
START_TIMESTAMP = "clip/start/timestamp"
END_TIMESTAMP = "clip/end/timestamp"
MEDIA_BYTES = "clip/encoded_media_bytes"
MEDIA_START = "clip/encoded_media_start_timestamp"


class SourceError(ValueError):
    """A source cannot be used. The message names the location in it and the remedy."""


@dataclass(frozen=True, slots=True)
class VideoEntry:
    """One labeled video of a source.

    Args:
        id: Stable name, derived from the relative path (and the times of a segment).
        path: The path in the source, relative to the source's folder.
        label: The class name.
        split: `"train"`, `"val"` or `"test"`.
        start: Start in seconds from the first frame.
        end: End in seconds from the first frame.
        group: The group of videos, such as a scene, that must be in one split.

    Example:
        >>> tfrecords.VideoEntry("jump/a", "jump/a.mp4", "jump", "train").label
        'jump'
    """

    id: str
    path: str
    label: str
    split: str
    start: float | None = None
    end: float | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A video that could not be added to the data set, with the reason.

    Args:
        id: Stable name of the video.
        path: The path in the source.
        split: The split of the video.
        reason: Why it is not in the data set.

    Example:
        >>> tfrecords.read_manifest("data/mine").failures
        ()
    """

    id: str
    path: str
    split: str
    reason: str


class Layout(NamedTuple):
    """The bytes of a record around its JPEGs: head, alternating prefixes and JPEGs, tail.

    For an encoded video, the media file takes the place of a single JPEG.
    """

    head: bytes
    prefixes: list[bytes]
    tail: bytes
    size: int


Value = str | int | float


def layout(
    context: Mapping[str, Value], lengths: Sequence[int], timestamps: Sequence[int]
) -> Layout:
    """Lays out the SequenceExample of one video.

    Args:
        context: Mapping from a key to its one value (str, int or float).
        lengths: Number of bytes of each frame's JPEG.
        timestamps: Microseconds, one per frame.

    Returns:
        A `Layout`. Its `size` is that of the whole record including the JPEGs.
    """
    prefixes, frames_size = [], 0
    for length in lengths:
        value = _varint(length)
        bytes_list = 1 + len(value) + length
        feature = 1 + len(_varint(bytes_list)) + bytes_list
        prefixes.append(b"\n" + _varint(feature) + b"\n" + _varint(bytes_list) + b"\n" + value)
        frames_size += len(prefixes[-1]) + length
    tail = _times(timestamps)
    name = _field(1, IMAGE_ENCODED.encode())
    entry = name + _opening(2, frames_size)
    entry = _opening(1, len(entry) + frames_size) + entry
    lists_size = len(entry) + frames_size + len(tail)
    head = _field(1, _features(context)) + _opening(2, lists_size) + entry
    return Layout(head, prefixes, tail, len(head) + frames_size + len(tail))


def media_layout(context: Mapping[str, Value], length: int, timestamps: Sequence[int]) -> Layout:
    """Lays out the SequenceExample of an encoded video, which is stored in its context.

    Args:
        context: Mapping from a key to its one value (str, int or float).
        length: Number of bytes of the media file.
        timestamps: Microseconds, one per frame.

    Returns:
        A `Layout`. Its `size` is that of the whole record including the media file.
    """
    opening, size = b"", length  # from the innermost field outward
    for number in (1, 1, 2):  # bytes_list, its value, the value of the map's entry
        opening = _opening(number, size) + opening
        size = length + len(opening)
    opening = _field(1, MEDIA_BYTES.encode()) + opening
    opening = _opening(1, length + len(opening)) + opening
    before = _features({key: context[key] for key in context if key < MEDIA_BYTES})
    after = _features({key: context[key] for key in context if key > MEDIA_BYTES})
    head = before + opening
    head = _opening(1, len(head) + length + len(after)) + head
    tail = after + _field(2, _times(timestamps))
    return Layout(head, [b""], tail, len(head) + length + len(tail))


def _features(context: Mapping[str, Value]) -> bytes:
    return b"".join(_map_entry(key, _feature(context[key])) for key in sorted(context))


def _times(timestamps: Sequence[int]) -> bytes:
    return _map_entry(IMAGE_TIMESTAMP, b"".join(_field(1, _feature(t)) for t in timestamps))


def _feature(value: Value) -> bytes:
    """A Feature with one value: bytes_list is field 1, float_list 2, int64_list 3."""
    if isinstance(value, str):
        return _field(1, _field(1, value.encode()))
    if isinstance(value, float):
        return _field(2, _field(1, struct.pack("<f", value)))
    return _field(3, _field(1, _varint(value)))


def _map_entry(key: str, value: bytes) -> bytes:
    return _field(1, _field(1, key.encode()) + _field(2, value))


def _field(number: int, payload: bytes) -> bytes:
    return _opening(number, len(payload)) + payload


def _opening(number: int, length: int) -> bytes:
    """The tag and length before the `length` bytes of a field."""
    return bytes([number << 3 | 2]) + _varint(length)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
