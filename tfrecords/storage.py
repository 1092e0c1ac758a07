"""Folders of a data set on this machine and on servers: `s3://`, `gs://`, `https://` and others.

The one place that knows which folders are remote. A local folder is a `pathlib.Path`, a remote one
a `UPath` of universal_pathlib, which is made alike. Credentials and endpoints are found as fsspec's
file systems find them: for S3 in AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_PROFILE.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tfrecords.servers import StorageError, patiently

READ_TIMEOUT = 60.0  # seconds for the frames of a clip
AT_ONCE = 16  # requests for whole files
GAP = 64  # bytes between two frames that are not worth a request of their own

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "http": "http", "https": "http"}
WITHOUT_LISTING = {"http", "https"}

Item, Result = TypeVar("Item"), TypeVar("Result")


def as_path(name: str | Path) -> Path:
    """A folder or file by its name: a `Path`, or for `protocol://...` a `UPath`.

    Args:
        name: str, Path or UPath.

    Raises:
        ValueError: If the protocol is unknown or its package is not installed.
    """
    if not isinstance(name, str | os.PathLike):
        return name
    if isinstance(name, os.PathLike):  # Path("s3://x") made it one slash
        name = re.sub(r"^(\w{2,}):/", r"\1://", os.fspath(name))
    protocol, separator, rest = name.partition("://")
    if not separator:
        return Path(name)
    if protocol in ("file", "local"):
        return Path(rest)
    from upath import UPath

    options = {} if protocol in WITHOUT_LISTING else {"use_listings_cache": False}
    try:
        path = UPath(name.rstrip("/"), **options)
        path.fs  # noqa: B018  (it raises)
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        remedy = f'pip install "ctm-keras[{extra}]"' if extra else str(error)
        raise ValueError(f"{name} needs a package that is not installed: {remedy}") from None
    except ValueError as error:
        raise ValueError(f"{name} cannot be opened: {error}") from None
    return path


def is_remote(path: Path) -> bool:
    """Whether a path is on a server: a `UPath` of a local file system is an `os.PathLike`."""
    return not isinstance(path, os.PathLike)


def absolute(path: str | Path) -> Path:
    """The path from the root of its disk; a remote one is that already."""
    path = as_path(path)
    return path if is_remote(path) else path.resolve()


def read_bytes(path: Path) -> bytes:
    """The content of a small file."""
    return patiently(path, path.fs.cat_file, path.path) if is_remote(path) else path.read_bytes()


def is_file(path: Path) -> bool:
    """Whether a file is there."""
    try:
        return path.is_file() if not is_remote(path) else file_size(path) is not None
    except FileNotFoundError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there; of a server without listings nobody knows."""
    if not is_remote(path):
        return path.is_dir()
    return path.protocol not in WITHOUT_LISTING and patiently(path, path.fs.isdir, path.path)


def file_size(path: Path) -> int:
    """The bytes of a file.

    Raises:
        FileNotFoundError: If it is not there.
    """
    if not is_remote(path):
        return path.stat().st_size
    return patiently(path, path.fs.info, path.path)["size"]


def names(folder: Path, pattern: str) -> list[str]:
    """The files of a folder that match a pattern, sorted; none where a server does not list."""
    if not is_remote(folder):
        return sorted(path.name for path in folder.glob(pattern))
    if folder.protocol in WITHOUT_LISTING:
        return []
    found = patiently(folder, folder.fs.glob, f"{folder.path}/{pattern}")
    return sorted(name.rpartition("/")[2] for name in found)


def each(folder: Path, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Works on items in order; many at once where each waits for a server."""
    if not is_remote(folder):
        return [work(item) for item in items]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="storage") as pool:
        return list(pool.map(work, items))


def read_ranges(path: Path, places: Sequence[tuple[int, int]]) -> list[bytes]:
    """Bytes of a file at places (offset, length), and of a remote file no others.

    A part is shorter where the file ends before it. From a server the parts come all at once; those
    that lie side by side are one request.
    """
    if not is_remote(path):
        with open(path, "rb", buffering=0) as file:
            return [os.pread(file.fileno(), length, offset) for offset, length in places]
    spans = _spans(places)
    starts, ends = zip(*spans, strict=True) if spans else ((), ())
    files, options = [path.path] * len(spans), {"on_error": "raise"}
    options |= {"timeout": READ_TIMEOUT} if path.fs.async_impl else {}
    try:
        parts = patiently(path, path.fs.cat_ranges, files, list(starts), list(ends), **options)
    except EOFError:
        return [b""] * len(places)
    found = dict(zip(spans, parts, strict=True))
    return [_cut(found, offset, length) for offset, length in places]


def _spans(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches (start, end) that cover places, with the small gaps between frames."""
    spans: list[tuple[int, int]] = []
    for start, length in sorted(places):
        if spans and start <= spans[-1][1] + GAP:
            spans[-1] = spans[-1][0], max(spans[-1][1], start + length)
        else:
            spans.append((start, start + length))
    return spans


def _cut(parts: dict[tuple[int, int], bytes], offset: int, length: int) -> bytes:
    start, part = next((s, part) for (s, end), part in parts.items() if s <= offset <= end)
    return part[offset - start : offset - start + length]


def require_ranges(path: Path) -> None:
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


@contextmanager
def local_copy(path: Path) -> Iterator[Path]:
    """A file as one on this machine, for as long as the context lasts."""
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ctm-") as folder:
        copy = Path(folder) / "copy"
        patiently(path, path.fs.get_file, path.path, str(copy))
        yield copy


def cached(path: Path, sha256: str) -> Path:
    """A file on this machine with the content that a hash tells; of a server's file a kept copy.

    Copies lie in the user's cache folder (on Linux ~/.cache/ctm-keras, or below XDG_CACHE_HOME),
    named by their hash, and may be removed at any time when nothing runs.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If its content is another.
    """
    if not is_remote(path):
        return path
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is no sha256")
    copy = _cache_folder() / f"{sha256}{path.suffix}"
    if not copy.is_file() or _sha256(copy) != sha256:
        with local_copy(path) as found:
            if _sha256(found) != sha256:
                raise ValueError(f"{path} has another sha256 than {sha256}")
            _put(found, copy)
    return copy


def _cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("ctm-keras", ensure_exists=True)


def _put(found: Path, copy: Path) -> None:
    """Copies a file so that other processes see it whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as file:
        file.write(found.read_bytes())
    os.replace(file.name, copy)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
