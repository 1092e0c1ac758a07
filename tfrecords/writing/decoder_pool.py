"""Decoding processes that may hang or crash without harm: the parent's side of `worker`."""

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

WORKER = [sys.executable, "-c", "from tfrecords.writing.decoder_process import main; main()"]
START_TIMEOUT = 120.0  # seconds, for the imports of a process on a busy machine
RENEWED_AFTER = 1000  # videos; codecs lose a few kilobytes with each

JOB = (
    "path",
    "start",
    "end",
    "fps",
    "short_side",
    "quality",
    "store",
    "spool",
)  # what a worker reads

Job = dict[str, Any]


def available_cores() -> int:
    """The processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class BuildError(ValueError):
    """A build that cannot start or go on; the message says why and what to do."""


class Decoder:
    """One decoding process, started when it is first used and again after it died.

    Args:
        timeout: float, seconds that a video may go without giving a frame.
    """

    def __init__(self, timeout: float):
        self.timeout = timeout
        self._process: subprocess.Popen | None = None
        self._buffer, self._videos = b"", 0
        self._closed = False
        self._lock = threading.Lock()

    def run(self, job: Job) -> dict[str, Any]:
        """Sends a job and waits for its reply; a hang or a crash becomes an `error` in it."""
        if self._videos == RENEWED_AFTER:
            self.stop()
        if self._process is None:
            self._start()
        self._videos += 1
        try:
            asked = {key: job.get(key) for key in JOB}
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            while not (reply := self._line(self.timeout)):
                pass
            return reply
        except TimeoutError:
            self.stop()
            seconds = f"{self.timeout:g} s"
            return {"error": f"it hangs: no frame came for {seconds}, the timeout", "hangs": True}
        except (EOFError, OSError):
            if self._closed:
                raise BuildError("the decoder was killed") from None
            return {"error": f"it makes the decoder crash ({self._end()})"}

    def kill(self) -> None:
        """Kills the process for good, from any thread; `stop` follows in the one that waits."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def stop(self) -> None:
        """Kills the process and waits for its end; the next job starts another."""
        process, self._process, self._buffer, self._videos = self._process, None, b"", 0
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def _start(self) -> None:
        package = str(Path(__file__).resolve().parents[2])
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        with self._lock:
            if self._closed:
                raise BuildError("the decoder was killed")
            self._process = subprocess.Popen(
                WORKER,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # Ctrl-C is for the parent
                bufsize=0,
            )
        try:
            self._line(START_TIMEOUT)
        except (TimeoutError, EOFError):
            raise BuildError(
                f"the decoding process does not start ({self._end()}): run "
                f"`{shlex.join(WORKER)}` to see why"
            ) from None

    def _line(self, timeout: float) -> dict[str, Any]:
        """The next line of the process; TimeoutError without one, EOFError at its end."""
        descriptor, until = self._process.stdout.fileno(), time.monotonic() + timeout
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
    """Decoding processes that take videos in the order in which they are given.

    A context: however it ends, no process of it is left, and what still waits fails.

    Args:
        number: int, processes.
        timeout: float, seconds that a video may go without giving a frame.
    """

    def __init__(self, number: int, timeout: float):
        self._all = [Decoder(timeout) for _ in range(number)]
        self._free: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in self._all:
            self._free.put(decoder)
        self._threads = ThreadPoolExecutor(number, thread_name_prefix="decoder")

    def submit(self, job: Job) -> Future:
        """A future of the reply to a job for `worker.spool_video`."""
        return self._threads.submit(self._run, job)

    def __enter__(self) -> "Decoders":
        return self

    def __exit__(self, *_) -> None:
        for decoder in self._all:
            decoder.kill()
        self._threads.shutdown()
        for decoder in self._all:
            decoder.stop()

    def _run(self, job: Job) -> dict[str, Any]:
        decoder = self._free.get()
        try:
            return decoder.run(job)
        finally:
            self._free.put(decoder)


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM unwinds the stack as Ctrl-C does, so that no child process is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
