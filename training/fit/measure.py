"""Trains and evaluates a run, or takes what is finished: for commands that make many runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import keras

import tfrecords
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateConfig
from training.evaluate.evaluate import evaluate
from training.evaluate.scores import Report
from training.evaluate.settings import settings_for
from training.fit.resolve import complete, saved_model
from training.fit.resume import is_started
from training.fit.train import train
from training.run_folder import Run


def measured(config: TrainConfig, views: EvaluateConfig) -> Report:
    """The report of a run; trains and evaluates it if necessary.

    Args:
        config: The options of the run. A stopped run is resumed.
        views: How it is evaluated, with its split.

    Raises:
        ValueError: If the folder has a run with other options or on other data.
    """
    started = is_started(complete(config, saved_model(config)))
    with without_retracing_warnings():
        if not (started and Run(config.folder).model.is_file()):
            train(config)
        run = _evaluated(config, views)
    keras.backend.clear_session()
    return Report.read(run.path)


def _evaluated(config: TrainConfig, views: EvaluateConfig) -> Run:
    """The run of a config, after it is evaluated if necessary."""
    run = Run.open(config.folder)
    if run.facts.data_hash != tfrecords.read_manifest(config.dataset).hash:
        raise ValueError(
            f"{run.path} was trained on other data than {config.data}. Give a new --out."
        )
    if not is_evaluated(run, views):
        evaluate(run.path, **vars(views))
    return run


def is_evaluated(run: Run, views: EvaluateConfig) -> bool:
    """Whether a run has a report of its last model on its own data, with these views."""
    try:
        report = Report.read(run.path)
    except ValueError:
        return False
    which = "best" if run.config.patience else views.which or "model"
    expected = (views.split, which, run.facts.data_hash, settings_for(views, run.view))
    return expected == (report.split, report.model, report.data_hash, report.settings)


@contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Hides TensorFlow's warnings of repeated tracing: each of many runs has a network to trace."""
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_not_of_retracing)
    try:
        yield
    finally:
        logger.removeFilter(_is_not_of_retracing)


def _is_not_of_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
