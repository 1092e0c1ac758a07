"""The fraction of an epoch spent waiting for data, with a simulated clock and in `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfrecords.format.manifest import Manifest
from training.fit import data_wait
from training.fit.data_wait import ALWAYS, DataWait, remedies

FIRST = (0.0, 0.0, 0.0, 0.0)  # a batch without a wait


class Clock:
    """Replaces `time`: it advances only when set."""

    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(data_wait, "time", clock)
    return clock


def run(wait, clock, batches):
    """Simulates an epoch of batches (requested, ready, begin, end), in seconds from its start."""
    start = clock.now
    wait.on_epoch_begin(0)
    events = []
    for number, (requested, ready, begin, end) in enumerate(batches):
        events += [
            (requested, wait._note_requested, np.int64(number)),
            (ready, wait._note_ready, np.int64(number)),
            (begin, wait.on_train_batch_begin, number),
            (end, wait.on_train_batch_end, number),
        ]
    for moment, call, number in sorted(events, key=lambda event: event[0]):
        clock.now = start + moment
        call(number)
    logs = {}
    wait.on_epoch_end(0, logs)
    return logs["data_wait"]


def test_ready_batches_cost_no_wait(clock, capsys):
    batches = [(0.1, 0.2, 0.3, 1.3), (0.2, 0.4, 1.3, 2.3), (0.5, 1.5, 2.3, 3.3)]
    assert run(DataWait(), clock, batches) == 0.0
    assert capsys.readouterr().out == "Waited for data 0% of the epoch.\n"


def test_waiting_lasts_from_the_start_of_a_step_until_its_batch_is_ready(clock, capsys):
    batches = [FIRST, (0.0, 0.5, 0.1, 1.0), (0.5, 3.0, 1.0, 4.0)]
    assert run(DataWait(), clock, batches) == pytest.approx((0.4 + 2.0) / 4.0)
    assert capsys.readouterr().out == f"Waited for data 60% of the epoch: {ALWAYS}.\n"


def test_the_advice_starts_with_remedies_for_this_data_set(clock, capsys):
    wait = DataWait(["x", "y"])
    for waited, advice in [(0.04, ""), (0.06, f": x; or y; or {ALWAYS}")]:
        run(wait, clock, [FIRST, (0.0, waited, 0.0, 1.0)])
        assert capsys.readouterr().out == f"Waited for data {waited:.0%} of the epoch{advice}.\n"


def test_a_batch_that_was_requested_late_does_not_count_as_waiting(clock):
    """The first step of a run is traced before it requests its batch."""
    assert run(DataWait(), clock, [FIRST, (9.0, 9.5, 0.0, 10.0)]) == pytest.approx(0.05)


def test_each_epoch_is_measured_separately(clock):
    wait = DataWait()
    assert run(wait, clock, [FIRST, (0.0, 5.0, 0.0, 10.0)]) == 0.5
    assert run(wait, clock, [FIRST, (0.0, 1.0, 0.0, 10.0)]) == pytest.approx(0.1)


def test_the_first_batch_does_not_count(clock):
    rest = [(0.0, 0.0, 4.0, 6.0), (0.0, 0.0, 6.0, 7.0)]
    assert run(DataWait(), clock, [(0.0, 3.0, 0.0, 4.0), *rest]) == 0.0
    assert run(DataWait(), clock, [(0.0, 1.0, 0.0, 1.0), (1.0, 2.0, 1.0, 3.0)]) == 0.5


@pytest.mark.parametrize("batch", [(1, 2), {"clip": 1, "id": "a"}, 3, (1, 2, 3)])
def test_timed_batches_are_the_same(batch):
    plain = tf.data.Dataset.from_tensors(batch).repeat(3)
    timed = DataWait().timed(plain)
    assert len(timed) == 3
    assert timed.element_spec == plain.element_spec
    assert list(timed.as_numpy_iterator()) == list(plain.as_numpy_iterator())


def test_fit_records_every_batch_of_every_epoch(capsys):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    wait, recorded = DataWait(), []
    note = wait._note_ready
    wait._note_ready = lambda number: (recorded.append(int(number)), note(number))[1]
    data = tf.data.Dataset.from_tensors((np.ones((4, 2)), np.ones((4, 1)))).repeat(5)
    history = model.fit(
        wait.timed(data), epochs=2, verbose=0, shuffle=False, callbacks=[wait]
    ).history
    assert recorded == [*range(5)] * 2
    assert len(history["data_wait"]) == 2
    assert all(0 <= share < 1 for share in history["data_wait"])
    assert capsys.readouterr().out.count("Waited for data") == 2


def test_remedies_follow_from_the_data_set():
    def found(**frame):
        return remedies(Manifest(("a", "b"), frame, {}, ()), 112, (256, 320))

    assert found(short_side=160) == []
    assert found(short_side=200) == []
    assert "--short-side 160 (its frames have a short side of 256" in found(short_side=256)[0]
    assert "--short-side 160 (its frames have their original size" in found(short_side=None)[0]
    assert "--store frames" in found(short_side=160, store="video")[0]
