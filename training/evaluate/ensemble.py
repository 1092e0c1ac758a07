"""Several models as one: their scores averaged by video, or their weights averaged."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np

from training.evaluate.predictions import Predictions, join_views
from training.evaluate.scores import Report, first_difference, score
from training.run_folder import Run


def ensemble(
    members: Sequence[tuple[Predictions, Report]],
) -> tuple[Predictions, Report]:
    """Averages the scores of several models for each video.

    The views of each model are averaged first, so the models may use different views. The models
    are then averaged in the same way as views.

    Args:
        members: Predictions and report of each model.

    Returns:
        Predictions with a row for each video and model, and their report.

    Raises:
        ValueError: If videos, data set, classes, `average` or checkpoint differ between the models.
    """
    _check_alike(members)
    reports = [report for _, report in members]
    average = members[0][0].average
    joined = [join_views(predictions) for predictions, _ in members]
    for ids, labels, _ in joined[1:]:
        if not np.array_equal(ids, joined[0][0]) or not np.array_equal(labels, joined[0][1]):
            raise ValueError(
                "The models were not scored on the same videos. Evaluate all of them again on the "
                "same data set and split."
            )
    tiny = np.finfo(np.float64).tiny
    predictions = Predictions(
        ids=np.concatenate([ids for ids, _, _ in joined]),
        views=np.repeat(np.arange(len(joined)), len(joined[0][0])),
        labels=np.concatenate([labels for _, labels, _ in joined]),
        logits=np.concatenate([np.log(np.maximum(scores, tiny)) for _, _, scores in joined]),
        average=average,
    )
    words = dict.fromkeys(report.protocol for report in reports)
    protocol = f"{len(members)} models, {average} averaged by video; each {' or '.join(words)}"
    scored = dataclasses.replace(reports[0], protocol=protocol, settings=None)
    scored = dataclasses.replace(
        scored,
        unnamed=any(report.unnamed for report in reports),
        rates=next((report.rates for report in reports if report.rates), None),
    )
    return predictions, score(predictions, scored.class_names, scored)


def _check_alike(members: Sequence[tuple[Predictions, Report]]) -> None:
    """Raises ValueError unless the models share everything that an ensemble has only one of."""
    reports = [report for _, report in members]
    what = first_difference(
        {
            "classes": [report.class_names for report in reports],
            "data sets": [report.data_hash for report in reports],
            "splits": [report.split for report in reports],
            "averages (--average)": [own.average for own, _ in members],
            "checkpoints (--which, or RUN/model.keras with files)": [
                report.model for report in reports
            ],
        }
    )
    if what:
        raise ValueError(
            f"The models of an ensemble must be scored alike, received different {what}. Evaluate "
            "all of them again with the same options."
        )


def different_networks(runs: Sequence[Run]) -> str | None:
    """The first property in which the networks of the runs differ, or None."""
    configs = [run.config for run in runs]
    return first_difference(
        {
            "methods": [config.model for config in configs],
            "options": [config.method_options for config in configs],
            "backbones": [config.backbone for config in configs],
        }
    )


def check_same_training(runs: Sequence[Run]) -> None:
    """Raises ValueError unless the runs have the same classes, data set and network.

    Shapes of weights are not sufficient: those of TSM equal those of TSN.
    """
    facts = [run.facts for run in runs]
    what = first_difference(
        {
            "classes": [own.class_names for own in facts],
            "data sets": [own.data_hash for own in facts],
        }
    )
    if what := what or different_networks(runs):
        raise ValueError(
            f"Averaged weights must come from one network on one data set, received different "
            f"{what}. Use --ensemble to average the scores instead."
        )


def average_weights(models: Sequence[keras.Model]) -> keras.Model:
    """Sets the first model's weights to the mean over all models, including batch norm statistics.

    Raises:
        ValueError: If the models differ in layers or sizes.
    """
    first, shapes = models[0], [[w.shape for w in model.weights] for model in models]
    for model, own in zip(models[1:], shapes[1:], strict=True):
        if own != shapes[0] or model.input_shape != first.input_shape:
            raise ValueError(
                f"Averaged models must have the same layers and sizes, received {first.name} and "
                f"{model.name}, which differ. Use --ensemble to average their scores instead."
            )
    columns = zip(*(model.get_weights() for model in models), strict=True)
    first.set_weights([np.mean(column, axis=0, dtype=np.float64) for column in columns])
    return first
