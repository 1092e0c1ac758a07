"""Requests to servers: retries while a server is unreachable, and clear errors otherwise.

An unreachable server raises `StorageError`, which is not a `ValueError`, so it is never mistaken
for damaged data.
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

FIRST_PATIENCE = 10.0  # seconds to retry a server that has never responded
PATIENCE = 120.0  # seconds to retry one that has
QUIET, LAST_CALLS = 0.2, 60.0  # seconds to wait when the program exits

BUSY = {408, 429}
NO_SUCH_RANGE = 416
NO_BUCKET = "specified bucket does not exist"  # in the errors of S3 and Google
NETWORK = {"ClientError", "ConnectionError", "HTTPClientError"}  # in aiohttp and botocore

Result = TypeVar("Result")
_answered: set[str] = set()


class StorageError(OSError):
    """A server does not respond or denies access. The data may be intact."""


def patiently(path: "UPath", call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Sends a request to a server and retries while the server is unreachable or busy.

    Args:
        path: The path of the request.
        call: A method of `path.fs`.
        *args: Arguments of the method.
        **kwargs: Keyword arguments of the method.

    Raises:
        FileNotFoundError: If the file does not exist.
        EOFError: If the byte range is past the end of the file.
        StorageError: If the server does not respond in time or denies the request.
    """
    _end_calls_at_exit()
    with _Call():
        return _ask(path, call, *args, **kwargs)


@functools.cache
def _end_calls_at_exit() -> None:
    """Ends calls when Python exits: TensorFlow's threads in a call would prevent the exit."""
    atexit.register(_Call.end_all)


class _Call:
    """A call in progress in any thread."""

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
        """Makes waiting calls give up, and waits until there has been no call for a moment."""
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
                raise _explained(path, error, status) from error
            patience = PATIENCE if server in _answered else FIRST_PATIENCE
            if time.monotonic() - began + pause > patience or _Call.ending.is_set():
                _answered.discard(server)
                raise StorageError(
                    f"The server of {path} does not respond ({_words(chain[-1])}). Check the "
                    "network and the address, then run the same command again."
                ) from error
        _Call.ending.wait(pause * random.uniform(0.5, 1))
        pause = min(2 * pause, 10)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, since file systems wrap the errors of their clients."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _status(error: BaseException) -> int | None:
    """The HTTP status of an error of botocore, aiohttp or gcsfs."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    numbers = metadata.get("HTTPStatusCode"), vars(error).get("status"), vars(error).get("code")
    return next((int(str(number)) for number in numbers if str(number).isdigit()), None)


def _passes(chain: list[BaseException], status: int | None) -> bool:
    """Whether the same request may succeed later."""
    if status is not None:
        return status >= 500 or status in BUSY
    kinds = {kind.__name__ for error in chain for kind in type(error).__mro__}
    return bool(kinds & {*NETWORK, "TimeoutError"})


def _explained(path: "UPath", error: Exception, status: int | None) -> Exception:
    """Turns a permanent error into one with a clear message."""
    if any(NO_BUCKET in str(each) for each in _chain(error)):
        return StorageError(
            f"The server of {path} has no bucket {path.path.partition('/')[0]!r}. Create it first, "
            "or check its name."
        )
    if isinstance(error, FileNotFoundError) or status == 404:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if status == NO_SUCH_RANGE:
        return EOFError(f"{path} ends before the requested bytes.")
    if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
        return StorageError(
            f"The server of {path} denies access ({_words(error)}). Check the credentials, for S3 "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE."
        )
    if status is not None:
        return StorageError(f"The server of {path} denies the request ({_words(error)}).")
    return error


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
