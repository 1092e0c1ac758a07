"""Whether a media file is cut short, by its own word: most containers say how long they are.

A demuxer takes a missing tail for the end of the video. Frame counts in headers cannot tell a cut
file (they lie in whole files too), the containers' own length fields can.
"""

import os
import struct
from pathlib import Path

_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}


def promised_size(path: Path) -> int:
    """The bytes that a file should have by its own length fields.

    Args:
        path: Path of an MP4, MOV, AVI, Matroska, WebM, WMV, MPEG-TS or GIF file; any other passes
            as whole.

    Returns:
        int, bytes; the file's real size where it makes no promise.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(4096)
        if head[4:8] in _ISO_BOXES:
            return _iso(file, size)
        if head[:4] == b"RIFF":
            return max(size, 8 + struct.unpack("<I", head[4:8])[0])
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return max(size, _ebml(file))
        if head[:16] == _ASF:
            return max(size, _asf(head))
        if head[:1] == head[188:189] == b"\x47":
            return -(-size // 188) * 188  # whole packets
        if head[:4] == b"GIF8":
            return size + (not _ends_with(file, size, b";"))
    return size


def _iso(file, size: int) -> int:
    """Where the last top-level box ends; a size of 0 reaches to the end, 1 has 64 bits."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        box = file.read(16)
        length = struct.unpack(">I", box[:4])[0]
        if length == 1 and len(box) == 16:
            length = struct.unpack(">Q", box[8:])[0]
        if length < 8:
            return size
        start += length
    return max(size, start)


def _asf(head: bytes) -> int:
    """The file's size in ASF's file properties; 0 where it says none, as in live recordings."""
    start = head.find(_ASF_PROPERTIES)
    properties = head[start : start + 92]
    if start < 0 or len(properties) < 92 or properties[88] & 1:
        return 0
    return struct.unpack("<Q", properties[40:48])[0]


def _ebml(file) -> int:
    """Where the Segment ends; 0 where its size is unknown, as in live recordings."""
    file.seek(4)
    header = _vint(file)
    file.seek(header or 0, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return 0
    length = _vint(file)
    return 0 if length is None else file.tell() + length


def _vint(file) -> int | None:
    """A number of EBML: leading zero bits tell its length, all ones mean unknown."""
    first = file.read(1)
    if not first or first == b"\0":
        return None
    extra = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(extra), "big") & ((1 << 7 * (extra + 1)) - 1)
    return None if value == (1 << 7 * (extra + 1)) - 1 else value


def _ends_with(file, size: int, mark: bytes) -> bool:
    file.seek(max(0, size - 64))
    return file.read().rstrip(b"\0").endswith(mark)
