"""`ctm ablate`: papers' ablation tables on the user's data, several runs of every network."""

import dataclasses
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

import ctm_keras
from ctm_keras.names import unknown_name
from tfrecords.manifest import write_json
from training.ablate_config import AblateConfig
from training.ablations import TABLES, Row, Table
from training.config import TrainConfig
from training.evaluate import evaluate
from training.resume import is_started
from training.run import Run
from training.start import resolve
from training.train import train


@dataclass(frozen=True)
class Result:
    """What the runs of a network came to.

    Args:
        top1: Accuracy of each run, 0 to 1; none where the network cannot be built.
        protocols: Of the evaluations, each with its coverage.
        reason: Why the network cannot be built, or empty.
    """

    top1: tuple[float, ...] = ()
    protocols: tuple[str, ...] = ()
    reason: str = ""


def ablate(config: AblateConfig) -> list[Path]:
    """Trains and evaluates every network of some tables, and writes the tables.

    A network that stands in several tables is trained once; a run that is there already is not
    trained again, and one that was stopped goes on. The first runs of all networks come before
    the second ones, and the tables are written after each round.

    Args:
        config: The tables, the runs, and how to train.

    Returns:
        A Markdown file for each table.

    Raises:
        ValueError: If there is no such table, the config names a model itself, or a folder holds
            a run of other options.
    """
    config.check()
    for name in config.tables:
        if name not in TABLES:
            raise unknown_name("table", name, TABLES)
    tables = {name: TABLES[name] for name in config.tables}
    rows = {network(row): row for table in tables.values() for row in table.rows}
    results = {name: Result(reason=why_not(row, config)) for name, row in rows.items()}
    for number in range(config.runs):
        for name, row in rows.items():
            if not results[name].reason:
                results[name] = with_report(results[name], measured(row, config, number))
        paths = [write(name, table, results, config) for name, table in tables.items()]
    return paths


def network(row: Row) -> str:
    """A row's network as the name of a folder: method and options."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join((row.model, *row.options)).lower()).strip("-")


def why_not(row: Row, config: AblateConfig) -> str:
    """Why the network of a row cannot be built, or nothing."""
    own = for_training(row, config, 0)
    try:
        ctm_keras.build_video_model(
            own.model,
            backbone=own.backbone,
            num_classes=2,
            image_size=own.image_size,
            weights=None,
            **own.method_options,
        )
    except ValueError as error:
        return str(error)
    return ""


def for_training(row: Row, config: AblateConfig, number: int) -> TrainConfig:
    """The config of a row's run; each run has the next seed and the next data set."""
    return config.for_training(
        data=config.data[number % len(config.data)],
        out=config.folder / f"{network(row)}-{config.seed + number}",
        model=row.model,
        options=(*row.options, *config.options),
        seed=config.seed + number,
    )


def measured(row: Row, config: AblateConfig, number: int) -> dict:
    """The report of a run, trained and evaluated now or before."""
    own = for_training(row, config, number)
    if not (is_started(resolve(own)[0]) and Run(own.out).model.is_file()):
        train(own)
    views = {"num_clips": config.num_clips, "num_crops": config.num_crops}
    report = report_of(own.out)
    if not views.items() <= report.get("settings", {}).items():
        evaluate(own.out, **views)
        report = report_of(own.out)
    keras.backend.clear_session()
    return report


def report_of(run: Path) -> dict:
    """A run's report, empty before its evaluation."""
    path = run / "report.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def with_report(result: Result, report: dict) -> Result:
    """A result with one run more."""
    protocol = f"{report['split']}: {report['protocol']}; {report['coverage']}"
    return Result((*result.top1, report["top1"]), (*result.protocols, protocol))


def write(name: str, table: Table, results: dict[str, Result], config: AblateConfig) -> Path:
    """Writes NAME.md, and NAME.json with each row's runs."""
    path = config.folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    own = [results[network(row)] for row in table.rows]
    path.write_text("\n".join(in_markdown(table, own, config)) + "\n", encoding="utf-8")
    rows = [
        {**dataclasses.asdict(row), **dataclasses.asdict(result)}
        for row, result in zip(table.rows, own, strict=True)
    ]
    write_json(path.with_suffix(".json"), {"table": table.title, "rows": rows})
    return path


def in_markdown(table: Table, results: Sequence[Result], config: AblateConfig) -> Iterator[str]:
    """The table in lines: each row's mean and standard deviation beside the paper's figures."""
    columns = " | ".join(f"paper: {column}" for column in table.columns)
    data = ", ".join(map(str, config.data[: config.runs]))
    yield f"# {table.title}"
    yield ""
    yield (
        f"Data: {data}; {config.backbone} at {config.image_size}, "
        f"weights {config.weights}, {config.epochs} epochs, seeds from {config.seed}."
    )
    for protocol in dict.fromkeys(itertools.chain(*(result.protocols for result in results))):
        yield f"Protocol: {protocol}."
    yield "Top-1 in percent; here the mean over runs and their standard deviation."
    yield ""
    yield f"| network | here | each run | {columns} |"
    yield "|---" * (3 + len(table.columns)) + "|"
    for row, result in zip(table.rows, results, strict=True):
        published = " | ".join(percent(value) for value in row.published)
        yield f"| {row.label} | {mean_and_deviation(result)} | {published} |"


def mean_and_deviation(result: Result) -> str:
    """`"93.8 ± 1.2 | 93.0, 94.6"`, or why there is nothing."""
    if not result.top1:
        return f"- | {result.reason.split('. ')[0].rstrip('.')}"
    percents = 100 * np.array(result.top1)
    spread = f" ± {percents.std(ddof=1):.1f}" if len(percents) > 1 else ""
    return f"{percents.mean():.1f}{spread} | {', '.join(f'{p:.1f}' for p in percents)}"


def percent(value: float | None) -> str:
    """A published figure, or a dash."""
    return "-" if value is None else f"{value:g}"
