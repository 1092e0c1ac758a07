"""The batches of a run: `tfrecords.clips` with the values of its config."""

from typing import Any

import tensorflow as tf

import tfrecords
from training.clip_config import ClipConfig
from training.config import TrainConfig


def training_clips(config: TrainConfig, **position: Any) -> tf.data.Dataset:
    """The training split, augmented, in the order of the config's seed."""
    return tfrecords.clips(
        config.data,
        config.train_split,
        training=True,
        batch_size=config.batch_size,
        seed=config.seed,
        **sampling(config),
        **changes(config),
        **position,
    )


def validation_clips(config: TrainConfig) -> tf.data.Dataset | None:
    """One centre clip of each validation video, or None without a validation split."""
    if config.val_split not in tfrecords.read_manifest(config.data).splits:
        print(f"The data set has no split {config.val_split!r}: there is no validation.")
        return None
    return tfrecords.clips(
        config.data,
        config.val_split,
        training=False,
        batch_size=config.batch_size,
        **sampling(config),
    )


def sampling(config: ClipConfig) -> dict[str, Any]:
    """How clips are taken, for `tfrecords.clips`."""
    names = ("num_frames", "image_size", "sampling", "interval", "scale")
    return {name: getattr(config, name) for name in names}


def changes(config: ClipConfig) -> dict[str, Any]:
    """What training changes in clips and their order, for `tfrecords.clips`."""
    return {
        "flip": config.flip,
        "flip_pairs": config.pairs,
        "augment": config.augmentation,
        "class_weights": config.weights_of_classes,
    }
