"""Measures how long the device waits for data, and prints it once per epoch."""

import time
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfrecords.format import FrameOptions, Manifest
from tfrecords.sampling import CROP
from training.fit.callbacks import Logs

SMALL = 0.05  # fraction below which no remedy is suggested
ROOMY = 1.25  # acceptable ratio of the stored short side to the needed one
ALWAYS = "train with more cores or from a faster disk"


class DataWait(keras.callbacks.Callback):
    """Prints, once per epoch, the fraction of time spent waiting for data, and remedies.

    Keras fetches each batch inside its training step, so the duration of a step does not show the
    wait. `timed` records when each batch is requested and when it is ready; the time from the start
    of the step until the batch is ready is waiting time. The fraction is logged as `data_wait`, so
    that later callbacks, such as `CSVLogger`, see it. The first batch of an epoch, which starts the
    pipeline, is excluded. With `steps_per_execution`, only the first step's wait is measured.

    Args:
        remedies: Suggestions for faster reading of this data set.

    Example:
        >>> wait = training.DataWait()
        >>> train = tfrecords.clips("data/mine", batch_size=4, num_frames=4, image_size=32)
        >>> history = model.fit(wait.timed(train), verbose=0, callbacks=[wait])
        Waited for data ...% of the epoch...
    """

    def __init__(self, remedies: Sequence[str] = ()):
        super().__init__()
        self.remedies = tuple(remedies)
        self.share = 0.0
        self._requested: dict[int, float] = {}
        self._ready: dict[int, float] = {}
        self._waits: list[float] = []  # seconds for each batch of the epoch
        self._epoch_begin = self._step_begin = self._step_end = 0.0

    def timed(self, dataset: tf.data.Dataset, first: int = 0) -> tf.data.Dataset:
        """The same batches, with the time recorded at which each is ready.

        Args:
            dataset: `tf.data.Dataset` of batches, for `model.fit`.
            first: Number of the first batch, as passed to the callback.

        Returns:
            A `tf.data.Dataset`.
        """

        def ask(number: tf.Tensor) -> tf.Tensor:
            return tf.numpy_function(self._note_requested, [number], tf.int64)

        def pass_on(number: tf.Tensor, *batch: tf.Tensor) -> tf.Tensor:
            noted = tf.numpy_function(self._note_ready, [number], tf.int64)
            with tf.control_dependencies([noted]):
                batch = tf.nest.map_structure(tf.identity, batch)
            return batch if len(batch) > 1 else batch[0]

        numbers = tf.data.Dataset.range(first, 2**62).map(ask)
        return tf.data.Dataset.zip(numbers, dataset).map(pass_on).prefetch(1)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        for notes in self._requested, self._ready, self._waits:
            notes.clear()
        self._epoch_begin = self._step_end = time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._step_begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        begin, self._step_end = self._step_begin, time.perf_counter()
        ready, requested = self._ready.pop(batch, begin), self._requested.pop(batch, begin)
        # An epoch's first batch is requested in the middle of its step.
        self._waits.append(max(0.0, ready - max(requested, begin)))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        first, waited = sum(self._waits[:1]), sum(self._waits[1:])
        self.share = waited / max(self._step_end - self._epoch_begin - first, 1e-9)
        if logs is not None:
            logs["data_wait"] = self.share
        print(self.report())

    def report(self) -> str:
        """A sentence about the epoch."""
        waited = f"Waited for data {self.share:.0%} of the epoch"
        advice = f": {'; or '.join([*self.remedies, ALWAYS])}" if self.share >= SMALL else ""
        return f"{waited}{advice}."

    def _note_requested(self, number: np.int64) -> np.int64:
        self._requested[int(number)] = time.perf_counter()
        return number

    def _note_ready(self, number: np.int64) -> np.int64:
        self._ready[int(number)] = time.perf_counter()
        return number


def remedies(manifest: Manifest, image_size: int, scale: tuple[int, int]) -> list[str]:
    """Suggestions for reading the clips of a data set faster.

    Args:
        manifest: `tfrecords.Manifest` of the data set.
        image_size: Side of the clips in pixels.
        scale: Range of the short side, as in `tfrecords.clips`.
    """
    found = []
    frame = FrameOptions.from_dict(manifest.frame)
    if frame.store == "video":
        found.append("build it with --store frames, which avoids decoding video")
    needed, stored = scale[1] * image_size / CROP, frame.short_side
    if stored is None or stored > ROOMY * needed:
        side = "their original size" if stored is None else f"a short side of {stored}"
        found.append(f"build it with --short-side {round(needed)} (its frames have {side})")
    return found
