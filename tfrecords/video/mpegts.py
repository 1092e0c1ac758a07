"""Detects missing bytes of an MPEG transport stream: packets of one length with a sync byte each.

Some recorders put a time stamp before each packet (192 bytes) or parity after it (204). Trailing
data that is not a packet, such as a camera's table, is not part of the video.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

MARK = 0x47
LAYOUTS = ((0, 188), (4, 192), (0, 204))  # offset of the first mark, and distance of the next
RUN = 5  # marks in a row that cannot be a coincidence
CHUNK = 1 << 14  # packets


def end(file: BinaryIO, size: int) -> int:
    """The end of the last packet, which is beyond a truncated file; 0 without packets."""
    if not (layout := _layout(file)):
        return 0
    first, length = layout
    if size % length == 0:
        return size
    return max(stop for _, stop in _runs(file, size + first, first, length)) - first


def damage(path: Path) -> str | None:
    """Describes a packet with missing bytes before the next packet, or returns None."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        if not (layout := _layout(file)) or size % layout[1] == 0:
            return None
        first, length = layout
        due = first
        for start, stop in _runs(file, size + first, first, length):
            if 0 < start - due < length:
                return f"the packet before byte {start - first} is incomplete"
            due = stop
    return None


def _layout(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(0)
    head = file.read(1024)
    for first, length in LAYOUTS:
        if head[first : first + 2 * length + 1 : length] == bytes([MARK] * 3):
            return first, length
    return None


def _runs(file: BinaryIO, limit: int, place: int, length: int) -> Iterator[tuple[int, int]]:
    """The ranges with equidistant marks; `limit` is the offset after the last possible mark."""
    start: int | None = place
    while start is not None:
        place = _end_of_run(file, start, length)
        yield start, place
        start = _next_run(file, limit, place, length) if place < limit else None


def _end_of_run(file: BinaryIO, place: int, length: int) -> int:
    while True:
        file.seek(place)
        marks = np.frombuffer(file.read(CHUNK * length), np.uint8)[::length] == MARK
        count = len(marks) if marks.all() else int(marks.argmin())
        place += count * length
        if count < CHUNK:
            return place


def _next_run(file: BinaryIO, limit: int, place: int, length: int) -> int | None:
    """The offset at which packets continue after other bytes, or None."""
    while limit - place > RUN * length:
        file.seek(place)
        marks = np.frombuffer(file.read(CHUNK * length), np.uint8) == MARK
        places = len(marks) - (RUN - 1) * length
        rows = [marks[n * length : n * length + places] for n in range(RUN)]
        if (found := np.logical_and.reduce(rows)).any():
            return place + int(found.argmax())
        place += places
    place += (limit - place) % length  # too few for a run, unless they end with the file
    file.seek(place)
    marks = file.read()[::length]
    return place if marks and set(marks) == {MARK} else None
