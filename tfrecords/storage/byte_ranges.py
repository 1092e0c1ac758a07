"""Reads byte ranges of files, from remote files by parallel range requests.

All bytes of clips are read here.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfrecords.storage.files import WITHOUT_LISTING, AnyPath, is_remote
from tfrecords.storage.retry import StorageError, patiently

if TYPE_CHECKING:
    from upath import UPath

READ_TIMEOUT = 60.0  # seconds for the frames of a clip
GAP = 64  # bytes between two frames that do not justify a separate request


def read_ranges(path: AnyPath, places: Sequence[tuple[int, int]]) -> list[bytes]:
    """Reads byte ranges (offset, length) of a file; downloads only these from a remote file.

    A range past the end of the file is returned shorter. Requests to a server are parallel, and
    adjacent ranges share one request.
    """
    return _from_server(path, places) if is_remote(path) else _from_disk(path, places)


def _from_disk(path: Path, places: Sequence[tuple[int, int]]) -> list[bytes]:
    with open(path, "rb", buffering=0) as file:
        return [os.pread(file.fileno(), length, offset) for offset, length in places]


def _from_server(path: "UPath", places: Sequence[tuple[int, int]]) -> list[bytes]:
    covering = spans(places)
    starts, ends = zip(*covering, strict=True) if covering else ((), ())
    options: dict[str, Any] = {"on_error": "raise"}
    options |= {"timeout": READ_TIMEOUT} if path.fs.async_impl else {}
    files = [path.path] * len(covering)
    try:
        parts = patiently(path, path.fs.cat_ranges, files, list(starts), list(ends), **options)
    except EOFError:
        return [b""] * len(places)
    found = dict(zip(covering, parts, strict=True))
    return [_cut(found, offset, length) for offset, length in places]


def spans(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merges ranges (offset, length) into spans (start, end) across small gaps."""
    found: list[tuple[int, int]] = []
    for start, length in sorted(places):
        if found and start <= found[-1][1] + GAP:
            found[-1] = found[-1][0], max(found[-1][1], start + length)
        else:
            found.append((start, start + length))
    return found


def _cut(parts: dict[tuple[int, int], bytes], offset: int, length: int) -> bytes:
    start, part = next((s, part) for (s, end), part in parts.items() if s <= offset <= end)
    return part[offset - start : offset - start + length]


def require_ranges(path: AnyPath) -> None:
    """Raises StorageError if a web server does not support range requests."""
    if not is_remote(path) or path.protocol not in WITHOUT_LISTING:
        return

    def second_byte() -> bytes:
        with path.fs.open(path.path, cache_type="none") as file:
            file.seek(1)
            return file.read(1)

    try:
        patiently(path, second_byte)
    except ValueError:
        raise StorageError(
            f"The server of {path} does not support HTTP range requests. Use a server that does, "
            "or download the folder and pass its local path."
        ) from None
