"""What a run is to do: its config, checked against its data set and the machines."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfrecords
from ctm_keras.methods import NETWORKS, check_method
from ctm_keras.weights import frames_and_options, pixels_of, read_video_model
from tfrecords.format import FrameOptions
from tfrecords.storage import absolute
from training.batches import training_clips
from training.config.train import ModelConfig, TrainConfig
from training.fit.resume import WHERE, is_started, reopen
from training.machines.workers import count_workers
from training.run_folder import Run, RunFacts


def start(config: TrainConfig) -> tuple[TrainConfig, RunFacts, bool]:
    """The whole config, the facts of its data set, and whether a run of it has been begun."""
    if config.resume:
        return *reopen(config, config.resume), True
    resolved, facts = resolve(config)
    if not resolved.dry_run and is_started(resolved):
        where = {name: getattr(resolved, name) for name in WHERE}
        return *reopen(TrainConfig(**where), resolved.folder), True
    if not resolved.dry_run:  # which writes no run
        Run.free_folder(resolved.folder)
    return resolved, facts, False


def what_all_do(config: TrainConfig, facts: RunFacts) -> str:
    """What must be the same on all machines."""
    own = (*WHERE, "out", "resume", "weights")
    values = {name: value for name, value in config.to_dict().items() if name not in own}
    return json.dumps([values, facts.data_hash])


def resolve(config: TrainConfig) -> tuple[TrainConfig, RunFacts]:
    """Checks a config against its data set; every value stands in the one that is returned."""
    config.dataset  # noqa: B018  (it raises)
    config.check()
    check_method(config.model, config.method_options)
    saved = saved_model(config)
    config = complete(config, saved)
    pixels = dataclasses.asdict(pixels_of(saved)) if saved else None
    return config, _facts_of(config, pixels)


def saved_model(config: TrainConfig) -> keras.Model | None:
    """The model in the file that a run starts from, if it starts from one that is there."""
    weights = weights_of(config)
    return read_video_model(weights) if Path(weights).is_file() else None


def complete(config: TrainConfig, saved: keras.Model | None = None) -> TrainConfig:
    """A config in which every value is said, those of a saved model where none is given."""
    given = config.method_options
    frames, options = frames_and_options(saved, config.model, config.num_frames, given)
    taken = (f"{name}={value!r}" for name, value in options.items() if name not in given)
    values: dict[str, Any] = {
        **dataclasses.asdict(config.augmentation),
        "data": absolute(config.dataset),
        "out": config.folder,
        "weights": weights_of(config),
        "num_frames": frames,
        "options": (*config.options, *taken),
        "learning_rate": config.rate,
    }
    return dataclasses.replace(config, **values)


def weights_of(config: ModelConfig) -> str:
    """What a run starts from, where the config leaves it open."""
    if config.weights == "auto":
        fresh = config.backbone == "tiny" or config.model in NETWORKS
        return "none" if fresh else "imagenet"
    if config.weights in ("none", "imagenet"):
        return config.weights
    return str(Path(config.weights).resolve())


def _facts_of(config: TrainConfig, preprocessing: dict[str, Any] | None) -> RunFacts:
    """What a run notes of its data set, and of the pixels of the file that it starts from."""
    manifest = tfrecords.read_manifest(config.dataset)
    clips = manifest.num_videos(config.train_split) * config.augmentation.repeats
    if config.batch_size > clips:
        raise ValueError(
            f"--batch-size {config.batch_size} is more than the {clips} clips of an epoch of the "
            f"split {config.train_split!r} of {config.dataset}: give --batch-size {clips} or less."
        )
    return RunFacts(
        class_names=manifest.class_names,
        data_hash=manifest.hash,
        frame=FrameOptions.from_dict(manifest.frame),
        steps_per_epoch=len(training_clips(config, epoch=0)),
        preprocessing=preprocessing,
    )


def check_batch(config: TrainConfig, strategy: tf.distribute.Strategy) -> None:
    """Every device must get the same number of clips, and every machine whole videos."""
    replicas, parts = strategy.num_replicas_in_sync, config.accumulate
    if config.batch_size % (replicas * parts):
        of = f" in {parts} parts" if parts > 1 else ""
        raise ValueError(
            f"--batch-size {config.batch_size} cannot be shared equally by {replicas} devices{of}."
        )
    own = config.batch_size // count_workers(strategy)
    if count_workers(strategy) > 1 and own % config.augmentation.repeats:
        raise ValueError(
            f"--batch-size {config.batch_size} gives each machine {own} clips, which are not "
            f"whole videos with --repeats {config.augmentation.repeats}."
        )
