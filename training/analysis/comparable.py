"""Evaluated runs that can be compared: one split, one protocol, each network once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from ctm_keras.names import class_difference
from training.analysis.contribution import Result
from training.analysis.temporality import check_same_videos
from training.config.train import TrainConfig
from training.evaluate.predictions import Predictions, top1
from training.evaluate.scores import Basis, Report, read_results
from training.run_folder import a_run_of


@dataclass(frozen=True)
class Evaluated:
    """A run with its saved predictions.

    Args:
        name: The run's folder.
        result: The run's network and accuracy.
        predictions: The saved predictions.
        class_names: The classes, in order.
        report: The report of the evaluation.
    """

    name: str
    result: Result
    predictions: Predictions
    class_names: tuple[str, ...]
    report: Report


def read_evaluated(path: Path) -> Evaluated:
    """Reads a run, or a cross-validation, and the results that `ctm evaluate` wrote into it.

    Raises:
        ValueError: If the run was not evaluated.
    """
    run = a_run_of(path)
    predictions, report = read_results(path)
    names = run.facts.class_names
    network = _network_of(run.config, top1(predictions))
    return Evaluated(str(path), network, predictions, names, report)


def _network_of(config: TrainConfig, accuracy: float) -> Result:
    """The network of a config, with its accuracy."""
    options = config.method_options
    pooling = options.get("temporal_pooling", False)
    if pooling != "avg":  # True and "max" are the paper's pooling
        options.pop("temporal_pooling", None)
    return Result(
        config.model,
        config.backbone,
        config.clip_options().num_frames,
        bool(pooling),
        accuracy,
        config.image_size,
        tuple(sorted(map(_spelled, options, options.values()))),
    )


def _spelled(name: str, value: Any) -> str:
    """An option in the form of --options, `"blocks=1,3"`."""
    values = value if isinstance(value, tuple) else (value,)
    return f"{name}={','.join(map(str, values))}"


def check_comparable(evaluated: Sequence[Evaluated]) -> None:
    """Raises ValueError unless runs share a protocol and one of them has a TSN to compare with."""
    if not any(run.result.is_baseline for run in evaluated):
        raise ValueError(
            f"None of the {len(evaluated)} runs is a TSN without temporal pooling to compare with. "
            "Train one with --model tsn."
        )
    first = evaluated[0]
    for run in evaluated[1:]:
        _check_alike(run, first)
    for one, other in combinations(evaluated, 2):
        if one.result.network == other.result.network:
            raise ValueError(
                f"{one.name} and {other.name} are both {one.result}. Give only one of them."
            )
    if not any(with_baselines(evaluated)):
        given = ", ".join(str(run.result) for run in evaluated)
        raise ValueError(
            "At least one network must have the backbone, frames and image size of a TSN, received "
            f"nothing to compare: {given}. Give a TSN and another network that match."
        )


def _check_alike(run: Evaluated, first: Evaluated) -> None:
    """Raises ValueError unless two runs have the same classes, protocol and kind of checkpoint."""
    names = run.class_names, first.class_names
    if why := class_difference(*names, run.name, first.name):
        raise ValueError(
            f"{run.name} and {first.name} have different classes: {why}. Give runs with the same "
            "classes."
        )
    if run.report.views != first.report.views:
        raise ValueError(
            f"{run.name} was evaluated on {run.report.basis}; {first.name} on "
            f"{first.report.basis}. Evaluate both with the same options."
        )
    check_same_videos(run.predictions, first.predictions)


def basis_of(evaluated: Sequence[Evaluated]) -> Basis:
    """How the scores of all runs were measured; lists each run if they differ."""

    def joined(own: dict[str, str]) -> str:
        values = set(own.values())
        return values.pop() if len(values) == 1 else "; ".join(f"{n}: {v}" for n, v in own.items())

    first = evaluated[0].report
    protocols = {run.name: run.report.protocol for run in evaluated}
    coverages = {run.name: run.report.coverage for run in evaluated}
    return Basis(first.split, joined(protocols), joined(coverages), first.model)


def with_baselines(evaluated: Sequence[Evaluated]) -> Iterator[tuple[Evaluated, Evaluated]]:
    """Each run other than a baseline that has a TSN in the same setting, with that TSN."""
    baselines = {run.result.setting: run for run in evaluated if run.result.is_baseline}
    for run in evaluated:
        tsn = baselines.get(run.result.setting)
        if tsn and not run.result.is_baseline:
            yield run, tsn
