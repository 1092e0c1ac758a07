"""Files of this machine that stand for remote ones: copies, and what is not uploaded yet.

They lie in the user's cache folder, on Linux ~/.cache/ctm-keras or below XDG_CACHE_HOME.
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
    """A file as one on this machine, for as long as the context lasts."""
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ctm-") as folder:
        copy = Path(folder) / "copy"
        patiently(path, path.fs.get_file, path.path, str(copy))
        yield copy


def cached(path: AnyPath, sha256: str) -> Path:
    """A file on this machine with the content that a hash tells; of a server's file a kept copy.

    Copies are named by their hash and may be removed at any time when nothing runs.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If its content is another.
    """
    if not is_remote(path):
        return path
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is no sha256")
    copy = _own_folder("indexes") / f"{sha256}{path.suffix}"
    if not copy.is_file() or _sha256(copy) != sha256:
        with local_copy(path) as found:
            if _sha256(found) != sha256:
                raise ValueError(f"{path} has another sha256 than {sha256}")
            _put(found, copy)
    return copy


def workshop(folder: AnyPath) -> Path:
    """Where what is no part of a data set yet is made: beside it, or of a remote one here."""
    if not is_remote(folder):
        return folder
    return _own_folder("builds") / hashlib.sha256(str(folder).encode()).hexdigest()[:32]


def _own_folder(name: str) -> Path:
    from platformdirs import user_cache_path

    folder = user_cache_path("ctm-keras") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _put(found: Path, copy: Path) -> None:
    """Copies a file so that other processes see it whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as file:
        file.write(found.read_bytes())
    os.replace(file.name, copy)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
