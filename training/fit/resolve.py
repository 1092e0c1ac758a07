"""What a run is to do: its config, checked against its data set and the machines."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfrecords
from ctm_keras.methods import NETWORKS, check_method
from ctm_keras.weights.files import read_video_model
from ctm_keras.weights.origin import frames_and_options, pixels_of
from tfrecords.storage.files import absolute
from training.batches import training_clips
from training.config.train import TrainConfig
from training.fit.resume import WHERE, is_started, reopen
from training.machines.workers import count_workers
from training.run_folder import Run


def start(config: TrainConfig) -> tuple[TrainConfig, dict[str, Any], bool]:
    """The whole config, the notes of its data set, and whether a run of it has been begun."""
    if config.resume is None:
        resolved, facts = resolve(config)
        if resolved.dry_run:  # it writes no run
            return resolved, facts, False
        if not is_started(resolved):
            Run.free_folder(resolved.out)
            return resolved, facts, False
        where = {name: getattr(resolved, name) for name in WHERE}
        config = TrainConfig(resume=resolved.out, **where)
    return *reopen(config), True


def what_all_do(config: TrainConfig, facts: dict[str, Any]) -> str:
    """What must be the same on all machines."""
    own = {name: None for name in (*WHERE, "out", "resume", "weights")}
    return json.dumps([dataclasses.replace(config, **own).to_dict(), facts["data_hash"]])


def resolve(config: TrainConfig) -> tuple[TrainConfig, dict[str, Any]]:
    """Checks a config against its data set; every value stands in the one that is returned."""
    if config.data is None:
        raise ValueError("ctm train needs --data DIR, or --resume RUN.")
    config.check()
    check_method(config.model, config.method_options)
    saved = saved_model(config)
    config = complete(config, saved)
    pixels = dataclasses.asdict(pixels_of(saved)) if saved else None
    return config, facts_of(config) | {"preprocessing": pixels}


def saved_model(config: TrainConfig) -> keras.Model | None:
    """The model in the file that a run starts from, if it starts from one that is there."""
    weights = weights_of(config)
    return read_video_model(weights) if Path(weights).is_file() else None


def complete(config: TrainConfig, saved: keras.Model | None = None) -> TrainConfig:
    """A config in which every value is said, those of a saved model where none is given."""
    data = absolute(config.data)
    given = config.method_options
    frames, options = frames_and_options(saved, config.model, config.num_frames, given)
    taken = (f"{name}={value!r}" for name, value in options.items() if name not in given)
    return dataclasses.replace(
        config,
        **dataclasses.asdict(config.augmentation),
        data=data,
        out=config.out or Path("runs") / f"{data.name}-{config.model}",
        weights=weights_of(config),
        num_frames=frames,
        options=(*config.options, *taken),
        learning_rate=config.rate,
    )


def weights_of(config: TrainConfig) -> str:
    """What a run starts from, where the config leaves it open."""
    if config.weights == "auto":
        fresh = config.backbone == "tiny" or config.model in NETWORKS
        return "none" if fresh else "imagenet"
    if config.weights in ("none", "imagenet"):
        return config.weights
    return str(Path(config.weights).resolve())


def facts_of(config: TrainConfig) -> dict[str, Any]:
    """What a run notes of its data set."""
    manifest = tfrecords.read_manifest(config.data)
    clips = manifest.num_videos(config.train_split) * config.augmentation.repeats
    if config.batch_size > clips:
        raise ValueError(
            f"--batch-size {config.batch_size} is more than the {clips} clips of an epoch of the "
            f"split {config.train_split!r} of {config.data}: give --batch-size {clips} or less."
        )
    return {
        "class_names": list(manifest.class_names),
        "data_hash": manifest.hash,
        "frame": dict(manifest.frame),
        "steps_per_epoch": len(training_clips(config, epoch=0)),
    }


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
