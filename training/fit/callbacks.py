"""Callbacks of training: set the data's epoch, save states and models, stop at NaN."""

import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.fit.state import State
from training.fit.weight_averages import Averages
from training.run_folder import Run, save_model

Logs = dict[str, float] | None

# An epoch on cached features takes half a second, and saving it takes as long.
SECONDS_BETWEEN_SAVES = 10


class DivergedError(ValueError):
    """The loss or a weight of a run is no longer finite."""


class SetEpoch(keras.callbacks.Callback):
    """Sets the epoch of the data, so that each epoch has its own order and crops.

    Args:
        epoch: The `tf.Variable` given to `tfrecords.clips(epoch=...)`.

    Example:
        >>> epoch = tf.Variable(0, dtype=tf.int64)
        >>> train = tfrecords.clips("data/mine", epoch=epoch, num_frames=4, image_size=32)
        >>> history = model.fit(train, epochs=2, verbose=0, callbacks=[training.SetEpoch(epoch)])
        >>> int(epoch)
        1
    """

    def __init__(self, epoch: tf.Variable):
        super().__init__()
        self.variable = epoch

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.variable.assign(epoch)


class Checkpoints(keras.callbacks.Callback):
    """Saves the state at regular steps, and the last and best model at the ends of epochs.

    The best model is saved at once. The end of an epoch is saved unless another was saved in the
    last ten seconds; a resumed run repeats the epochs since the last save.

    Args:
        run: The run to save into.
        whole: The model to save.
        state: The state to save; only the chief writes.
        averages: Averages of the weights, used in the saved models if there are any.
        steps: Steps per epoch.
        every: Steps between saved states.

    Raises:
        DivergedError: If the loss or a weight is no longer finite.
    """

    def __init__(
        self, run: Run, whole: keras.Model, state: State, averages: Averages, steps: int, every: int
    ):
        super().__init__()
        self.whole = whole
        self.run, self.state, self.averages = run, state, averages
        self.steps, self.every = steps, every
        self.epoch = self.done = 0
        self.ended = self.saved = 0  # epochs
        self.time = -np.inf

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.done = batch + 1
        loss = (logs or {})["loss"]
        if not np.isfinite(loss):
            self.stop(f"the loss became {loss}")
        if self.done < self.steps and self.done % self.every == 0:
            self.check_weights()
            self.state.save(self.epoch, self.done)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.check_weights()
        top1 = (logs or {}).get("val_top1")
        if top1 is not None and self.state.note(top1):
            self.save(self.run.best)
        self.ended = epoch + 1
        if time.monotonic() - self.time >= SECONDS_BETWEEN_SAVES:
            self.save_last()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.saved < self.ended:
            self.save_last()

    def save_last(self) -> None:
        self.save(self.run.last)
        self.state.save(self.ended, 0)  # last: a run killed before this repeats the epoch
        self.saved, self.time = self.ended, time.monotonic()

    def save(self, path: Path) -> None:
        if self.state.chief:
            with self.averages.in_the_model():
                save_model(self.whole, path)

    def check_weights(self) -> None:
        if not all(np.isfinite(w).all() for w in self.model.get_weights()):
            self.stop("a weight is no longer finite")

    def stop(self, reason: str) -> None:
        raise DivergedError(
            f"Stopped at epoch {self.epoch + 1}, step {self.done}: {reason}; "
            f"{self.state.describe()}. Start a new run with a lower --learning-rate or with "
            "--warmup-epochs."
        )
