"""Parts of files: of a remote one by range requests, all of a call at once.

The one place where the bytes of clips are read.
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
GAP = 64  # bytes between two frames that are not worth a request of their own


def read_ranges(path: AnyPath, places: Sequence[tuple[int, int]]) -> list[bytes]:
    """Bytes of a file at places (offset, length), and of a remote file no others.

    A part is shorter where the file ends before it. From a server the parts come all at once; those
    that lie side by side are one request.
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
    """The stretches (start, end) that cover places, with the small gaps between frames."""
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
    """Raises StorageError for a web server that would send a whole shard for each frame."""
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
            f"the server of {path} sends whole files only, no parts of them (HTTP range requests): "
            "use one that does, or download the folder and give its place on this machine"
        ) from None
