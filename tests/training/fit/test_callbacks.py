"""When the last model, the best model and the state of a run are saved."""

import time
from unittest.mock import MagicMock

import pytest

from training.fit.callbacks import Checkpoints


@pytest.fixture
def checkpoints():
    """The callback of a run in which top-1 is best in the third epoch; notes what it saves."""
    state = MagicMock(note=lambda top1: top1 == 3)
    callback = Checkpoints(MagicMock(), MagicMock(), state, MagicMock(), steps=4, every=500)
    callback.save = MagicMock()
    callback.set_model(MagicMock(get_weights=lambda: [0.0]))
    return callback


def test_ends_of_epochs_are_saved_at_most_once_in_ten_seconds(checkpoints, monkeypatch):
    for epoch, seconds in enumerate([100, 104, 109, 110, 115]):
        monkeypatch.setattr(time, "monotonic", lambda now=seconds: now)
        checkpoints.on_epoch_end(epoch, {"val_top1": epoch + 1})
    checkpoints.on_train_end()
    assert [call.args for call in checkpoints.state.save.call_args_list] == [(1, 0), (4, 0), (5, 0)]
    last, best = checkpoints.run.last, checkpoints.run.best
    assert [call.args for call in checkpoints.save.call_args_list] == [
        (path,) for path in (last, best, last, last)
    ]


def test_a_run_that_trained_no_epoch_saves_nothing(checkpoints):
    checkpoints.on_train_end()
    assert not checkpoints.save.called
    assert not checkpoints.state.save.called
