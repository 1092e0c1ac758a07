"""A pool of decoder processes that may hang or crash without harm to the build."""

import contextlib
import json
import os
import queue
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tfrecords.format.decoded import Job, Reply

WORKER = [sys.executable, "-c", "from tfrecords.writing.decoder_process import main; main()"]
START_TIMEOUT = 120.0  # seconds, for the imports of a process on a busy machine
RENEWED_AFTER = 1000  # videos; codecs leak a few kilobytes with each


def available_cores() -> int:
    """The number of processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class BuildError(ValueError):
    """A build cannot start or continue. The message names the reason and the remedy."""


class Decoder:
    """A decoder process, started on first use and restarted after a crash.

    Args:
        timeout: Seconds without a new frame after which a video counts as hanging.
    """

    def __init__(self, timeout: float):
        self.timeout = timeout
        self._process: Any = None  # a Popen with pipes
        self._buffer, self._videos = b"", 0
        self._closed = False
        self._lock = threading.Lock()

    def run(self, job: Job) -> Reply:
        """Sends a job and waits for its reply. A hang or crash becomes its `error`."""
        if self._videos == RENEWED_AFTER:
            self.stop()
        process = self._process or self._start()
        self._videos += 1
        try:
            process.stdin.write(job.to_json().encode() + b"\n")
            process.stdin.flush()
            while not (reply := self._line(process, self.timeout)):
                pass
            return Reply.from_dict(reply)
        except TimeoutError:
            self.stop()
            error = f"it hangs: no new frame for {self.timeout:g} s, the timeout"
            return Reply(error=error, hangs=True)
        except (EOFError, OSError):
            if self._closed:
                raise BuildError("The decoder was killed.") from None
            return Reply(error=f"it crashes the decoder ({self._end()})")

    def kill(self) -> None:
        """Kills the process permanently, from any thread. The waiting thread then calls `stop`."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def stop(self) -> None:
        """Kills the process and waits for its exit. The next job starts another."""
        process, self._process, self._buffer, self._videos = self._process, None, b"", 0
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def _start(self) -> Any:
        package = str(Path(__file__).resolve().parents[2])
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        with self._lock:
            if self._closed:
                raise BuildError("The decoder was killed.")
            process = self._process = subprocess.Popen(
                WORKER,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # Ctrl-C is for the parent
                bufsize=0,
            )
        try:
            self._line(process, START_TIMEOUT)
        except (TimeoutError, EOFError):
            raise BuildError(
                f"The decoder process does not start ({self._end()}). Run "
                f"`{shlex.join(WORKER)}` to see why."
            ) from None
        return process

    def _line(self, process: Any, timeout: float) -> dict[str, Any]:
        """The next line from the process. Raises TimeoutError, or EOFError when it exits."""
        descriptor, until = process.stdout.fileno(), time.monotonic() + timeout
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while b"\n" not in self._buffer:
            if not poll.poll(max(0, until - time.monotonic()) * 1000):
                raise TimeoutError
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                raise EOFError
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def _end(self) -> str:
        process = self._process
        try:
            code = process.wait(5) if process else 0
        except subprocess.TimeoutExpired:
            code = 0
        self.stop()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Decoders:
    """A pool of decoder processes that take videos in the order of submission.

    It is a context manager. On exit it kills all processes, and pending jobs fail.

    Args:
        number: Number of processes.
        timeout: Seconds without a new frame after which a video counts as hanging.
    """

    def __init__(self, number: int, timeout: float):
        self._all = [Decoder(timeout) for _ in range(number)]
        self._free: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in self._all:
            self._free.put(decoder)
        self._threads = ThreadPoolExecutor(number, thread_name_prefix="decoder")

    def submit(self, job: Job) -> "Future[Reply]":
        """Submits a job and returns a future of its reply."""
        return self._threads.submit(self._run, job)

    def __enter__(self) -> "Decoders":
        return self

    def __exit__(self, *_: object) -> None:
        for decoder in self._all:
            decoder.kill()
        self._threads.shutdown()
        for decoder in self._all:
            decoder.stop()

    def _run(self, job: Job) -> Reply:
        decoder = self._free.get()
        try:
            return decoder.run(job)
        finally:
            self._free.put(decoder)


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Makes SIGTERM unwind the stack as Ctrl-C does, so that no child process remains."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
