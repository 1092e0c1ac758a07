"""`ctm analyze`: compares spatial and temporal contributions of evaluated runs."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from tfrecords.format import write_json
from tfrecords.storage import full_disk_in_words
from training.analysis.comparable import (
    Evaluated,
    basis_of,
    check_comparable,
    read_evaluated,
    with_baselines,
)
from training.analysis.contribution import (
    mean_contributions,
    spatial_contribution,
    temporal_improvement,
)
from training.analysis.figures import Analysis, Gain, Network, Pair
from training.analysis.temporality import (
    average_temporal_gain,
    class_accuracies,
    gain_correlation,
    overlap,
    static_classes,
    temporal_classes,
    temporal_gains,
)
from training.analysis.text import in_words
from training.evaluate.paired import against_the_first
from training.pictures.charts import draw_gains


def analyze(runs: Sequence[Path], out: Path, top: int | None = None) -> Iterator[str]:
    """Compares evaluated runs with the TSN among them, using saved predictions.

    Args:
        runs: Folders of runs that `ctm evaluate` scored on the same split with the same protocol.
        out: Folder for analysis.json and a picture of temporal gains.
        top: Number of classes listed as temporal, and as static. Defaults to 10, or half of all.

    Returns:
        An iterator of lines to print.

    Raises:
        ValueError: If a run was not evaluated, protocols differ, a network is given twice, no
            network has a TSN to compare with, or `top` is less than 1.

    Reference:
        Sections 5.3 and 5.4 of arXiv 2010.11757.
    """
    found, gains = analyze_runs(runs, top)
    with full_disk_in_words(out, "analyze again"):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "analysis.json", found.to_dict())
        draw_gains(gains, found.class_names, out / "temporal_gains.png")
    yield from in_words(found)
    yield f"Written: {out / 'analysis.json'}, {out / 'temporal_gains.png'}"


def analyze_runs(
    runs: Sequence[Path], top: int | None = None
) -> tuple[Analysis, dict[str, np.ndarray]]:
    """The results of `analyze`, and the temporal gains of each run."""
    if top is not None and top < 1:
        raise ValueError(f"top must be 1 or more, received {top}.")
    evaluated = [read_evaluated(path) for path in runs]
    check_comparable(evaluated)
    pairs = list(with_baselines(evaluated))
    gains = {run.name: temporal_gains(run.predictions, tsn.predictions) for run, tsn in pairs}
    tsn = next(run for run in evaluated if run.result.is_baseline)
    names = tsn.class_names
    seen = int((~np.isnan(class_accuracies(tsn.predictions))).sum())
    count = min(top or min(10, -(-seen // 2)), seen)
    analysis = Analysis(
        basis=basis_of(evaluated),
        networks=tuple(networks(evaluated)),
        sign_tests=against_the_first(
            {run.name: (run.predictions, run.report) for run in evaluated}
        ),
        means=mean_contributions(dict.fromkeys(run.result for pair in pairs for run in pair)),
        class_names=names,
        static_classes=tuple(names[c] for c in static_classes(tsn.predictions, count)),
        gains={name: _of_classes(gain, names, count) for name, gain in gains.items()},
        pairs=tuple(_likeness(gains, count)),
    )
    return analysis, gains


def networks(evaluated: Sequence[Evaluated]) -> Iterator[Network]:
    """Each run, with Phi and Psi if there is a TSN in the same setting."""
    tsn = {run.name: base.result.top1 for run, base in with_baselines(evaluated)}
    for run in evaluated:
        if run.name in tsn:
            accuracies = run.result.top1, tsn[run.name]
            own = spatial_contribution(*accuracies), temporal_improvement(*accuracies)
            yield Network(run.name, run.result, run.report.videos, *own)
        else:
            yield Network(run.name, run.result, run.report.videos)


def _of_classes(gain: np.ndarray, names: Sequence[str], count: int) -> Gain:
    """The gains of classes, and their mean with and without the most temporal classes."""
    best = temporal_classes(gain, count)
    rest = len(best) < (~np.isnan(gain)).sum()
    values = [None if np.isnan(g) else float(g) for g in gain]
    return Gain(
        average=average_temporal_gain(gain),
        average_without_the_most_temporal=average_temporal_gain(gain, best) if rest else None,
        temporal_classes={names[c]: float(gain[c]) for c in best},
        per_class=dict(zip(names, values, strict=True)),
    )


def _likeness(gains: dict[str, np.ndarray], count: int) -> Iterator[Pair]:
    """The correlation and the overlap of the gains of each pair of models."""
    for (one, first), (other, second) in combinations(gains.items(), 2):
        try:
            correlation = gain_correlation(first, second)
        except ValueError:  # one model gains equally in all classes
            correlation = None
        shared = overlap(temporal_classes(first, count), temporal_classes(second, count))
        yield Pair((one, other), correlation, shared)
