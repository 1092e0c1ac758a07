"""`ctm evaluate`: the scores of models on a split, with protocol and coverage."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

import ctm_keras
import tfrecords
from tfrecords.format import SplitName
from tfrecords.reading import Split
from tfrecords.storage import AnyPath, full_disk_in_words
from training.evaluate.config import EvaluateCommand, EvaluateConfig
from training.evaluate.data import check_outputs, data_of, other_rates, split_of, trained_on
from training.evaluate.ensemble import (
    average_weights,
    check_same_training,
    different_networks,
    ensemble,
)
from training.evaluate.folds import pooled
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
from training.open_model import OpenedModel, is_run, open_model, results_folder
from training.run_folder import Run, a_run_of, folds_of, save_model


def evaluate(path: Path, **options: Any) -> Report:
    """Scores a model on every video of a split.

    Args:
        path: The folder of a run, or a `.keras` file of this project, which requires `data`; or
            the folder of a cross-validation, whose runs are scored on their own folds.
        **options: Fields of `EvaluateConfig`, the options of `ctm evaluate`.

    Returns:
        The report. It is also written to RUN/report.json, or NAME-results/report.json for
        NAME.keras, with all predictions and a picture of the confusion matrix next to it.

    Raises:
        ValueError: If the path is no model, the classes of model and data differ, the split does
            not exist, or the model cannot read the protocol's clips.

    Example:
        >>> report = evaluate(Path("runs/mine"), protocol="slowfast", num_clips=1)
        >>> report.videos
        12

    Reference:
        CTM, section 4.2 (inference as in non-local networks: 10 clips, averaged probabilities).
    """
    requested = EvaluateConfig(**options)
    requested.check()
    folder = results_folder(path)
    if folds := folds_of(path):
        results = _evaluate_folds(path, folds, options)
    elif requested.saved:
        results = _rescore(read_results(folder, path), requested)
    else:
        require_tensorflow()
        runs, data = [Run.open(path)] if is_run(path) else [], data_of(path, requested)
        results = _score_model(open_model(path, requested.which), runs, data, requested)
    with full_disk_in_words(folder, "evaluate again"):
        write_results(folder, *results)
    return results[1]


def _evaluate_folds(
    path: Path, folds: Sequence[Path], options: dict[str, Any]
) -> tuple[Predictions, Report]:
    """Scores the runs of a cross-validation, each on its own fold."""
    for name in ("data", "split"):
        if options.get(name) is not None:
            raise ValueError(
                f"--{name} cannot be combined with the cross-validation {path}, whose runs are "
                f"scored on their own folds. Remove --{name}, or give one of the runs, such as "
                f"{folds[0]}."
            )
    reports = [evaluate(fold, **options) for fold in folds]
    return pooled(path, folds, SplitName.parse(reports[0].split).base)


def evaluate_all(command: EvaluateCommand) -> Iterator[str]:
    """Evaluates models one by one and combined, as `ctm evaluate` does.

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
    for path in command.models:
        reports.append(evaluate(path, **vars(command.each)))
        yield f"{path}\n{reports[-1]}" if len(command.models) > 1 else str(reports[-1])
        yield _written(results_folder(path))
    if len(reports) > 1:
        yield _mean(command.models, reports)
        yield from _sign_tests(command.models)
    if command.ensemble:
        joined = ensemble([read_results(results_folder(path)) for path in command.models])
        yield from _finished(command, "the ensemble", *joined)


def _sign_tests(models: Sequence[Path]) -> list[str]:
    """The lines of the paired sign tests of models, or the reason why there are none."""
    try:
        tests = against_the_first(
            {str(path): read_results(results_folder(path)) for path in models}
        )
    except ValueError as error:
        return [str(error)]
    return in_words(tests, str(models[0]))


def _mean(paths: Sequence[Path], reports: Sequence[Report]) -> str:
    """The mean over runs, or why there is none."""
    if not all(path.is_dir() for path in paths):
        return "No mean of the models: only runs record their networks, .keras files do not."
    what = different_networks([a_run_of(path) for path in paths])
    return f"No mean of the runs: they have different {what}." if what else means(reports)


def _evaluate_average(command: EvaluateCommand) -> Iterator[str]:
    """Scores one model whose weights are the mean of the runs' weights."""
    require_tensorflow()
    runs = [Run.open(path) for path in command.models]
    check_same_training(runs)
    data = data_of(command.models[0], command)
    opened = [open_model(path, command.which) for path in command.models]
    model = average_weights([own.model for own in opened])
    averaged = dataclasses.replace(opened[0], model=model)
    predictions, report = _score_model(averaged, runs, data, command)
    words = f"weights of {', '.join(map(str, command.models))} averaged; {report.protocol}"
    report = dataclasses.replace(report, protocol=words)
    yield from _finished(command, "the averaged weights", predictions, report)
    if command.out:
        save_model(model, command.out / "model.keras")


def _finished(
    command: EvaluateCommand, what: str, predictions: Predictions, report: Report
) -> Iterator[str]:
    """Yields and writes the combined results of several models."""
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
    opened: OpenedModel, runs: Sequence[Run], data: str | AnyPath, requested: EvaluateConfig
) -> tuple[Predictions, Report]:
    """Predicts with the model of some runs or of a file; also returns the report."""
    manifest = tfrecords.read_manifest(data)
    same = bool(runs) and manifest.hash == runs[0].facts.data_hash
    split = requested.split or (split_of(runs[0].config, same) if runs else "val")
    check_outputs(opened.model, manifest.class_names, data)
    model, settings = fitted(opened.model, settings_for(requested, opened.view))
    batches = view_clips(data, split, settings, requested.batch_size)
    predictions = predict_views(model, batches, len(batches), settings.average)
    scored = Scored(
        data=str(data),
        data_hash=manifest.hash,
        split=split,
        model=opened.which,
        protocol=str(settings),
        settings=settings,
        missing=missing_videos(manifest, Split(data, split), predictions.ids.tolist()),
        trained_on=trained_on(runs, data, split) if same else 0,
        unnamed=ctm_keras.class_names(opened.model) is None,
        rates=None if same else other_rates(opened.view, settings.sampling, data, split),
    )
    return predictions, score(predictions, manifest.class_names, scored)


def fitted(model: keras.Model, settings: Settings) -> tuple[keras.Model, Settings]:
    """Fits the model to the protocol's clips, or the clips to a model with a fixed size."""
    model_for_clips = fit_model(model, settings.num_frames, settings.image_size)
    if model_for_clips is not None:
        return model_for_clips, settings
    return model, settings.in_own_size(model.input_shape[2])


def _rescore(
    saved: tuple[Predictions, Report], requested: EvaluateConfig
) -> tuple[Predictions, Report]:
    """The saved predictions of a model with a new report, possibly with another average."""
    predictions, report = saved
    if requested.split not in (None, report.split):
        raise ValueError(
            f"--split must be {report.split}, the split of the saved predictions, received "
            f"{requested.split}. Remove --saved to predict again."
        )
    settings = report.one_protocol
    if requested.average:
        settings = dataclasses.replace(settings, average=requested.average)
    predictions = dataclasses.replace(predictions, average=settings.average)
    scored = dataclasses.replace(report, settings=settings, protocol=str(settings))
    return predictions, score(predictions, report.class_names, scored)
