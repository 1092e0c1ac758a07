"""SIGTERM: a run that a scheduler stops saves its state and exits cleanly."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM


class Preempted(SystemExit):
    """A run was stopped by SIGTERM; its state is saved and the same command resumes it.

    The exit code is 143, the convention for SIGTERM: Kubeflow restarts such jobs, and so does
    Slurm with `RequeueExit=143`. Grid Engine and LSF expect 99: use
    `ctm train ...; code=$?; [ $code = 143 ] && exit 99; exit $code`.
    """

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


class Notice:
    """Whether SIGTERM was received."""

    def __init__(self) -> None:
        self.came = False

    @contextmanager
    def listening(self) -> Iterator["Notice"]:
        """Records SIGTERM inside a `with` block; does nothing outside the main thread."""
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
