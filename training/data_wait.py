"""How long the device waited for data: measured where batches are ready, told once an epoch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from tfrecords.manifest import Manifest
from tfrecords.pool import available_cores
from tfrecords.ranges import seconds_read
from tfrecords.sampling import CROP

SMALL = 0.05  # a share not worth a remedy
LONG = 1.0  # seconds of a first batch that are worth a word
BUSY = 0.8  # of the cores' time
MOSTLY = 3.0  # times the cores' time; reads of memory wait for Python's lock, too, but less long
ROOMY = 1.25  # times the short side that clips need


def _now() -> np.ndarray:
    """Seconds that passed, that the cores worked, and that storage was read, of all threads."""
    return np.array([time.perf_counter(), time.process_time(), seconds_read()])


@dataclass
class _Epoch:
    """The seconds of one epoch."""

    begin: float = 0.0
    end: float = 0.0
    first: float | None = None  # that the first batch was waited for
    waits: np.ndarray = field(default_factory=lambda: np.zeros(3))  # for all others, as `_now`

    @property
    def seconds(self) -> float:
        return max(self.end - self.begin - (self.first or 0.0), 1e-9)


class DataWait(keras.callbacks.Callback):
    """Prints once an epoch what share of it the device waited for data, and what to do about it.

    Keras fetches a batch inside of its training step, so the step's own time tells nothing. `timed`
    notes when each batch is asked for and when it is ready; of that time, what lies behind the
    step's begin was waited for. The share is logged as `data_wait`, where callbacks that follow,
    like `CSVLogger`, see it. An epoch's first batch, with which the reading begins anew, counts
    for nothing, and is told apart when it took long. What the cores did and how long the storage
    was read is measured while the device waited. With several steps to an execution only the first
    one's wait is seen.

    Args:
        remedies: sequence of str, what would make reading this data set less work.

    Example:

    >>> wait = training.DataWait()
    >>> model.fit(wait.timed(tfrecords.clips("data/mine")), callbacks=[wait])
    Waited for data 43% of the epoch (12 of 28 s, 2 cores 97% busy meanwhile): the cores are ...
    """

    def __init__(self, remedies: Sequence[str] = ()):
        super().__init__()
        self.remedies = tuple(remedies)
        self.share = 0.0
        self._asked: dict[int, np.ndarray] = {}
        self._ready: dict[int, np.ndarray] = {}
        self._batch, self._begin = 0, np.zeros(3)
        self._epoch = _Epoch()

    def timed(self, dataset: tf.data.Dataset, first: int = 0) -> tf.data.Dataset:
        """The same batches; when each is ready is noted.

        Args:
            dataset: `tf.data.Dataset` of batches, for `model.fit`.
            first: int, number of the first batch, as the callback is told it.

        Returns:
            A `tf.data.Dataset`.
        """

        def ask(number):
            return tf.numpy_function(self._note_asked, [number], tf.int64)

        def pass_on(number, *batch):
            noted = tf.numpy_function(self._note_ready, [number], tf.int64)
            with tf.control_dependencies([noted]):
                batch = tf.nest.map_structure(tf.identity, batch)
            return batch if len(batch) > 1 else batch[0]

        numbers = tf.data.Dataset.range(first, 2**62).map(ask)
        return tf.data.Dataset.zip(numbers, dataset).map(pass_on).prefetch(1)

    def on_epoch_begin(self, epoch, logs=None):
        self._asked.clear()
        self._ready.clear()
        self._epoch = _Epoch(begin=time.perf_counter())

    def on_train_batch_begin(self, batch, logs=None):
        self._batch, self._begin = batch, _now()

    def on_train_batch_end(self, batch, logs=None):
        epoch, ready = self._epoch, self._ready.pop(self._batch, self._begin)
        asked = self._asked.pop(self._batch, self._begin)  # of an epoch's first, amid its step
        wait = ready - max(asked, self._begin, key=lambda moment: moment[0])
        if epoch.first is None:
            epoch.first = max(0.0, wait[0])
        elif wait[0] > 0:
            epoch.waits += wait
        epoch.end = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.share = float(self._epoch.waits[0] / self._epoch.seconds)
        if logs is not None:
            logs["data_wait"] = self.share
        print(self.report())

    def report(self) -> str:
        """A sentence about the epoch."""
        epoch, cores = self._epoch, available_cores()
        told = f"Waited for data {self.share:.0%} of the epoch"
        if self.share >= SMALL:
            waited, worked, read = epoch.waits
            busy = worked / waited / cores
            told += (
                f" ({waited:.3g} of {epoch.seconds:.3g} s, {cores} cores {busy:.0%} busy "
                f"meanwhile): {self.advice(busy, read > MOSTLY * worked)}"
            )
        if epoch.first and epoch.first >= max(LONG, SMALL * epoch.seconds):
            told += f"; besides, the first batch took {epoch.first:.2g} s"
        return f"{told}."

    def advice(self, busy: float, mostly_read: bool) -> str:
        """What to do when so much of the cores' time is used.

        Args:
            busy: float, share of all cores' time.
            mostly_read: bool, whether reads took most of the time.
        """
        if busy < BUSY and mostly_read:
            return "the storage is the limit; copy the data set to a faster disk of this machine"
        limit = "reading and decoding are" if busy < BUSY else "the cores are"
        return f"{limit} the limit; " + "; or ".join([*self.remedies, "train with more cores"])

    def _note_asked(self, number: np.int64) -> np.int64:
        self._asked[int(number)] = _now()
        return number

    def _note_ready(self, number: np.int64) -> np.int64:
        self._ready[int(number)] = _now()
        return number


def remedies(manifest: Manifest, image_size: int, scale: tuple[int, int]) -> list[str]:
    """What would make the clips of a data set less work to read.

    Args:
        manifest: `tfrecords.Manifest` of the data set.
        image_size: int, pixels of a side of the clips.
        scale: tuple of two ints, as for `tfrecords.clips`.
    """
    found = []
    if manifest.frame.get("store") == "video":
        found.append(
            "build it with --store frames, of which a clip is read without decoding a video"
        )
    needed, stored = scale[1] * image_size / CROP, manifest.frame.get("short_side")
    if stored is None or stored > ROOMY * needed:
        side = "their own size" if stored is None else f"a short side of {stored}"
        found.append(f"build it with --short-side {round(needed)}, its frames have {side}")
    return found
