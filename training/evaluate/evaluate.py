"""`ctm evaluate`: the scores of runs on a split, with protocol and coverage."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

import ctm_keras
import tfrecords
from ctm_keras.names import class_difference
from tfrecords.format import FILE, SplitName
from tfrecords.reading import Split
from tfrecords.storage import AnyPath, full_disk_in_words, is_file
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateCommand, EvaluateConfig
from training.evaluate.ensemble import (
    average_weights,
    check_same_training,
    different_networks,
    ensemble,
)
from training.evaluate.paired import against_the_first, in_words
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
        **options: Fields of `EvaluateConfig`, the options of `ctm evaluate`.

    Returns:
        The report. It is also written to RUN/report.json, with all predictions and a picture of
        the confusion matrix next to it.

    Raises:
        ValueError: If the classes of model and data differ, the split does not exist, or the model
            cannot read the protocol's clips.

    Example:
        >>> report = evaluate(Path("runs/mine"), protocol="slowfast", num_clips=1)
        >>> report.videos
        12

    Reference:
        CTM, section 4.2 (inference as in non-local networks: 10 clips, averaged probabilities).
    """
    requested = EvaluateConfig(**options)
    requested.check()
    run = Run.open(path)
    if requested.saved:
        results = _rescore(run.path, requested)
    else:
        require_tensorflow()
        results = _score_model(run.load_model(requested.model), [run], requested)
    with full_disk_in_words(run.path, "evaluate again"):
        write_results(run.path, *results)
    return results[1]


def evaluate_all(command: EvaluateCommand) -> Iterator[str]:
    """Evaluates runs one by one and combined, as `ctm evaluate` does.

    Returns:
        An iterator of lines to print.
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
        yield from _sign_tests(command.runs)
    if command.ensemble:
        joined = ensemble([read_results(path) for path in command.runs])
        yield from _finished(command, "the ensemble", *joined)


def _sign_tests(runs: Sequence[Path]) -> list[str]:
    """The lines of the paired sign tests of runs, or the reason why there are none."""
    try:
        tests = against_the_first({str(path): read_results(path) for path in runs})
    except ValueError as error:
        return [str(error)]
    return in_words(tests, str(runs[0]))


def _evaluate_average(command: EvaluateCommand) -> Iterator[str]:
    """Scores one model whose weights are the mean of the runs' weights."""
    require_tensorflow()
    runs = [Run.open(path) for path in command.runs]
    check_same_training(runs)
    model = average_weights([run.load_model(command.model) for run in runs])
    predictions, report = _score_model(model, runs, command.each)
    words = f"weights of {', '.join(map(str, command.runs))} averaged; {report.protocol}"
    report = dataclasses.replace(report, protocol=words)
    yield from _finished(command, "the averaged weights", predictions, report)
    if command.out:
        save_model(model, command.out / "model.keras")


def _finished(
    command: EvaluateCommand, what: str, predictions: Predictions, report: Report
) -> Iterator[str]:
    """Yields and writes the combined results of several runs."""
    yield f"{what}\n{report}"
    if command.out:
        with full_disk_in_words(command.out, "evaluate again"):
            write_results(command.out, predictions, report)
        yield _written(command.out)


def _written(folder: Path) -> str:
    """The line that lists the written files."""
    names = ("report.json", "confusion.png", "predictions.npz")
    return f"Written: {', '.join(str(folder / name) for name in names)}"


def _score_model(
    model: keras.Model, runs: Sequence[Run], requested: EvaluateConfig
) -> tuple[Predictions, Report]:
    """Predicts with a model of one or more runs; returns the predictions and their report."""
    config = runs[0].config
    if requested.data is None and not is_file(config.dataset / FILE):
        raise ValueError(f"{config.dataset} is missing. Give the data set's new folder as --data.")
    data = requested.data or config.dataset
    manifest = tfrecords.read_manifest(data)
    same = manifest.hash == runs[0].facts.data_hash
    split = requested.split or _split_of(config, same)
    check_classes(ctm_keras.class_names(model), manifest.class_names, data)
    model, settings = fitted(model, settings_for(requested, config))
    batches = view_clips(data, split, settings, requested.batch_size)
    predictions = predict_views(model, batches, len(batches), settings.average)
    scored = Scored(
        data=str(data),
        data_hash=manifest.hash,
        split=split,
        model="best" if config.patience else requested.model,
        protocol=str(settings),
        settings=settings,
        missing=missing_videos(manifest, Split(data, split), predictions.ids.tolist()),
        trained_on=_trained_on(runs, data, split) if same else 0,
    )
    return predictions, score(predictions, manifest.class_names, scored)


def _split_of(config: TrainConfig, same: bool) -> str:
    """The validation split of a run, to score on the same data set or on another."""
    if SplitName.parse(config.val_split).folds and not same:
        raise ValueError(
            f"The run's validation split {config.val_split!r} is a fold of its own data set. Give "
            "--split for another one."
        )
    return config.val_split


def _trained_on(runs: Sequence[Run], data: str | AnyPath, split: str) -> int:
    """The number of videos of a split that runs were trained on, in their own data set."""
    parts = set(SplitName.parse(split).splits)
    names = {run.config.train_split for run in runs}
    near = [name for name in names if parts & set(SplitName.parse(name).splits)]
    trained = {video for name in near for video in Split(data, name).ids}
    return len(trained.intersection(Split(data, split).ids))


def fitted(model: keras.Model, settings: Settings) -> tuple[keras.Model, Settings]:
    """Fits the model to the protocol's clips, or the clips to a model with a fixed size."""
    model_for_clips = fit_model(model, settings.num_frames, settings.image_size)
    if model_for_clips is not None:
        return model_for_clips, settings
    return model, settings.in_own_size(model.input_shape[2])


def _rescore(path: Path, requested: EvaluateConfig) -> tuple[Predictions, Report]:
    """The saved predictions of a run with a new report, possibly with another average."""
    predictions, report = read_results(path)
    if requested.split not in (None, report.split):
        raise ValueError(
            f"--split must be {report.split}, the split of the saved predictions in {path}, "
            f"received {requested.split}. Remove --saved to predict again."
        )
    settings = report.one_protocol
    if requested.average:
        settings = dataclasses.replace(settings, average=requested.average)
    predictions = dataclasses.replace(predictions, average=settings.average)
    scored = dataclasses.replace(report, settings=settings, protocol=str(settings))
    return predictions, score(predictions, report.class_names, scored)


def check_classes(
    model_classes: list[str] | None, data_classes: tuple[str, ...], data: str | AnyPath
) -> None:
    """Raises ValueError unless a model and a data set have the same classes."""
    if why := class_difference(model_classes or (), data_classes, "the model", "the data set"):
        raise ValueError(
            f"The model's classes are not those of {data}: {why}. Evaluate on the data set it was "
            "trained on, or train on this one."
        )
