"""`ctm evaluate`: a run's numbers on a split, with the protocol and the coverage beside them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

import ctm_keras
import tfrecords
from ctm_keras.names import class_difference
from tfrecords.format import FILE
from tfrecords.storage import AnyPath, full_disk_in_words, is_file
from training.evaluate.config import EvaluateCommand, EvaluateConfig
from training.evaluate.ensemble import (
    average_weights,
    check_same_training,
    different_networks,
    ensemble,
)
from training.evaluate.predictions import Predictions, predict_views
from training.evaluate.resize_model import fit_model
from training.evaluate.scores import (
    Report,
    Scored,
    means,
    missing_videos,
    read_results,
    score,
    write_results,
)
from training.evaluate.settings import Settings, settings_for
from training.evaluate.view_clips import view_clips
from training.machines.devices import require_tensorflow
from training.run_folder import Run, save_model


def evaluate(path: Path, **options: Any) -> Report:
    """Scores a run's model on every video of a split.

    Args:
        path: Folder of the run.
        **options: Of `EvaluateConfig`, the options of `ctm evaluate`.

    Returns:
        The report, also written to RUN/report.json with the confusion matrix as a picture
        and all predictions.

    Raises:
        ValueError: If the classes of model and data differ, the split does not exist, or the model
            cannot read the protocol's clips.

    Example:

    >>> report = evaluate(Path("runs/mine"), protocol="slowfast", num_clips=1)
    >>> report.videos
    12

    Reference:
        CTM, section 4.2 (the inference of non-local networks: 10 clips, probabilities
        averaged).
    """
    asked = EvaluateConfig(**options)
    asked.check()
    run = Run.open(path)
    if asked.saved:
        results = _rescore(run.path, asked)
    else:
        require_tensorflow()
        results = _score_model(run.load_model(asked.model), run, asked)
    with full_disk_in_words(run.path, "evaluate again"):
        write_results(run.path, *results)
    return results[1]


def evaluate_all(command: EvaluateCommand) -> Iterator[str]:
    """Evaluates runs, each alone and all together, as `ctm evaluate` does.

    Returns:
        An iterator of lines for people.
    """
    command.check()
    if command.out:
        Run.free_folder(command.out)
    if command.average_weights:
        yield from _evaluate_average(command)
        return
    reports = []
    for path in command.runs:
        reports.append(evaluate(path, **vars(command.each)))
        yield f"{path}\n{reports[-1]}" if len(command.runs) > 1 else str(reports[-1])
        yield _written(path)
    if len(reports) > 1:
        what = different_networks([Run.open(path) for path in command.runs])
        yield f"No mean of the runs: they have different {what}." if what else means(reports)
    if command.ensemble:
        joined = ensemble([read_results(path) for path in command.runs])
        yield from _finished(command, "the ensemble", *joined)


def _evaluate_average(command: EvaluateCommand) -> Iterator[str]:
    """Scores the one model whose weights are the mean of the runs' weights."""
    require_tensorflow()
    runs = [Run.open(path) for path in command.runs]
    check_same_training(runs)
    model = average_weights([run.load_model(command.model) for run in runs])
    predictions, report = _score_model(model, runs[0], command.each)
    words = f"weights of {', '.join(map(str, command.runs))} averaged; {report.protocol}"
    report = dataclasses.replace(report, protocol=words)
    yield from _finished(command, "the averaged weights", predictions, report)
    if command.out:
        save_model(model, command.out / "model.keras")


def _finished(
    command: EvaluateCommand, what: str, predictions: Predictions, report: Report
) -> Iterator[str]:
    """Says and writes what runs are worth together."""
    yield f"{what}\n{report}"
    if command.out:
        with full_disk_in_words(command.out, "evaluate again"):
            write_results(command.out, predictions, report)
        yield _written(command.out)


def _written(folder: Path) -> str:
    """Where the results are."""
    names = ("report.json", "confusion.png", "predictions.npz")
    return f"Written: {', '.join(str(folder / name) for name in names)}"


def _score_model(model: keras.Model, run: Run, asked: EvaluateConfig) -> tuple[Predictions, Report]:
    """The predictions and the report of a model that was trained as a run says."""
    config, split = run.config, asked.split or "val"
    if asked.data is None and not is_file(config.dataset / FILE):
        raise ValueError(f"{config.dataset} is gone: say where the data set is now with --data.")
    data = asked.data or config.dataset
    manifest = tfrecords.read_manifest(data)
    check_classes(ctm_keras.class_names(model), manifest.class_names, data)
    model, settings = fitted(model, settings_for(asked, config))
    batches = view_clips(data, split, settings, asked.batch_size)
    predictions = predict_views(model, batches, len(batches), settings.average)
    scored = Scored(
        data=str(data),
        data_hash=manifest.hash,
        split=split,
        model=asked.model,
        protocol=str(settings),
        settings=settings,
        missing=missing_videos(manifest, split, predictions.ids.tolist()),
    )
    return predictions, score(predictions, manifest.class_names, scored)


def fitted(model: keras.Model, settings: Settings) -> tuple[keras.Model, Settings]:
    """The model for the clips of a protocol, or the clips for a model of one size."""
    model_for_clips = fit_model(model, settings.num_frames, settings.image_size)
    if model_for_clips is not None:
        return model_for_clips, settings
    return model, settings.in_own_size(model.input_shape[2])


def _rescore(path: Path, asked: EvaluateConfig) -> tuple[Predictions, Report]:
    """The saved predictions of a run, scored again, perhaps with another average."""
    predictions, report = read_results(path)
    if asked.split not in (None, report.split):
        raise ValueError(
            f"{path} has saved predictions of the split {report.split}, not of {asked.split}: "
            "leave --saved out."
        )
    settings = report.one_protocol
    if asked.average:
        settings = dataclasses.replace(settings, average=asked.average)
    predictions = dataclasses.replace(predictions, average=settings.average)
    scored = dataclasses.replace(report, settings=settings, protocol=str(settings))
    return predictions, score(predictions, report.class_names, scored)


def check_classes(
    model_classes: list[str] | None, data_classes: tuple[str, ...], data: str | AnyPath
) -> None:
    """Raises ValueError when a model and a data set do not have the same classes."""
    if why := class_difference(model_classes or (), data_classes, "the model", "the data set"):
        raise ValueError(
            f"The model's classes are not those of {data}: {why}. Evaluate on the data set it was "
            "trained on, or train on this one."
        )
