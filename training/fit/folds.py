"""`ctm train --folds`: cross-validation, an ordinary run for each fold."""

import dataclasses
import shutil
from collections.abc import Iterator

from tfrecords.storage import full_disk_in_words
from training.batches import has_validation
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateConfig
from training.evaluate.folds import pooled
from training.evaluate.mistakes import mistakes_in_words, worst_mistakes
from training.evaluate.predictions import join_views
from training.evaluate.scores import write_results
from training.fit.measure import measured
from training.fit.resolve import check_clips
from training.machines.workers import count_workers
from training.run_folder import Run, folds_of

AGAIN = "run the same command again; it goes on where it stopped"


def cross_validate(config: TrainConfig) -> Iterator[str]:
    """Trains and scores a run for each fold, and writes their common report.

    The training and validation splits are divided together. RUN/fold-0, RUN/fold-1 ... are
    ordinary runs: each is trained on all folds but its own and scored on its own, one center clip
    of each video. Finished runs are kept and a stopped one is resumed.

    Args:
        config: The options of the runs, with `folds`.

    Returns:
        An iterator of lines to print.

    Raises:
        ValueError: If an option cannot be combined with folds, or a class has fewer videos or
            groups than there are folds.
    """
    base = base_of(config)
    runs = runs_of(config, base)
    for number, own in enumerate(runs, 1):
        yield f"Fold {number} of {len(runs)}: {own.folder}"
        measured(own, EvaluateConfig(split=own.val_split, num_clips=1, num_crops=1))
    with full_disk_in_words(config.folder, AGAIN):
        results = pooled(config.folder, [own.folder for own in runs], base)
        write_results(config.folder, *results)
    if config.cached_clips and not config.cache:
        shutil.rmtree(config.cache_folder, ignore_errors=True)  # missing if all is finished
    predictions, report = results
    yield str(report)
    mistakes = worst_mistakes(*join_views(predictions))
    yield from mistakes_in_words(mistakes, report.class_names, config.dataset, base)
    yield f"Written: {config.folder / 'report.json'}, {config.folder / 'predictions.npz'}"


def base_of(config: TrainConfig) -> str:
    """The splits that are divided into folds; checks that the options can be combined."""
    config.check()
    if config.workers or count_workers() > 1:
        raise ValueError(
            "--folds trains on one machine, received several. Remove --workers and TF_CONFIG."
        )
    splits = (config.train_split, config.val_split)
    return "+".join(splits if has_validation(config) else splits[:1])


def runs_of(config: TrainConfig, base: str) -> list[TrainConfig]:
    """The options of each fold's run; checks that each can be trained."""
    count = config.folds
    runs = [
        dataclasses.replace(
            config,
            folds=None,
            out=config.folder / f"fold-{fold}",
            train_split=f"{base}:all-but-{fold}-of-{count}",
            val_split=f"{base}:fold-{fold}-of-{count}",
            cache=config.cache_folder if config.cached_clips else None,  # of all folds
        )
        for fold in range(count or 0)
    ]
    for own in runs:
        check_clips(own)
    for first in folds_of(config.folder)[:1]:
        if (begun := Run.open(first).config.val_split) != runs[0].val_split:
            raise ValueError(
                f"{config.folder} has a cross-validation whose first fold is {begun}, received one "
                f"whose first fold is {runs[0].val_split}. Give a new --out, or the same --folds."
            )
    if not runs[0].folder.exists():
        Run.free_folder(config.folder)
    return runs
