"""Datasets of single samples, and the mixing of batches. `epoch_order.py` defines the order."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from tfrecords.augment import Augment
from tfrecords.augment.mixing import mix_batch
from tfrecords.reading.clip_reader import PLACE_DRAWS, ClipReader
from tfrecords.reading.epoch_order import ClassOrder, epochs, key_of_epoch, video_at

Epoch: TypeAlias = int | tf.Variable | None


@dataclass(frozen=True)
class Places:
    """Positions `first` to `last` of shard (i, n), which are i, i + n, ... in the whole order."""

    shard: tuple[int, int]
    first: int
    last: int

    def of_all(self, place: tf.Tensor) -> tf.Tensor:
        """Converts a position in the shard to one in the whole order."""
        return self.shard[0] + self.shard[1] * place


def training_samples(
    reader: ClipReader,
    weighted: ClassOrder | None,
    seed: int,
    epoch: Epoch,
    places: Places,
    num_parallel: int | None,
) -> tf.data.Dataset:
    """Samples at some positions of the order, with their keys.

    The repeats of a video follow each other and belong to the same shard.
    """
    draws, repeats = PLACE_DRAWS + reader.options.num_frames, reader.augment.repeats
    videos = np.int64(len(reader.videos))

    def sample(epoch: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, ...]:
        position = places.of_all(place // repeats)
        key = key_of_epoch(seed, epoch)
        own = position * repeats + place % repeats
        own_key = tf.random.experimental.stateless_fold_in(key, own, alg="philox")
        numbers = tf.random.stateless_uniform([draws], own_key, alg="philox")
        video = video_at(position, key, weighted, videos)
        rows = _read(reader, reader.training_clip, video, numbers, own_key)
        return (*_only_crop(*rows), own_key)

    own = tf.data.Dataset.range(places.first, places.last)
    all_places = epochs(epoch).flat_map(lambda epoch: own.map(lambda place: (epoch, place)))
    return _mapped(all_places, sample, num_parallel)


def mixer(augment: Augment, classes: int) -> Callable:
    """Mixes the clips of a batch and their labels if `augment` requests it."""

    def mixed(
        clips: tf.Tensor, labels: tf.Tensor, ids: tf.Tensor, views: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        if not augment.mixes:
            return clips, labels, ids, views
        mix = partial(mix_batch, augment=augment, num_classes=classes)
        new = tf.numpy_function(mix, (clips, labels, keys), (tf.uint8, tf.float32), stateful=False)
        new[0].set_shape(clips.shape)
        new[1].set_shape((clips.shape[0], classes))
        return *new, ids, views

    return mixed


def evaluation_samples(
    reader: ClipReader, places: Places, num_parallel: int | None
) -> tf.data.Dataset:
    """Views at some positions of the split. The crops of a clip are read together."""
    num_clips, crops = reader.options.num_clips, reader.options.num_crops

    def sample(clip: tf.Tensor) -> tuple[tf.Tensor, ...]:
        video = places.of_all(clip // num_clips)
        return _read(reader, reader.evaluation_clip, video, clip % num_clips)

    numbers = tf.data.Dataset.range(places.first // crops, -(-places.last // crops))
    clips = _mapped(numbers, sample, num_parallel)
    return clips.map(_only_crop) if crops == 1 else clips.unbatch().skip(places.first % crops)


def _mapped(units: tf.data.Dataset, sample: Callable, num_parallel: int | None) -> tf.data.Dataset:
    return units.map(sample, num_parallel or tf.data.AUTOTUNE, deterministic=True)


def _read(reader: ClipReader, method: Callable, *inputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Calls a method of the reader in the graph: clips, labels, ids and views, a row per crop."""
    options = reader.options
    types = (tf.uint8, tf.int32, tf.string, tf.int32)
    outputs = tf.numpy_function(method, inputs, types, stateful=False)
    size = (options.image_size, options.image_size, 3)
    outputs[0].set_shape((options.num_crops, options.num_frames, *size))
    for output in outputs[1:]:
        output.set_shape((options.num_crops,))
    return tuple(outputs)


def _only_crop(*rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
    return tuple(tf.squeeze(row, 0) for row in rows)
