"""Writes an ablation table: the runs of each row next to the paper's figures."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrecords.format import write_json
from training.ablate.config import AblateConfig
from training.ablate.tables import Table
from training.evaluate.interval import with_interval
from training.fit.resolve import weights_of


@dataclass(frozen=True)
class Result:
    """The results of a network's runs.

    Args:
        top1: Accuracy of each run, 0 to 1; empty if the network cannot be built.
        videos: Number of videos of each run.
        protocols: The protocol and coverage of each evaluation.
        reason: The reason why the network cannot be built, or an empty string.
    """

    top1: tuple[float, ...] = ()
    videos: tuple[int, ...] = ()
    protocols: tuple[str, ...] = ()
    reason: str = ""


def write(name: str, table: Table, results: Sequence[Result], config: AblateConfig) -> Path:
    """Writes NAME.md, and NAME.json with each row's runs."""
    path = config.folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(in_markdown(table, results, config)) + "\n", encoding="utf-8")
    rows = [
        {**dataclasses.asdict(row), **dataclasses.asdict(result)}
        for row, result in zip(table.rows, results, strict=True)
    ]
    write_json(path.with_suffix(".json"), {"table": table.title, "rows": rows})
    return path


def in_markdown(table: Table, results: Sequence[Result], config: AblateConfig) -> Iterator[str]:
    """The lines of the table: mean and standard deviation of each row, and the paper's figures."""
    columns = " | ".join(f"paper: {column}" for column in table.columns)
    data = ", ".join(map(str, config.data[: config.runs]))
    yield f"# {table.title}"
    yield ""
    yield (
        f"Data: {data}; {config.backbone} at {config.image_size}, "
        f"weights {weights_of(config)}, {config.epochs} epochs, seeds from {config.seed}."
    )
    for protocol in dict.fromkeys(itertools.chain(*(result.protocols for result in results))):
        yield f"Protocol: {protocol}."
    yield (
        "Top-1 in percent; here: mean and standard deviation over runs; each run: in brackets the "
        "95% confidence interval for its videos (Wilson score)."
    )
    yield ""
    yield f"| network | here | each run | {columns} |"
    yield "|---" * (3 + len(table.columns)) + "|"
    for row, result in zip(table.rows, results, strict=True):
        published = " | ".join(_percent(value) for value in row.published)
        yield f"| {row.label} | {mean_and_deviation(result)} | {published} |"


def mean_and_deviation(result: Result) -> str:
    """`"65.0 ± 7.1 | 60.0 [31.3, 83.2], 70.0 [39.7, 89.2]"`, or a dash and the reason for none."""
    if not result.top1:
        return f"- | {result.reason.split('. ')[0].rstrip('.')}"
    percents = 100 * np.array(result.top1)
    spread = f" ± {percents.std(ddof=1):.1f}" if len(percents) > 1 else ""
    each = zip(result.top1, result.videos, strict=True)
    runs = ", ".join(with_interval(*run, lambda top1: f"{100 * top1:.1f}") for run in each)
    return f"{percents.mean():.1f}{spread} | {runs}"


def _percent(value: float | None) -> str:
    """A published figure, or a dash."""
    return "-" if value is None else f"{value:g}"
