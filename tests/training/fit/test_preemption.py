"""SIGTERM is noted, and only while somebody listens."""

import os
import signal
import threading

from training.fit.preemption import Notice


def test_sigterm_is_noted_and_the_handler_before_comes_back():
    before = signal.getsignal(signal.SIGTERM)
    with Notice().listening() as notice:
        assert not notice.came
        os.kill(os.getpid(), signal.SIGTERM)
        assert notice.came
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_than_the_main_one_trains_without():
    seen = []

    def listen():
        with Notice().listening() as notice:
            seen.append(notice.came)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [False]
