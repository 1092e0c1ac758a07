"""Local and remote folders of a data set: `s3://`, `gs://`, `https://` and others.

Only this module knows which folders are remote. A local folder is a `pathlib.Path`, a remote one a
`UPath` of universal_pathlib with the same interface. Credentials and endpoints are those of
fsspec's file systems: for S3, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_PROFILE.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

from tfrecords.storage.retry import patiently

if TYPE_CHECKING:
    from typing_extensions import TypeIs
    from upath import UPath

AT_ONCE = 16  # parallel requests for whole files

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "http": "http", "https": "http"}
WITHOUT_LISTING = {"http", "https"}

AnyPath: TypeAlias = Union[Path, "UPath"]  # a UPath if it is remote
Item = TypeVar("Item")
Result = TypeVar("Result")


def as_path(name: str | AnyPath) -> AnyPath:
    """Converts a name to a `Path`, or to a `UPath` for `protocol://...`.

    Args:
        name: Name or path.

    Raises:
        ValueError: If the protocol is unknown or its package is not installed.
    """
    if not isinstance(name, str | os.PathLike):
        return name
    if isinstance(name, os.PathLike):  # Path("s3://x") merges the two slashes
        name = re.sub(r"^(\w{2,}):/", r"\1://", os.fspath(name))
    protocol, separator, rest = name.partition("://")
    if not separator:
        return Path(name)
    if protocol in ("file", "local"):
        return Path(rest)
    from upath import UPath

    options: dict[str, Any] = {} if protocol in WITHOUT_LISTING else {"use_listings_cache": False}
    try:
        path = UPath(name.rstrip("/"), **options)
        path.fs  # noqa: B018  (may raise)
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        remedy = f'pip install "ctm-keras[{extra}]"' if extra else str(error)
        raise ValueError(f"{name} needs a package that is not installed: {remedy}") from None
    except ValueError as error:
        raise ValueError(f"{name} cannot be opened: {error}") from None
    return path


def is_remote(path: AnyPath) -> "TypeIs[UPath]":
    """Whether a path is remote; a `UPath` of a local file system is an `os.PathLike`."""
    return not isinstance(path, os.PathLike)


def absolute(path: str | AnyPath) -> AnyPath:
    """The absolute path; a remote path is always absolute."""
    path = as_path(path)
    return path if is_remote(path) else path.resolve()


def read_bytes(path: AnyPath) -> bytes:
    """The content of a small file."""
    return patiently(path, path.fs.cat_file, path.path) if is_remote(path) else path.read_bytes()


def is_file(path: AnyPath) -> bool:
    """Whether a file exists."""
    try:
        return path.is_file() if not is_remote(path) else file_size(path) is not None
    except FileNotFoundError:
        return False


def is_folder(path: AnyPath) -> bool:
    """Whether a folder exists; False for a server without listings."""
    if not is_remote(path):
        return path.is_dir()
    return path.protocol not in WITHOUT_LISTING and patiently(path, path.fs.isdir, path.path)


def file_size(path: AnyPath) -> int:
    """The size of a file in bytes.

    Raises:
        FileNotFoundError: If the file does not exist.
    """
    if not is_remote(path):
        return path.stat().st_size
    found = patiently(path, path.fs.info, path.path)
    if found["type"] != "file":
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return found["size"]


def names(folder: AnyPath, pattern: str) -> list[str]:
    """The names of the files that match a pattern, sorted; empty for a server without listings."""
    if not is_remote(folder):
        return sorted(path.name for path in folder.glob(pattern))
    if folder.protocol in WITHOUT_LISTING:
        return []
    found = patiently(folder, folder.fs.glob, f"{folder.path}/{pattern}")
    return sorted(name.rpartition("/")[2] for name in found)


def write_bytes(path: AnyPath, content: bytes) -> None:
    """Writes a small file atomically and durably."""
    if is_remote(path):
        patiently(path, path.fs.pipe_file, path.path, content)
        return
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def move(file: Path, path: AnyPath) -> None:
    """Moves a finished and synced local file atomically to its final path.

    On a local disk it is renamed, and the caller must call `sync_folder` afterwards.
    """
    if is_remote(path):
        patiently(path, path.fs.put_file, str(file), path.path)
        file.unlink()
    else:
        os.replace(file, path)


def sync_folder(folder: AnyPath) -> None:
    """Makes the renames inside a folder durable; does nothing for a remote folder."""
    if is_remote(folder):
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: AnyPath) -> None:
    """Removes a file if it exists."""
    if not is_remote(path):
        path.unlink(missing_ok=True)
    elif is_file(path):
        patiently(path, path.fs.rm_file, path.path)


def remove_folder(folder: AnyPath) -> None:
    """Removes a folder and its contents if it exists."""
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)
    elif is_folder(folder):
        patiently(folder, folder.fs.rm, folder.path, recursive=True)


def abort_uploads(folder: AnyPath) -> None:
    """Aborts interrupted uploads of large files: S3 keeps their parts and charges for them."""
    if not is_remote(folder) or not hasattr(folder.fs, "list_multipart_uploads"):
        return
    bucket, _, prefix = folder.path.partition("/")
    for upload in patiently(folder, folder.fs.list_multipart_uploads, bucket):
        if upload["Key"].startswith(f"{prefix}/"):
            names = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            patiently(folder, folder.fs.call_s3, "abort_multipart_upload", **names)


def each(folder: AnyPath, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Applies a function to items in order, in parallel for a remote folder."""
    if not is_remote(folder):
        return [work(item) for item in items]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="storage") as pool:
        return list(pool.map(work, items))
