"""The batches of a run: `tfrecords.clips` with the options of its config."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

import tfrecords
from tfrecords.format import SplitName
from tfrecords.reading import num_videos
from training.config.train import TrainConfig
from training.config.use import ShowConfig

Source: TypeAlias = Callable[..., tf.data.Dataset]  # of clips, or of what a trunk computed of them


def training_clips(config: TrainConfig, **part: Any) -> tf.data.Dataset:
    """The training split, augmented and shuffled by the config's seed."""
    options = {
        "training": True,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "options": config.clip_options(),
        **changes(config),
        **part,
    }
    return tfrecords.clips(config.dataset, config.train_split, **options)


def validation_clips(config: TrainConfig, **part: Any) -> tf.data.Dataset:
    """One center clip of each validation video."""
    how = {"training": False, "batch_size": config.batch_size, **part}
    return tfrecords.clips(config.dataset, config.val_split, options=config.clip_options(), **how)


@dataclass(frozen=True)
class Sources:
    """Where the batches of training and validation come from."""

    training: Source
    validation: Source


CLIPS = Sources(training_clips, validation_clips)


def has_validation(config: TrainConfig) -> bool:
    """Whether the data set has the validation split. Several splits, or a fold, must exist."""
    split = config.val_split
    known = tfrecords.read_manifest(config.dataset).splits
    return split in known or not SplitName.parse(split).is_one_split


def training_batches(
    config: TrainConfig,
    strategy: tf.distribute.Strategy,
    epoch: int | tf.Variable,
    step: int = 0,
    timed: Callable[[tf.data.Dataset, int], tf.data.Dataset] = lambda batches, first: batches,
    source: Source = training_clips,
) -> Iterable:
    """The micro-batches of an epoch from a step on, distributed over the devices.

    Each machine reads its own shard. Micro-batch m of a step has the same clips for any number of
    machines and devices.
    """
    at_once = config.batch_size // config.accumulate // strategy.num_replicas_in_sync

    def of_a_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        workers = context.num_input_pipelines
        shard = (context.input_pipeline_id, workers)
        own = config.batch_size // workers
        clips = source(config, epoch=epoch, step=step, shard=shard, batch_size=own)
        clips = timed(clips, step)
        return clips if own == at_once else clips.rebatch(at_once, drop_remainder=True)

    return strategy.distribute_datasets_from_function(of_a_worker)


def validation_batches(
    config: TrainConfig, strategy: tf.distribute.Strategy, source: Source = validation_clips
) -> Iterable:
    """Each validation video once, distributed over the devices, with weights.

    All devices of all machines have the same number of batches of the same size; padding has
    weight 0.
    """
    videos = num_videos(config.dataset, config.val_split)
    replicas = strategy.num_replicas_in_sync
    at_once = config.batch_size // config.accumulate // replicas

    def of_a_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        workers = context.num_input_pipelines
        shard = (context.input_pipeline_id, workers)
        own = -(-videos // workers)
        rounds = -(-own // (at_once * replicas // workers))
        clips = source(config, shard=shard, batch_size=at_once)
        return filled_up(clips, at_once, rounds * replicas // workers)

    return strategy.distribute_datasets_from_function(of_a_worker)


def filled_up(clips: tf.data.Dataset, size: int, count: int) -> tf.data.Dataset:
    """`count` batches of `size` clips, labels and weights: 1 for clips, 0 for padding."""

    def fill(*batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        batch = (*batch, tf.ones(tf.shape(batch[0])[:1]))
        empty = size - tf.shape(batch[0])[0]
        return tuple(
            tf.ensure_shape(
                tf.pad(part, [[0, empty]] + [[0, 0]] * (part.shape.rank - 1)),
                (size, *part.shape[1:]),
            )
            for part in batch
        )

    none = tuple(tf.zeros((0, *spec.shape[1:]), spec.dtype) for spec in clips.element_spec)
    more = tf.data.Dataset.from_tensors(none).repeat(count - len(clips))
    return clips.concatenate(more).map(fill)


def changes(config: TrainConfig | ShowConfig) -> dict[str, Any]:
    """The augmentation and class weights of a config, as arguments of `tfrecords.clips`."""
    return {
        "flip": config.flip,
        "flip_pairs": config.pairs,
        "augment": config.augmentation,
        "class_weights": config.weights_of_classes,
    }
