"""Asking a server: patiently while it cannot be reached, and with an error that says what is wrong.

A lost server is never taken for damaged data: it is a `StorageError`, which is no `ValueError`.
"""

import atexit
import errno
import functools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from upath import UPath

FIRST_PATIENCE = 10.0  # seconds for a server that has not answered yet
PATIENCE = 120.0  # seconds for one that has
QUIET, LAST_CALLS = 0.2, 60.0  # seconds at the end of the program

BUSY = {408, 429}
NO_SUCH_RANGE = 416
NO_BUCKET = "specified bucket does not exist"  # so say S3 and Google
NETWORK = {"ClientError", "ConnectionError", "HTTPClientError"}  # of aiohttp and botocore

Result = TypeVar("Result")
_answered: set[str] = set()


class StorageError(OSError):
    """A server that does not answer or lets nobody in; says nothing about the data it has."""


def patiently(path: "UPath", call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Asks a server, again and again while it cannot be reached or is too busy.

    Args:
        path: What it is asked about.
        call: A method of `path.fs`.
        *args: What it takes.
        **kwargs: What it takes by name.

    Raises:
        FileNotFoundError: If there is no such file.
        EOFError: If there are no such bytes in the file.
        StorageError: If the server does not answer in time, or refuses.
    """
    _end_calls_at_exit()
    with _Call():
        return _ask(path, call, *args, **kwargs)


@functools.cache
def _end_calls_at_exit() -> None:
    """TensorFlow's threads that are in a call when Python ends would keep it from ending."""
    atexit.register(_Call.end_all)


class _Call:
    """A call under way in some thread."""

    ending = threading.Event()
    _count, _change = 0, threading.Condition()

    def __enter__(self) -> None:
        with _Call._change:
            _Call._count += 1

    def __exit__(self, *_: object) -> None:
        with _Call._change:
            _Call._count -= 1
            _Call._change.notify_all()

    @classmethod
    def end_all(cls) -> None:
        """Has waiting calls give up, and waits until none has been there for a moment."""
        cls.ending.set()
        with cls._change:
            while cls._change.wait_for(lambda: cls._count, QUIET) and cls._change.wait_for(
                lambda: not cls._count, LAST_CALLS
            ):
                pass


def _ask(path: "UPath", call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    server = f"{path.protocol}://{path.path.removeprefix(f'{path.protocol}://').partition('/')[0]}"
    began, pause = time.monotonic(), 0.1
    while True:
        try:
            result = call(*args, **kwargs)
            _answered.add(server)
            return result
        except Exception as error:
            chain = list(_chain(error))
            status = next(filter(None, map(_status, chain)), None)
            if not _passes(chain, status):
                raise _told(path, error, status) from error
            patience = PATIENCE if server in _answered else FIRST_PATIENCE
            if time.monotonic() - began + pause > patience or _Call.ending.is_set():
                _answered.discard(server)
                raise StorageError(
                    f"the server of {path} does not answer ({_words(chain[-1])}): check the "
                    "network and the address, then run the same command again"
                ) from error
        _Call.ending.wait(pause * random.uniform(0.5, 1))
        pause = min(2 * pause, 10)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from: file systems rename what their clients raise."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _status(error: BaseException) -> int | None:
    """The HTTP status in an error of botocore, aiohttp or gcsfs."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    numbers = metadata.get("HTTPStatusCode"), vars(error).get("status"), vars(error).get("code")
    return next((int(str(number)) for number in numbers if str(number).isdigit()), None)


def _passes(chain: list[BaseException], status: int | None) -> bool:
    """Whether the same request may succeed a little later."""
    if status is not None:
        return status >= 500 or status in BUSY
    kinds = {kind.__name__ for error in chain for kind in type(error).__mro__}
    return bool(kinds & {*NETWORK, "TimeoutError"})


def _told(path: "UPath", error: Exception, status: int | None) -> Exception:
    """An error that will not pass, as one that says what is wrong."""
    if any(NO_BUCKET in str(each) for each in _chain(error)):
        return StorageError(
            f"the server of {path} has no bucket {path.path.partition('/')[0]!r}: make it first, "
            "or check its name"
        )
    if isinstance(error, FileNotFoundError) or status == 404:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if status == NO_SUCH_RANGE:
        return EOFError(f"{path} ends before the bytes that were asked for")
    if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
        return StorageError(
            f"the server of {path} lets nobody in ({_words(error)}): check the credentials, for S3 "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE"
        )
    if status is not None:
        return StorageError(f"the server of {path} refuses ({_words(error)})")
    return error


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
