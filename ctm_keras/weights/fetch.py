"""Downloads files into the user's cache: whole, checked, and each only once."""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import keras

CHUNK = 1 << 20
TIMEOUT = 30  # seconds without a byte
ATTEMPTS = 5  # transfers of one file that are cut off


def keras_home() -> Path:
    """Returns Keras' folder of the user, which also has the weights of `keras.applications`."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))


def fetch(address: str, sha256: str, folder: Path) -> Path:
    """Returns a file in a folder, downloaded unless it is there.

    A transfer that was cut off goes on where it stopped, also in a later process.

    Args:
        address: Address of the file; its last part is the file's name.
        sha256: First digits of the file's digest, checked before anything opens it.
        folder: Existing folder.

    Raises:
        ValueError: If the file cannot be downloaded or is not the expected one.
    """
    path = folder / address.rpartition("/")[2]
    if path.exists():
        _check_digest(path, sha256, address)
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        _download(address, part)
    except (OSError, HTTPException) as error:
        reason = error.reason if type(error) is URLError else error
        if isinstance(reason, TimeoutError):
            reason = f"nothing was received for {TIMEOUT} seconds"
        raise ValueError(
            f"{path.name} could not be downloaded from {address} ({reason}). Run it again to "
            f"continue, or download the file on another machine and put it into {folder}."
        ) from error
    _check_digest(part, sha256, address)
    os.replace(part, path)
    return path


def _download(address: str, part: Path) -> None:
    """Downloads what is missing of a file."""
    print(f"Downloading {address}")
    for _ in range(ATTEMPTS):
        with contextlib.suppress(ConnectionError, IncompleteRead):
            if _receive(address, part):
                return
    size = part.stat().st_size if part.exists() else 0
    raise ConnectionError(f"the connection was lost after {size:,} bytes")


def _receive(address: str, part: Path) -> bool:
    """Appends what is missing of a file, in one transfer; returns whether it is complete."""
    size = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "ctm-keras"} | ({"Range": f"bytes={size}-"} if size else {})
    try:
        response = urlopen(Request(address, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416 and size:  # nothing is missing, or the digest will differ
            return True
        raise
    with response, part.open("ab" if response.status == 206 else "wb") as file:
        size = file.tell()
        total = size + int(response.headers.get("Content-Length", 0))
        bar = keras.utils.Progbar(total or None, unit_name="byte")
        while chunk := response.read1(CHUNK):
            file.write(chunk)
            bar.update(size := size + len(chunk), finalize=size == total)
    return size >= total


def _check_digest(path: Path, sha256: str, address: str) -> None:
    """Raises ValueError, and removes a file, if its digest is another one."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256):
        path.unlink()
        raise ValueError(
            f"The sha256 of {path} must start with {sha256}, as that of {address}, received "
            f"{found}. The file was not opened and is removed. Run it again; if that does not "
            "help, the address has another file now."
        )


@contextlib.contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Waits in a `with` block until no other process or thread is in one with the same lock.

    Args:
        lock: File that stands for what only one may do at a time.
        what: What the other does, as the end of a sentence.
    """
    import fcntl  # not on Windows, where the models work without it

    with lock.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another process that {what}.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
