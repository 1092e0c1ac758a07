"""Resolves the config of a run and checks it against its data set and machines."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfrecords
from ctm_keras.checkpoints import open_weights
from ctm_keras.methods import NETWORKS, check_method
from ctm_keras.weights import (
    frames_and_options,
    is_published,
    nearest_names,
    no_file,
    pixels_of,
)
from tfrecords.format import FrameOptions, SplitName
from tfrecords.reading import Split, num_videos
from tfrecords.storage import absolute
from training.batches import has_validation, training_clips
from training.config.train import ModelConfig, TrainConfig
from training.fit.resume import WHERE, check_cache, is_started, reopen
from training.machines.workers import count_workers
from training.run_folder import Run, RunFacts


def start(config: TrainConfig) -> tuple[TrainConfig, RunFacts, bool]:
    """The resolved config, the facts about its data set, and whether its run is resumed."""
    check_cache(config)
    if config.resume:
        return *reopen(config, config.resume), True
    resolved, facts = resolve(config)
    if not resolved.dry_run and is_started(resolved):
        where = {name: getattr(resolved, name) for name in WHERE}
        return *reopen(TrainConfig(**where), resolved.folder), True
    if not resolved.dry_run:  # a dry run creates no folder
        Run.free_folder(resolved.folder)
    return resolved, facts, False


def what_all_do(config: TrainConfig, facts: RunFacts) -> str:
    """A description of the run that must be identical on all machines."""
    own = (*WHERE, "out", "resume", "weights")
    values = {name: value for name, value in config.to_dict().items() if name not in own}
    return json.dumps([values, facts.data_hash])


def resolve(config: TrainConfig) -> tuple[TrainConfig, RunFacts]:
    """Checks a config against its data set; returns it with every value filled in, and facts."""
    config.dataset  # noqa: B018  (it raises)
    config.check()
    if config.folds:
        raise ValueError(f"A run has no folds, received {config.folds}. Use `ctm train --folds`.")
    check_method(config.model, config.method_options)
    check_weights(config)
    _check_splits(config)
    if config.freeze and weights_of(config) == "none":
        raise ValueError(
            "--freeze requires a backbone with trained weights, received --weights none: frozen "
            "random layers would never learn. Give imagenet or a .keras file as --weights."
        )
    _check_optimization(config)
    saved = saved_model(config)
    config = complete(config, saved)
    pixels = dataclasses.asdict(pixels_of(saved)) if saved else None
    return config, _facts_of(config, pixels)


def check_weights(config: ModelConfig) -> None:
    """Raises ValueError if the initial weights do not exist."""
    weights = config.weights
    if weights in ("auto", "none", "imagenet") or is_published(weights):
        return
    if why := no_file(Path(weights)):
        raise ValueError(
            "--weights must be imagenet, none, a .keras file of this project (RUN/model.keras) or "
            f"a name of `ctm weights`, received {weights}, which {why}.{nearest_names(weights)}"
        )


def _check_splits(config: TrainConfig) -> None:
    """Raises ValueError if videos of the validation split are in the training split, too."""
    names = config.train_split, config.val_split
    plain = all(SplitName.parse(name).is_one_split for name in names)
    if plain or not has_validation(config):
        return
    train, val = (Split(config.dataset, name).ids for name in names)
    if both := set(train) & set(val):
        raise ValueError(
            f"--val-split must have no video of the training split {names[0]!r}, received "
            f"{names[1]!r} with {len(both)} of them. Give another split, or `--val-split none` to "
            "train without validation."
        )


def _check_optimization(config: TrainConfig) -> None:
    """Raises ValueError for options that the model or the data set does not allow."""
    if config.patience and not has_validation(config):
        raise ValueError(
            f"--patience requires a validation split; {config.dataset} has no split "
            f"{config.val_split!r}. Give --val-split, or remove --patience."
        )
    if config.backbone_rate != 1 and config.model in NETWORKS:
        raise ValueError(
            "--backbone-rate requires a method on an image model, received --model "
            f"{config.model}. Remove --backbone-rate."
        )


def saved_model(config: TrainConfig) -> keras.Model | None:
    """The model whose weights a run starts from, if they are published or in an existing file."""
    weights = weights_of(config)
    return open_weights(weights) if is_published(weights) or Path(weights).is_file() else None


def complete(config: TrainConfig, saved: keras.Model | None = None) -> TrainConfig:
    """A config with every value filled in; missing values come from a saved model, if any."""
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
        **config.of_optimizer,
    }
    return dataclasses.replace(config, **values)


def weights_of(config: ModelConfig) -> str:
    """The initial weights of a run: `"none"`, `"imagenet"`, a published name or a full path."""
    if config.weights == "auto":
        fresh = config.backbone == "tiny" or config.model in NETWORKS
        return "none" if fresh else "imagenet"
    if config.weights in ("none", "imagenet") or is_published(config.weights):
        return config.weights
    return str(Path(config.weights).resolve())


def _facts_of(config: TrainConfig, preprocessing: dict[str, Any] | None) -> RunFacts:
    """The facts about a run's data set, and the preprocessing of the weights it starts from."""
    check_clips(config)
    manifest = tfrecords.read_manifest(config.dataset)
    frame = FrameOptions.from_dict(manifest.frame)
    seconds, fps = seconds_and_fps(config, frame.fps)
    return RunFacts(
        class_names=manifest.class_names,
        data_hash=manifest.hash,
        frame=frame,
        steps_per_epoch=len(training_clips(config, epoch=0)),
        preprocessing=preprocessing,
        seconds=seconds,
        fps=fps,
    )


def check_clips(config: TrainConfig) -> None:
    """Raises ValueError unless an epoch has the clips of at least one step."""
    clips = num_videos(config.dataset, config.train_split) * config.augmentation.repeats
    if config.batch_size > clips:
        raise ValueError(
            f"--batch-size must be at most {clips}, the clips per epoch of the split "
            f"{config.train_split!r} of {config.dataset}, received {config.batch_size}."
        )


def seconds_and_fps(config: TrainConfig, fps: float | None) -> tuple[float, float]:
    """The time that a run's clips span, and the rate of their frames.

    Args:
        config: The config of the run.
        fps: Frames per second to which the data set was resampled, or None.
    """
    duration, median = tfrecords.typical_video(config.dataset, config.train_split)
    fps, clips = float(fps or median), config.clip_options()
    if clips.sampling == "segments":
        return duration, fps
    return clips.num_frames * clips.interval / fps, fps


def check_batch(config: TrainConfig, strategy: tf.distribute.Strategy) -> None:
    """Raises ValueError unless devices get equal numbers of clips and machines whole videos."""
    replicas, parts = strategy.num_replicas_in_sync, config.accumulate
    if config.batch_size % (replicas * parts):
        times = f" times --accumulate {parts}" if parts > 1 else ""
        raise ValueError(
            f"--batch-size must be a multiple of the number of devices, {replicas}{times}, "
            f"received {config.batch_size}."
        )
    own = config.batch_size // count_workers(strategy)
    if count_workers(strategy) > 1 and own % config.augmentation.repeats:
        raise ValueError(
            f"The clips per machine must be a multiple of --repeats {config.augmentation.repeats}, "
            f"received {own} from --batch-size {config.batch_size}. Change --batch-size."
        )
