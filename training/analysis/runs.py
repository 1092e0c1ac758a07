"""What evaluated runs say about space and time, side by side: `ctm analyze`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.disk import full_disk_in_words
from tfrecords.manifest import write_json
from training.analysis.contribution import (
    BASELINE,
    Result,
    mean_contributions,
    spatial_contribution,
    temporal_improvement,
)
from training.analysis.temporality import (
    average_temporal_gain,
    class_accuracies,
    gain_correlation,
    overlap,
    static_classes,
    temporal_classes,
    temporal_gains,
)
from training.analysis.words import in_words
from training.evaluate import read_results
from training.pictures import draw_gains
from training.predictions import Predictions, top1
from training.run import Run

OF_THE_NETWORK = ("num_frames", "image_size", "own_size")  # of the settings of an evaluation


@dataclass(frozen=True)
class Evaluated:
    """A run with its saved predictions.

    Args:
        name: The run's folder.
        result: Its network and accuracy.
        predictions: What `ctm evaluate` saved.
        class_names: The classes, in order.
        protocol: The split and the protocol of the predictions, in words.
        views: Which views they are of, in what must be alike between networks.
    """

    name: str
    result: Result
    predictions: Predictions
    class_names: tuple[str, ...]
    protocol: str
    views: dict[str, Any]


def analyze(runs: Sequence[Path], out: Path, top: int | None = None) -> Iterator[str]:
    """Compares evaluated runs with the TSN among them, from their saved predictions.

    Args:
        runs: Folders of runs that `ctm evaluate` scored on the same split with the same protocol.
        out: Folder for analysis.json and a picture of temporal gains.
        top: Classes that count as temporal and as static, None for 10 or half of all.

    Returns:
        An iterator of lines for people.

    Raises:
        ValueError: If a run was not evaluated, protocols differ, no TSN is among the runs, or
            `top` is less than 1.

    Reference:
        Sections 5.3 and 5.4 of arXiv 2010.11757.
    """
    found, gains = analyze_runs(runs, top)
    with full_disk_in_words(out, "analyze again"):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "analysis.json", found)
        draw_gains(gains, found["class_names"], out / "temporal_gains.png")
    yield from in_words(found)
    yield f"Written: {out / 'analysis.json'}, {out / 'temporal_gains.png'}"


def analyze_runs(
    runs: Sequence[Path], top: int | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `analyze` finds, as JSON can hold it, and the temporal gains of each run."""
    if top is not None and top < 1:
        raise ValueError(f"top must be 1 class or more, received {top}.")
    evaluated = [read_evaluated(path) for path in runs]
    check_comparable(evaluated)
    found = {"protocol": evaluated[0].protocol, **contributions(evaluated)}
    gains = {
        run.name: temporal_gains(run.predictions, tsn.predictions)
        for run, tsn in with_baselines(evaluated)
    }
    tsn = next(run for run in evaluated if is_baseline(run.result))
    names = found["class_names"] = list(tsn.class_names)
    seen = int((~np.isnan(class_accuracies(tsn.predictions))).sum())
    count = min(top or min(10, -(-seen // 2)), seen)
    found["static_classes"] = [names[c] for c in static_classes(tsn.predictions, count)]
    found["gains"] = {name: of_classes(gain, names, count) for name, gain in gains.items()}
    found["pairs"] = list(pairs(gains, count))
    return found, gains


def read_evaluated(path: Path) -> Evaluated:
    """A run and what `ctm evaluate` wrote into it.

    Raises:
        ValueError: If it was not evaluated.
    """
    run = Run.open(path)
    predictions, said = read_results(path)
    config = run.config
    result = Result(
        config.model,
        config.backbone,
        config.num_frames,
        bool(config.method_options.get("temporal_pooling", False)),
        top1(predictions),
    )
    names = tuple(run.read()["class_names"])
    views = {name: v for name, v in said["settings"].items() if name not in OF_THE_NETWORK}
    views["split"] = said["split"]
    protocol = f"{said['split']}: {said['protocol']}"
    return Evaluated(str(path), result, predictions, names, protocol, views)


def is_baseline(result: Result) -> bool:
    """Whether a network is TSN without temporal pooling."""
    return result.method == BASELINE and not result.pooling


def check_comparable(evaluated: Sequence[Evaluated]) -> None:
    """Raises ValueError unless there is a TSN, and all runs have its split and protocol."""
    if not any(is_baseline(run.result) for run in evaluated):
        raise ValueError(
            f"None of the {len(evaluated)} runs is a TSN without temporal pooling, with which "
            "they could be compared: train one with --model tsn."
        )
    first = evaluated[0]
    for run in evaluated[1:]:
        if run.class_names != first.class_names:
            raise ValueError(f"{run.name} and {first.name} have different classes.")
        if run.views != first.views:
            raise ValueError(
                f"{run.name} was evaluated on {run.protocol}, {first.name} on {first.protocol}: "
                "evaluate both alike."
            )


def with_baselines(evaluated: Sequence[Evaluated]) -> Iterator[tuple[Evaluated, Evaluated]]:
    """Each run that is no baseline, with the TSN of its backbone and frames if there is one."""
    baselines = {
        (run.result.backbone, run.result.frames): run
        for run in evaluated
        if is_baseline(run.result)
    }
    for run in evaluated:
        tsn = baselines.get((run.result.backbone, run.result.frames))
        if tsn and not is_baseline(run.result):
            yield run, tsn


def contributions(evaluated: Sequence[Evaluated]) -> dict[str, Any]:
    """Phi and Psi of each network, and their means where a method has several."""
    tsn = {run.name: base.result.top1 for run, base in with_baselines(evaluated)}
    networks = []
    for run in evaluated:
        row = {"run": run.name, **vars(run.result)}
        if run.name in tsn:
            row["spatial"] = spatial_contribution(run.result.top1, tsn[run.name])
            row["temporal"] = temporal_improvement(run.result.top1, tsn[run.name])
        networks.append(row)
    paired = [run.result for pair in with_baselines(evaluated) for run in pair]
    means = mean_contributions(dict.fromkeys(paired)) if paired else {}
    return {"networks": networks, "means": {name: vars(mean) for name, mean in means.items()}}


def of_classes(gain: np.ndarray, names: Sequence[str], count: int) -> dict[str, Any]:
    """Which classes gain, and what is left without those that gain most."""
    best = temporal_classes(gain, count)
    rest = len(best) < (~np.isnan(gain)).sum()
    return {
        "average": average_temporal_gain(gain),
        "average_without_the_most_temporal": average_temporal_gain(gain, best) if rest else None,
        "temporal_classes": {names[c]: float(gain[c]) for c in best},
        "per_class": {
            n: None if np.isnan(g) else float(g) for n, g in zip(names, gain, strict=True)
        },
    }


def pairs(gains: dict[str, np.ndarray], count: int) -> Iterator[dict[str, Any]]:
    """How alike the gains of each two models are."""
    for (one, first), (other, second) in combinations(gains.items(), 2):
        try:
            correlation = gain_correlation(first, second)
        except ValueError:  # one model gains alike everywhere
            correlation = None
        shared = overlap(temporal_classes(first, count), temporal_classes(second, count))
        yield {"runs": [one, other], "correlation": correlation, "overlap": shared}
