"""SIGTERM: a run that a scheduler takes down saves its state and leaves in order."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM


class Preempted(SystemExit):
    """A run stopped by SIGTERM; its state is saved and the same command goes on.

    The exit code is 143, which says that SIGTERM ended the program: Kubeflow's jobs start again
    on it, Slurm does with `RequeueExit=143`; for Grid Engine and LSF, which want 99, write
    `ctm train ...; code=$?; [ $code = 143 ] && exit 99; exit $code`.
    """

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


class Notice:
    """Whether SIGTERM has come."""

    def __init__(self) -> None:
        self.came = False

    @contextmanager
    def listening(self) -> Iterator["Notice"]:
        """Notes SIGTERM for the time of a block; another thread than the main one cannot."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = signal.signal(signal.SIGTERM, self._note)
        try:
            yield self
        finally:
            signal.signal(signal.SIGTERM, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True
