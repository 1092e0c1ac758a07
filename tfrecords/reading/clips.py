"""A `tf.data.Dataset` of clips whose samples are a function of (seed, epoch, position)."""

import dataclasses
import os
from typing import Any

import numpy as np
import tensorflow as tf

from tfrecords.arguments import check_count
from tfrecords.augment import NOT_FLIPPED, Augment, flip_targets
from tfrecords.augment.flips import Pairs
from tfrecords.reading.class_weights import Weights
from tfrecords.reading.clip_options import ClipOptions, shows_fields
from tfrecords.reading.clip_reader import ClipReader
from tfrecords.reading.epoch_order import class_order
from tfrecords.reading.samples import Epoch, Places, evaluation_samples, mixer, training_samples
from tfrecords.reading.split import Split
from tfrecords.storage.files import AnyPath

REMOTE_PARALLEL = 32  # clips that are requested at once


@shows_fields
def clips(
    data: str | AnyPath,
    split: str = "train",
    *,
    batch_size: int = 32,
    training: bool | None = None,
    options: ClipOptions | None = None,
    flip: bool = True,
    flip_pairs: Pairs = (),
    augment: str | Augment = "slowfast",
    class_weights: Weights = None,
    seed: int = 0,
    epoch: Epoch = None,
    step: int = 0,
    shard: tuple[int, int] = (0, 1),
    with_ids: bool = False,
    drop_remainder: bool | None = None,
    num_parallel: int | None = None,
    **view: Any,
) -> tf.data.Dataset:
    """Batches of clips from a data set that `ctm build` wrote.

    Training samples one clip of every video per epoch, in an order shuffled over the whole split.
    The time, size and position of the clip and its flip are random, and the same for all of its
    frames. Evaluation samples `num_clips` clips by `num_crops` crops of every video; they are
    deterministic, in the order of the data set. Videos shorter than a clip are looped: frame
    numbers are taken modulo the number of frames. Every frame is checked against its CRC-32 when
    it is read. A damaged frame stops the iteration with an error that `tfrecords.data_error`
    shortens to the message about the data.

    Args:
        data: Folder with dataset.json, or a URL such as `"s3://bucket/mine"`, `"gs://..."` or
            `"https://..."`. From a URL, only the frames of the clips are downloaded.
        split: A split of the data set, several together as `"train+val"`, one of the folds of
            these as `"train+val:fold-0-of-5"`, or all other folds as
            `"train+val:all-but-0-of-5"`. Folds have nearly the same number of videos of each
            class, and a group is in one fold. Defaults to `"train"`.
        batch_size: Clips per batch (views, in evaluation), B. Defaults to 32.
        training: Whether to sample clips as in training. Defaults to True for the split
            `"train"`, else False.
        options: How a video is viewed: frames, size, sampling, clips, crops. Defaults to
            `tfrecords.ClipOptions()`.
        flip: Whether training mirrors clips with probability 1/2. Classes with the words left or
            right in their names are never mirrored, unless `flip_pairs` lists them. Defaults to
            True.
        flip_pairs: Pairs of class names that are each other's mirror image; their clips are
            mirrored and their labels swapped. Or the name of a data set with known pairs:
            `"jester"`, `"something-something-v1"` or `"something-something-v2"`.
        augment: Augmentations of training besides scale and flip, or the name of a preset:
            `"slowfast"` (none), `"tsn"` (corner crops), `"mvit"` (RandAugment, erasing, MixUp,
            CutMix, every video twice). Defaults to `"slowfast"`.
        class_weights: How often training samples the videos of each class. None: each video once.
            `"balanced"`: every class equally often. `"sqrt"`: in proportion to the square root of
            the class's number of videos. Or a mapping from class names to factors (1 for classes
            that are not listed, 0 for never). The length of the epoch stays the same, so some
            videos are skipped and others repeated. Defaults to None.
        seed: Seed of all random draws. Defaults to 0.
        epoch: The epoch number, or a `tf.Variable` (an int64 scalar) that is read each time an
            iterator starts. With None, every iterator starts the next epoch; this suits notebooks
            but cannot be resumed, since Keras may start one more iterator than there are epochs.
            Defaults to None.
        step: Number of batches that every iterator skips without reading them. Defaults to 0.
        shard: Two integers (i, n): this process reads videos i, i + n, ... of the order. With
            `drop_remainder`, all shards have the same number of batches. Defaults to (0, 1).
        with_ids: Whether batches are dicts with the videos' ids and view numbers. Defaults to
            False.
        drop_remainder: Whether to drop a last, smaller batch. Defaults to `training`.
        num_parallel: Number of clips read in parallel. It does not change the samples. Defaults to
            tf.data's choice, one per core, and to 32 for a remote data set, where latency
            dominates.
        view: Fields of `tfrecords.ClipOptions` by name, such as `num_frames=16`. They override
            those of `options`.

    Returns:
        A `tf.data.Dataset` of known length that can be passed to `model.fit` directly.

    Output shape:
        A tuple of clips, uint8 RGB of shape `(B, T, S, S, 3)`, and labels, int32 of shape `(B,)`.
        With `with_ids`, a dict of `"clip"`, `"label"`, `"id"` (string) and `"view"` (int32), the
        last two of shape `(B,)`. View `i` is crop `i % num_crops` of clip `i // num_crops`. With
        MixUp or CutMix, labels are the fractions of all classes, float32 of shape `(B, classes)`,
        and clip `i` keeps its own id although clip `B - 1 - i` is mixed into it.

    Raises:
        ValueError: If the data set or the split does not exist or cannot be divided into the
            folds, a shard is missing or has the wrong size, or an argument is invalid.
        StorageError: If the server of a remote data set does not respond.

    Example:
        >>> train = tfrecords.clips("data/mine", "train", batch_size=4)
        >>> train.element_spec[0].shape
        TensorShape([4, 8, 224, 224, 3])
        >>> val = tfrecords.clips("data/mine", "val", num_clips=10, num_crops=3)
        >>> len(val)  # 12 videos, 30 views each, 32 in a batch
        12

    Reference:
        CTM: Collaborative Temporal Modeling for Action Recognition, section 4.1.
    """
    training = split == "train" if training is None else training
    drop_remainder = training if drop_remainder is None else drop_remainder
    augment = Augment.preset(augment) if isinstance(augment, str) else augment
    options = dataclasses.replace(options or ClipOptions(), **view)
    _check_numbers(batch_size, seed, epoch, step, num_parallel)
    _check(training, options, shard)
    videos = Split(data, split)
    num_parallel = num_parallel or (REMOTE_PARALLEL if videos.remote else None)
    targets = flip_targets(videos.class_names, flip_pairs)
    targets = targets if flip else np.full_like(targets, NOT_FLIPPED)
    reader = ClipReader(videos, options, targets, augment)
    weighted = class_order(videos.videos["label"], videos.class_names, class_weights)
    views = augment.repeats if training else options.num_clips * options.num_crops
    total = _count(len(videos), shard, drop_remainder) * views
    steps = total // batch_size if drop_remainder else -(-total // batch_size)
    if step > steps or (drop_remainder and not steps):
        raise ValueError(_too_few(videos, batch_size, step, steps, total, shard[1]))
    places = Places(shard, *(min(batch * batch_size, total) for batch in (step, steps)))
    if training:
        samples = training_samples(reader, weighted, seed, epoch, places, num_parallel)
    else:
        samples = evaluation_samples(reader, places, num_parallel)
    batches = samples.batch(batch_size, drop_remainder)
    if training:
        batches = batches.map(mixer(augment, len(videos.class_names)))
    batches = batches.map(_dicts if with_ids else _pairs)
    batches = batches.apply(tf.data.experimental.assert_cardinality(steps - step))
    return batches.prefetch(2).with_options(_options(num_parallel))


def _pairs(*batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
    return batch[:2]


def _dicts(*batch: tf.Tensor) -> dict[str, tf.Tensor]:
    return dict(zip(("clip", "label", "id", "view"), batch, strict=True))


def _options(num_parallel: int | None) -> tf.data.Options:
    options = tf.data.Options()
    if num_parallel:  # by default TensorFlow has one thread per core
        options.threading.private_threadpool_size = max(num_parallel, os.cpu_count() or 1)
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options


def _count(videos: int, shard: tuple[int, int], equal: bool) -> int:
    """Number of videos in a shard; with `equal`, the same in every shard."""
    return videos // shard[1] if equal else len(range(shard[0], videos, shard[1]))


def _check_numbers(
    batch_size: int, seed: int, epoch: Epoch, step: int, num_parallel: int | None
) -> None:
    check_count("batch_size", batch_size)
    check_count("step", step, 0)
    check_count("seed", seed, 0)
    if num_parallel is not None:
        check_count("num_parallel", num_parallel)
    if not (epoch is None or isinstance(epoch, tf.Variable)):
        check_count("epoch", epoch, 0)


def _check(training: bool, options: ClipOptions, shard: tuple[int, int]) -> None:
    if training and (options.num_clips, options.num_crops) != (1, 1):
        raise ValueError(
            "num_clips and num_crops must be 1 in training, which samples one random clip and crop "
            f"per video, received num_clips={options.num_clips}, num_crops={options.num_crops}. "
            "Use training=False for evaluation."
        )
    if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
        raise ValueError(f"shard must be (i, n) with 0 <= i < n, received {shard!r}.")


def _too_few(videos: Split, batch_size: int, step: int, steps: int, total: int, n: int) -> str:
    if step > steps:
        return f"step must be at most {steps}, the batches of an epoch, received {step}."
    return (
        f"batch_size must be at most {total}, the clips of an epoch (split {videos.name!r} has "
        f"{len(videos)} videos{f' for {n} processes' if n > 1 else ''}), received {batch_size}. "
        "Use a smaller batch_size, or drop_remainder=False for one smaller batch."
    )
