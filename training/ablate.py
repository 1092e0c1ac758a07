"""`ctm ablate`: a paper's ablation table on the user's data, several seeds of every network."""

import dataclasses
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
from training.train import train


@dataclass(frozen=True)
class Result:
    """What the seeds of a row came to.

    Args:
        row: The network.
        top1: Accuracy of each seed, 0 to 1; none where the network cannot be built.
        protocol: Of the evaluation, with the coverage.
        reason: Why the network cannot be built, or empty.
    """

    row: Row
    top1: tuple[float, ...]
    protocol: str = ""
    reason: str = ""


def ablate(config: AblateConfig) -> Path:
    """Trains and evaluates every network of a table, and writes the table.

    A run that is there already is not trained again, and one that was stopped goes on.

    Args:
        config: The table, the seeds, and how to train.

    Returns:
        The table as a Markdown file.

    Raises:
        ValueError: If there is no such table, or the config names a model itself.
    """
    config.check()
    if config.table not in TABLES:
        raise unknown_name("table", config.table, TABLES)
    table, out = TABLES[config.table], config.out or Path("ablations") / config.table
    results = [measured(row, config, out) for row in table.rows]
    path = out / "table.md"
    out.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(in_markdown(table, results, config)) + "\n", encoding="utf-8")
    rows = [{**dataclasses.asdict(result), "top1": list(result.top1)} for result in results]
    write_json(out / "results.json", {"table": table.title, "rows": rows})
    return path


def measured(row: Row, config: AblateConfig, out: Path) -> Result:
    """One row: a run and an evaluation of every seed."""
    found, protocol = [], ""
    own = config.for_training(model=row.model, options=(*row.options, *config.options))
    if reason := why_not(own):
        return Result(row, (), reason=reason)
    for seed in range(config.seed, config.seed + config.seeds):
        run = out / f"{slug(row.label)}-{seed}"
        trained(dataclasses.replace(own, seed=seed, out=run))
        report = evaluated(run, config)
        found.append(report["top1"])
        protocol = f"{report['split']}: {report['protocol']}; {report['coverage']}"
        keras.backend.clear_session()
    return Result(row, tuple(found), protocol)


def why_not(config: TrainConfig) -> str:
    """Why the method cannot stand on the backbone, or nothing."""
    try:
        ctm_keras.build_video_model(
            config.model,
            backbone=config.backbone,
            num_classes=2,
            image_size=config.image_size,
            weights=None,
            **config.method_options,
        )
    except ValueError as error:
        return str(error)
    return ""


def trained(config: TrainConfig) -> None:
    """A finished run: trained now, gone on with, or there already."""
    run = config.out
    if (run / "model.keras").is_file():
        return
    if (run / "config.json").is_file():
        train(TrainConfig(resume=run))
        return
    train(config)


def evaluated(run: Path, config: AblateConfig) -> dict:
    """The report of a run, evaluated now or before."""
    if not (run / "report.json").is_file():
        evaluate(run, num_clips=config.num_clips, num_crops=config.num_crops)
    return json.loads((run / "report.json").read_text())


def in_markdown(table: Table, results: Sequence[Result], config: AblateConfig) -> Iterator[str]:
    """The table in lines: each row's mean and standard deviation beside the paper's figures."""
    columns = " | ".join(f"paper: {column}" for column in table.columns)
    yield f"# {table.title}"
    yield ""
    yield (
        f"Data: {config.data}; {config.backbone} at {config.image_size}, weights "
        f"{config.weights}, {config.epochs} epochs, seeds {config.seed} to "
        f"{config.seed + config.seeds - 1}."
    )
    for protocol in dict.fromkeys(result.protocol for result in results if result.protocol):
        yield f"Protocol: {protocol}."
    yield "Top-1 in percent; here the mean over seeds and their standard deviation."
    yield ""
    yield f"| network | here | each seed | {columns} |"
    yield "|---" * (3 + len(table.columns)) + "|"
    for result in results:
        published = " | ".join(percent(value) for value in result.row.published)
        yield f"| {result.row.label} | {mean_and_deviation(result)} | {published} |"


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


def slug(label: str) -> str:
    """A label as the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
