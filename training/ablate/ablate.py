"""`ctm ablate`: the papers' ablation tables on the user's data, several runs per network."""

import re
from collections.abc import Iterable
from pathlib import Path

import ctm_keras
import tfrecords
from ctm_keras.methods import options_of
from ctm_keras.names import class_difference, unknown_name
from tfrecords.format import SplitName
from training.ablate.config import AblateConfig
from training.ablate.markdown import Result, write
from training.ablate.tables import TABLES, Row
from training.config.options import parse_option
from training.config.train import TrainConfig
from training.evaluate.scores import Report
from training.fit.measure import measured


def ablate(config: AblateConfig) -> list[Path]:
    """Trains and evaluates every network of the tables, and writes the tables.

    A network in several tables is trained once. Finished runs are reused and stopped runs are
    resumed. Each network is run once before any is run a second time, and the tables are written
    after each round.

    Args:
        config: The tables, the runs, and the training options.

    Returns:
        A Markdown file for each table.

    Raises:
        ValueError: If a table is unknown, the config sets a model or an option that rows set
            themselves, the data sets differ in their classes, or a folder has a run with other
            options.
    """
    config.check()
    for name in config.tables:
        if name not in TABLES:
            raise unknown_name("table", name, TABLES)
    _check_data(config)
    tables = {name: TABLES[name] for name in config.tables}
    rows = {_network(row): row for table in tables.values() for row in table.rows}
    _check_options(config, rows.values())
    results = {name: Result(reason=_why_not(row, config)) for name, row in rows.items()}
    if all(result.reason for result in results.values()):
        raise ValueError(next(iter(results.values())).reason)
    for number in range(config.runs):
        for name, row in rows.items():
            if not results[name].reason:
                report = measured(for_training(row, config, number), config.evaluation)
                results[name] = _with_report(results[name], report)
        paths = [
            write(name, table, [results[_network(row)] for row in table.rows], config)
            for name, table in tables.items()
        ]
    return paths


def _check_data(config: AblateConfig) -> None:
    """Raises ValueError unless all data sets exist, with the split and the same classes."""
    manifests = {path: tfrecords.read_manifest(path) for path in config.data[: config.runs]}
    first = manifests[config.data[0]]
    for path, manifest in manifests.items():
        names = manifest.class_names, first.class_names
        if why := class_difference(*names, str(path), str(config.data[0])):
            raise ValueError(
                f"{path} has other classes than {config.data[0]} ({why}). Give data sets with the "
                "same classes, such as folds of one data set."
            )
        if not set(SplitName.parse(config.val_split).splits) <= set(manifest.splits):
            raise ValueError(f"{path} has no split {config.val_split!r}. Give --val-split.")


def _check_options(config: AblateConfig, rows: Iterable[Row]) -> None:
    """Raises ValueError for an option that rows set themselves, or that no method has."""
    for name in config.method_options:
        if setting := [row.label for row in rows if name in _named(row.options)]:
            raise ValueError(
                f"--options {name}: the rows {', '.join(setting)} set it themselves. Remove it."
            )
        if not any(has(row, name) for row in rows):
            raise ValueError(f"--options {name}: no method of these tables has it. Remove it.")


def _named(options: Iterable[str]) -> list[str]:
    """The names of options."""
    return [parse_option(option)[0] for option in options]


def has(row: Row, name: str) -> bool:
    """Whether a row's method has an option."""
    return name == "temporal_pooling" or name in options_of(row.model)


def _network(row: Row) -> str:
    """The folder name of a row's network, from its method and options."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join((row.model, *row.options)).lower()).strip("-")


def _why_not(row: Row, config: AblateConfig) -> str:
    """The reason why the network of a row cannot be built, or an empty string."""
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
    """The config of a row's run; each run uses the next seed and the next data set."""
    return config.for_training(
        data=config.data[number % len(config.data)],
        out=config.folder / f"{_network(row)}-{config.seed + number}",
        model=row.model,
        options=(*row.options, *(o for o in config.options if has(row, *_named([o])))),
        seed=config.seed + number,
    )


def _with_report(result: Result, report: Report) -> Result:
    """Adds a run's report to a result."""
    protocol = f"{report.split}: {report.protocol}; {report.coverage}"
    return Result(
        (*result.top1, report.top1),
        (*result.videos, report.videos),
        (*result.protocols, protocol),
    )
