"""Trains and evaluates a run, or takes what is finished: for commands that make many runs."""

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
    if not (started and Run(config.folder).model.is_file()):
        train(config)
    run = Run.open(config.folder)
    if run.facts.data_hash != tfrecords.read_manifest(config.dataset).hash:
        raise ValueError(
            f"{run.path} was trained on other data than {config.data}. Give a new --out."
        )
    if not is_evaluated(run, views):
        evaluate(run.path, **vars(views))
    keras.backend.clear_session()
    return Report.read(run.path)


def is_evaluated(run: Run, views: EvaluateConfig) -> bool:
    """Whether a run has a report of its last model on its own data, with these views."""
    try:
        report = Report.read(run.path)
    except ValueError:
        return False
    expected = (views.split, views.model, run.facts.data_hash, settings_for(views, run.config))
    return expected == (report.split, report.model, report.data_hash, report.settings)
