"""A run that was stopped: what it was asked for, and whether it can go on."""

import dataclasses
from pathlib import Path

import tfrecords
from ctm_keras.names import class_difference
from tfrecords.format import FILE
from tfrecords.storage import as_path, is_file
from training.config.options import flag
from training.config.train import TrainConfig
from training.machines.workers import count_workers
from training.run_folder import Run, RunFacts, versions

WHERE = ("data", "devices", "workers", "index")  # what may differ from one start to the next


def reopen(config: TrainConfig, path: Path) -> tuple[TrainConfig, RunFacts]:
    """The config and the facts of the run to continue, if its data set is still the same."""
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
        raise ValueError(f"{own.dataset} is gone: say where the data set is now with --data.")
    manifest = tfrecords.read_manifest(own.dataset)
    if manifest.hash != facts.data_hash:
        names = facts.class_names, manifest.class_names
        why = class_difference(*names, "the run", "the data set") or "its hash differs"
        raise ValueError(
            f"{own.dataset} is not the data set that {run.path} was trained on: {why}."
        )
    if facts.versions != versions():
        print(f"Continuing with other versions than the run began with: {versions()}")
    return own, facts


def _check_only_where(config: TrainConfig) -> None:
    """A resumed run keeps what it does; only where its parts are may be said anew."""
    where = {name: getattr(config, name) for name in (*WHERE, "resume")}
    if changed := differences(config, TrainConfig(**where)):
        raise ValueError(
            f"A resumed run keeps its own options; {', '.join(map(flag, changed))} cannot be "
            "changed. Only "
            f"{', '.join(map(flag, WHERE))} go with --resume; for other options start a new run."
        )


def _check_machines(config: TrainConfig, begun: TrainConfig, path: Path) -> None:
    """What several machines began they continue together: each alone would write into one run."""
    if begun.workers and not config.workers and count_workers() == 1:
        raise ValueError(
            f"{path} was begun by several machines: give --workers {begun.workers} and "
            "--index on each; to go on with one alone, give its own HOST:PORT as --workers."
        )


def is_started(config: TrainConfig) -> bool:
    """Whether the folder of a resolved config has a run of just this config.

    So the command that started a run, given again, continues it.
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
