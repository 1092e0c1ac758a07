"""Detects truncated media files by the length fields of their containers.

A demuxer takes a missing tail for the end of the video. Frame counts in headers cannot detect a
truncated file, since they are also wrong in complete files, but length fields can. Bytes that are
not a part of the container are ignored: cameras write their own tables after the video.
"""

import os
import re
import struct
from pathlib import Path
from typing import BinaryIO

from tfrecords.video import matroska, mpegts
from tfrecords.video.parts import ASF, ISO_BOXES, box_length, parts

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_AVI_CHUNK = re.compile(rb"RIFF|LIST|JUNK|idx1|[0-9]{2}(dc|db|wb|pc|tx|iv)|ix[0-9]{2}")
_AVI_FRAME = b"00dc"  # the most likely continuation of a truncated name
_NO_SIZE = 0x7FFFFFFF  # bytes; recorders to a pipe write 0, this size or more
_GIF_IMAGE, _GIF_EXTENSION, _GIF_END = b",!;"


def promised_size(path: Path) -> int:
    """The size in bytes that a file must have according to its length fields.

    Args:
        path: Path of an MP4, MOV, AVI, WebP, Matroska, WebM, WMV, MPEG-TS or GIF file. Any other
            file counts as complete.

    Returns:
        The size, or the actual size of a file without length fields.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(4096)
        if head[4:8] in ISO_BOXES:
            return max(size, _iso_end(file))
        if head[:4] == b"RIFF":
            return max(size, _riff_end(file, size))
        if head[:4] == matroska.HEAD:
            return max(size, matroska.end(file, size))
        if head[:16] == ASF:
            return max(size, _asf_end(head))
        if head[:4] == b"GIF8":
            return size + _lacks_gif_end(file, size)
        return max(size, mpegts.end(file, size))


def _iso_end(file: BinaryIO) -> int:
    """The end of the last known top-level box."""
    boxes = parts(file, box_length)
    return max((box.end for box in boxes if box.head[4:8] in ISO_BOXES), default=0)


def _riff_end(file: BinaryIO, size: int) -> int:
    """The end of the last chunk. A list of unknown size ends with its last chunk."""
    place = end = 0
    while place < size:
        file.seek(place)
        head = file.read(8)
        name = head[:4] + _AVI_FRAME[len(head) :]
        if not _AVI_CHUNK.fullmatch(name):
            break
        length = int.from_bytes(head[4:], "little")
        is_open = not length or length >= _NO_SIZE
        if name in (b"RIFF", b"LIST") and is_open:
            place += 12
        else:
            end = place + 8 + length
            place = end + length % 2
    return end


def _asf_end(head: bytes) -> int:
    """The file size in ASF's file properties; 0 if there is none, as in live recordings."""
    start = head.find(_ASF_PROPERTIES)
    properties = head[start : start + 92]
    if start < 0 or len(properties) < 92 or properties[88] & 1:
        return 0
    return struct.unpack("<Q", properties[40:48])[0]


def _lacks_gif_end(file: BinaryIO, size: int) -> bool:
    """Whether neither the blocks nor the file end with the end mark."""
    file.seek(10)
    file.seek(13 + _color_table(file.read(1)))
    while kind := file.read(1):
        if kind[0] == _GIF_EXTENSION:
            file.seek(1, os.SEEK_CUR)
        elif kind[0] == _GIF_IMAGE:
            file.seek(8, os.SEEK_CUR)
            file.seek(_color_table(file.read(1)) + 1, os.SEEK_CUR)
        else:
            return kind[0] != _GIF_END and not _ends_with_mark(file, size)
        while length := file.read(1)[:1].strip(b"\0"):
            file.seek(length[0], os.SEEK_CUR)
    return True


def _color_table(flags: bytes) -> int:
    """The size in bytes of the color table according to a GIF's flags."""
    return 6 << (flags[0] & 7) if flags and flags[0] & 0x80 else 0


def _ends_with_mark(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 64))
    return file.read().rstrip(b"\0")[-1:] == b";"
