"""Resuming a stopped run: its config, and whether it can be resumed."""

import dataclasses
from pathlib import Path

import tfrecords
from ctm_keras.names import class_difference
from tfrecords.format import FILE
from tfrecords.storage import as_path, is_file
from training.config.options import flag
from training.config.train import TrainConfig
from training.machines.workers import count_workers, several_machines
from training.run_folder import Run, RunFacts, versions

WHERE = ("data", "devices", "workers", "index")  # options that may change when a run is resumed


def reopen(config: TrainConfig, path: Path) -> tuple[TrainConfig, RunFacts]:
    """The config and the facts of a run to resume, after checking that its data set is the same."""
    run = Run.open(path)
    facts, begun = run.facts, run.config
    _check_only_where(config)
    _check_machines(config, begun, path)
    where = {name: getattr(config, name) for name in WHERE}
    own = dataclasses.replace(
        begun,
        **where | {"data": as_path(config.data or begun.dataset)},
        out=path,
        weights=run.start_weights(),
    )
    if not is_file(own.dataset / FILE):
        raise ValueError(
            f"The data set {own.dataset} is missing. Give its current folder as --data."
        )
    manifest = tfrecords.read_manifest(own.dataset)
    if manifest.hash != facts.data_hash:
        names = facts.class_names, manifest.class_names
        why = class_difference(*names, "the run", "the data set") or "its hash differs"
        raise ValueError(
            f"--data must be the data set that {run.path} was trained on, received "
            f"{own.dataset}: {why}."
        )
    if facts.versions != versions():
        print(f"Package versions have changed since the run started. Now: {versions()}")
    return own, facts


def _check_only_where(config: TrainConfig) -> None:
    """Raises ValueError for options that may not change when a run is resumed."""
    where = {name: getattr(config, name) for name in (*WHERE, "resume")}
    if changed := differences(config, TrainConfig(**where)):
        raise ValueError(
            f"A resumed run keeps its options; {', '.join(map(flag, changed))} cannot be "
            "changed. Only "
            f"{', '.join(map(flag, WHERE))} can be combined with --resume. To change other "
            "options, start a new run."
        )


def _check_machines(config: TrainConfig, begun: TrainConfig, path: Path) -> None:
    """Raises ValueError if one machine resumes a run of several: each would write into the run."""
    if begun.workers and not config.workers and count_workers() == 1:
        raise ValueError(
            f"{path} was started on several machines. Give --workers {begun.workers} and --index "
            "on each; to resume on one machine alone, give its HOST:PORT as --workers."
        )


def check_cache(config: TrainConfig) -> None:
    """Raises ValueError if several machines would train on cached clips: all on the same ones."""
    begun = Run.open(config.resume).config if config.resume else config
    if begun.cached_clips and several_machines(config.workers):
        raise ValueError(
            "--cached-clips requires one machine, received several from --workers or TF_CONFIG. "
            "Use one machine, or start a run with --cached-clips 0."
        )


def is_started(config: TrainConfig) -> bool:
    """Whether the folder of a resolved config has a run with the same config.

    If so, the command that started the run resumes it.
    """
    if not (config.folder / "config.json").is_file():
        return False
    return set(differences(config, Run.open(config.folder).config)) <= {*WHERE, "out"}


def differences(one: TrainConfig, other: TrainConfig) -> list[str]:
    """The names of the options that differ."""
    return [
        field.name
        for field in dataclasses.fields(one)
        if getattr(one, field.name) != getattr(other, field.name)
    ]
