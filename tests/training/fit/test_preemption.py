"""SIGTERM is recorded, but only inside the context."""

import os
import signal
import threading

from training.fit.preemption import Notice


def test_sigterm_is_recorded_and_the_previous_handler_restored():
    before = signal.getsignal(signal.SIGTERM)
    with Notice().listening() as notice:
        assert not notice.came
        os.kill(os.getpid(), signal.SIGTERM)
        assert notice.came
    assert signal.getsignal(signal.SIGTERM) is before


def test_training_outside_the_main_thread_ignores_sigterm():
    seen = []

    def listen():
        with Notice().listening() as notice:
            seen.append(notice.came)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [False]
