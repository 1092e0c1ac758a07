"""What a frozen trunk computes of each clip, computed once and read from memory-mapped files."""

import dataclasses
import functools
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ctm_keras.weights import alone
from tfrecords.format import SplitName, write_json
from tfrecords.reading import Split, epochs, rows_of_epoch
from tfrecords.storage import free_bytes, full_disk_in_words
from tfrecords.text import counted, sized
from training.batches import has_validation, training_clips, validation_clips
from training.config.train import TrainConfig

HALF = np.dtype("float16")
RESERVE = 100_000_000  # bytes that remain free on the disk, for the run itself


class TrunkCache:
    """The features of a run's clips: one file per pass over the videos and output of the trunk.

    Pass n has the clips that training draws in epoch n, each video once; the last pass has the
    center clips that validation scores. The folder's name is a hash of all that the features
    depend on: the data set, the trunk's layers and weights, and how clips are drawn. So features
    of other data, weights or options are never read. Folds of the same splits share a cache.

    Args:
        trunk: The frozen part of the model.
        config: The resolved config of the run.
        data_hash: The hash of the run's data set.
        folder: Folder that has the caches of all runs.
    """

    def __init__(self, trunk: keras.Model, config: TrainConfig, data_hash: str, folder: Path):
        self.trunk, self.config = trunk, config
        self.clips = min(config.cached_clips, config.epochs)  # those that an epoch reads
        self.content = content_of(trunk, config, data_hash)
        key = hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()
        self.folder = folder / key[:16]
        self.videos = Split(config.dataset, config.train_split)
        self.base = Split(config.dataset, self.videos.base)
        self.forward = tf.function(functools.partial(trunk, training=False), reduce_retracing=True)
        self.order = functools.lru_cache(maxsize=2)(self._order)

    def fill(self) -> None:
        """Computes the passes that are missing; waits for another run that computes them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with alone(self.folder / "lock", f"computes the frozen layers in {self.folder}"):
            if passes := self._missing():
                self._compute_all(passes)
            else:
                print(f"Features: read from {self.folder}")

    def _compute_all(self, passes: list[str]) -> None:
        """Computes passes; what was finished before an error is kept."""
        print(f"Computing the frozen layers once: {self.check_space()}")
        write_json(self.folder / "content.json", self.content)
        remedy = "start the training again, which continues; or lower --cached-clips"
        with full_disk_in_words(self.folder, remedy), self._progress(passes) as progress:
            try:
                for name in passes:
                    self._compute(name, progress)
            finally:
                for part in self.folder.glob("*.part.npy"):  # of an interrupted pass
                    part.unlink()

    def remove(self) -> None:
        """Removes the features, and their folder if nothing else is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def training(
        self, config: TrainConfig, *, epoch: tf.Variable, step: int, batch_size: int, **_: Any
    ) -> tf.data.Dataset:
        """The batches of an epoch from a step on, like `training_clips`, of features."""
        passes = [self._read(name) for name in self._passes()[: self.clips]]

        def batch(epoch: np.int64, step: np.int64) -> list[np.ndarray]:
            *features, labels = passes[epoch % len(passes)]
            rows = self.order(int(epoch))[step * batch_size : (step + 1) * batch_size]
            return [*(part[rows] for part in features), labels[rows]]

        steps = len(self.videos) // batch_size
        own = tf.data.Dataset.range(step, steps)
        numbers = epochs(epoch).flat_map(lambda epoch: own.map(lambda step: (epoch, step)))
        return self._dataset(numbers, batch, batch_size, steps - step)

    def validation(self, config: TrainConfig, *, batch_size: int, **_: Any) -> tf.data.Dataset:
        """The batches of the validation split, like `validation_clips`, of features."""
        *features, labels = self._read(self._passes()[-1])
        videos = Split(config.dataset, config.val_split)

        def batch(step: np.int64) -> list[np.ndarray]:
            own = videos.rows[step * batch_size : (step + 1) * batch_size]
            return [*(part[own] for part in features), labels[own]]

        steps = -(-len(videos) // batch_size)
        return self._dataset(tf.data.Dataset.range(steps), batch, None, steps)

    def _dataset(
        self, numbers: tf.data.Dataset, batch: Any, size: int | None, count: int
    ) -> tf.data.Dataset:
        """A dataset of `count` batches that `batch` returns for numbers."""
        types = (*(HALF for _ in self.trunk.outputs), np.int32)

        def read(*numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
            *features, labels = tf.numpy_function(batch, numbers, types, stateful=False)
            for part, output in zip(features, self.trunk.outputs, strict=True):
                part.set_shape((size, *output.shape[1:]))
            labels.set_shape((size,))
            dtypes = (output.dtype for output in self.trunk.outputs)
            cast = (tf.cast(p, dtype) for p, dtype in zip(features, dtypes, strict=True))
            return *cast, labels

        batches = numbers.map(read, tf.data.AUTOTUNE, deterministic=True)
        return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)

    def _order(self, epoch: int) -> np.ndarray:
        """The rows of the cache in the order in which an epoch reads them."""
        weights, seed = self.config.weights_of_classes, self.config.seed
        return self.videos.rows[rows_of_epoch(self.videos, weights, seed, epoch)]

    def _missing(self) -> list[str]:
        """The passes that are not computed yet."""
        return [name for name in self._passes() if not self._file(name, "labels").is_file()]

    def _passes(self) -> list[str]:
        """The names of the passes; the last is that of validation, if there is a split for it."""
        names = [f"clip-{number:03d}" for number in range(self.clips)]
        split = SplitName.parse(self.config.val_split).base
        return [*names, f"center-{split}"] if has_validation(self.config) else names

    def _file(self, name: str, part: str | int) -> Path:
        return self.folder / f"{name}-{part}.npy"

    def _videos(self, name: str) -> Split:
        """The videos of a pass."""
        kind, _, split = name.partition("-")
        return Split(self.config.dataset, split) if kind == "center" else self.base

    def _clips(self, name: str) -> tf.data.Dataset:
        """The clips of a pass, with ids."""
        how: dict[str, Any] = {"with_ids": True, "drop_remainder": False}
        kind, _, rest = name.partition("-")
        if kind == "center":
            return validation_clips(dataclasses.replace(self.config, val_split=rest), **how)
        config = dataclasses.replace(self.config, train_split=self.base.name)
        return training_clips(config, epoch=int(rest), class_weights=None, **how)

    def _compute(self, name: str, progress: tqdm) -> None:
        """Writes the files of a pass, the labels last: they mark it as finished."""
        videos = self._videos(name)
        row = {video: number for number, video in enumerate(videos.ids)}
        labels = np.zeros(len(videos), np.int32)
        parts = [self._new(name, part, len(videos)) for part in range(len(self.trunk.outputs))]
        for batch in self._clips(name).as_numpy_iterator():
            rows = [row[video.decode()] for video in batch["id"]]
            labels[rows] = batch["label"]
            for part, features in zip(parts, self._features(batch["clip"]), strict=True):
                part[rows] = features
            progress.update(len(rows))
        for number, part in enumerate(parts):
            part.flush()
            os.replace(self._file(name, f"{number}.part"), self._file(name, number))
        np.save(self._file(name, "labels.part"), labels)
        os.replace(self._file(name, "labels.part"), self._file(name, "labels"))

    def _features(self, clips: np.ndarray) -> Iterator[np.ndarray]:
        """The outputs of the trunk in half precision.

        Raises:
            ValueError: If a value is too large for it.
        """
        for features in tf.nest.flatten(self.forward(clips)):
            with np.errstate(over="ignore"):
                half = np.asarray(features, np.float32).astype(HALF)
            if not np.isfinite(half).all():
                raise ValueError(
                    "The frozen layers must return finite values below 65,504 to be cached in "
                    "half precision, received larger ones. Use --cached-clips 0."
                )
            yield half

    def _new(self, name: str, part: int, videos: int) -> np.memmap:
        """A file for an output, with all its space: a full disk would later be a crash."""
        path, shape = self._file(name, f"{part}.part"), self.trunk.outputs[part].shape[1:]
        features = np.lib.format.open_memmap(path, "w+", HALF, (videos, *shape))
        with path.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):  # not on macOS
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        return features

    def _read(self, name: str) -> list[np.ndarray]:
        """The features and labels of a pass."""
        parts = [
            np.load(self._file(name, part), mmap_mode="r", allow_pickle=False)
            for part in range(len(self.trunk.outputs))
        ]
        return [*parts, np.load(self._file(name, "labels"), allow_pickle=False)]

    def _progress(self, passes: list[str]) -> tqdm:
        total = sum(len(self._videos(name)) for name in passes)
        return tqdm(total=total, desc="frozen layers", unit="clip")

    def check_space(self) -> str:
        """What has to be computed, with its size, in words.

        Raises:
            ValueError: If the disk is too small; the message says how many clips would fit.
        """
        missing = self._missing()
        centers = [name for name in missing if name.startswith("center")]
        clips = len(missing) - len(centers)
        values = sum(int(np.prod(output.shape[1:])) for output in self.trunk.outputs)
        one = values * HALF.itemsize * len(self.base)
        free = free_bytes(self.folder) - RESERVE
        validation = sum(one * len(self._videos(name)) // len(self.base) for name in centers)
        needed = one * clips + validation
        if needed > free:
            most = max(0, self.clips - clips + (free - validation) // one)
            raise ValueError(
                f"--cached-clips {self.clips} requires {sized(needed)} in {self.folder.parent}, "
                f"which has {sized(max(0, free))} free: {most} would fit. Lower it, or give a "
                "folder on a larger disk as --cache."
            )
        also = " and the validation clips" if centers else ""
        return (
            f"{counted(clips, 'clip')} of each of {len(self.base):,} videos{also}, {sized(needed)} "
            f"in {self.folder}"
        )


def content_of(trunk: keras.Model, config: TrainConfig, data_hash: str) -> dict[str, Any]:
    """All that features depend on, as values that JSON supports."""
    digest = hashlib.sha256()
    for layer in trunk.layers:
        digest.update(json.dumps(layer.get_config(), sort_keys=True, default=str).encode())
        for weight in layer.get_weights():
            digest.update(weight.tobytes())
    return {
        "data": data_hash,
        "split": SplitName.parse(config.train_split).base,
        "trunk": digest.hexdigest(),
        "seed": config.seed,
        "clips": dataclasses.asdict(config.clip_options()),
        "flip": [config.flip, config.flip_pairs],
        "augmentation": dataclasses.asdict(config.augmentation),
    }
