"""Local copies of remote files, and local files that are not uploaded yet.

They are in the user's cache folder, on Linux ~/.cache/ctm-keras or under XDG_CACHE_HOME.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfrecords.storage.files import AnyPath, is_remote
from tfrecords.storage.retry import patiently


@contextmanager
def local_copy(path: AnyPath) -> Iterator[Path]:
    """A local copy of a remote file for the duration of the context; a local file itself."""
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ctm-") as folder:
        copy = Path(folder) / "copy"
        patiently(path, path.fs.get_file, path.path, str(copy))
        yield copy


def cached(path: AnyPath, sha256: str) -> Path:
    """The path itself if it is local, else a cached copy with the given hash.

    Copies are named by their hash. They may be removed at any time while nothing runs.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the hash of its content differs.
    """
    if not is_remote(path):
        return path
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"sha256 must be 64 hexadecimal digits, received {sha256!r}.")
    copy = _own_folder("indexes") / f"{sha256}{path.suffix}"
    if not copy.is_file() or _sha256(copy) != sha256:
        with local_copy(path) as found:
            if _sha256(found) != sha256:
                raise ValueError(f"The sha256 of {path} must be {sha256}.")
            _put(found, copy)
    return copy


def workshop(folder: AnyPath) -> Path:
    """The folder for unfinished files: the data set's own, or a local one if it is remote."""
    if not is_remote(folder):
        return folder
    return _own_folder("builds") / hashlib.sha256(str(folder).encode()).hexdigest()[:32]


def _own_folder(name: str) -> Path:
    from platformdirs import user_cache_path

    folder = user_cache_path("ctm-keras") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _put(found: Path, copy: Path) -> None:
    """Copies a file atomically."""
    with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as file:
        file.write(found.read_bytes())
    os.replace(file.name, copy)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
