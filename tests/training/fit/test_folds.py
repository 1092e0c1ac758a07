"""Cross-validation: an ordinary run for each fold, scored on its own videos and together."""

import dataclasses
import json
import shutil
import statistics
from collections import Counter

import numpy as np
import pytest

import tfrecords
from tfrecords.format.manifest import write_manifest
from tfrecords.reading import Split
from training.analysis.comparable import read_evaluated
from training.analysis.frame_orders import order_tests
from training.commands import runs
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateCommand
from training.evaluate.evaluate import evaluate, evaluate_all
from training.evaluate.folds import pooled
from training.evaluate.interval import wilson, with_interval
from training.evaluate.predictions import Predictions
from training.fit.folds import base_of, cross_validate
from training.fit.resolve import resolve
from training.fit.train import train
from training.run_folder import Run

RESULTS = ("report.json", "confusion.png", "predictions.npz")
SPLITS = [f"train+val:fold-{fold}-of-2" for fold in range(2)]


def guesses(model, batches, total, average) -> Predictions:
    """Random scores that are often right, in place of the model's."""
    ids, views, labels = (
        np.concatenate([batch[name].numpy() for batch in batches])
        for name in ("id", "view", "label")
    )
    logits = np.random.default_rng(len(ids)).random((len(ids), 4)) + 0.4 * np.eye(4)[labels]
    return Predictions(np.array([i.decode() for i in ids]), views, labels, logits, average)


@pytest.fixture(scope="module")
def quickly(trained):
    """Each run has the same trained model, and its scores are guesses."""
    model = trained.load_model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "load_model", lambda *_: model)
        patch.setattr("training.evaluate.evaluate.predict_views", guesses)
        yield


@pytest.fixture(scope="module")
def folded(quickly, directions, small, tmp_path_factory) -> tuple[TrainConfig, list[str]]:
    """Two folds that tests must not change, and what was printed; nothing was trained."""

    def finish(config: TrainConfig) -> None:
        Run.create(*resolve(config)).model.touch()

    out = tmp_path_factory.mktemp("folded") / "cv"
    own = {"data": directions, "out": out, "epochs": 1, "batch_size": 24, "folds": 2}
    config = dataclasses.replace(small, **own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.fit.measure.train", finish)
        return config, list(runs.train(config))


@pytest.fixture
def copied(folded, tmp_path) -> TrainConfig:
    """A copy of it that a test may change."""
    shutil.copytree(folded[0].out, tmp_path / "cv")
    return dataclasses.replace(folded[0], out=tmp_path / "cv")


def read_report(folder) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_each_fold_is_a_run_on_the_other_folds(folded, directions):
    config, _ = folded
    for fold, split in enumerate(SPLITS):
        run = Run.open(config.out / f"fold-{fold}")
        assert run.model.is_file()
        assert run.config.folds is None
        assert (run.config.train_split, run.config.val_split) == (
            f"train+val:all-but-{fold}-of-2",
            split,
        )
        assert run.facts.steps_per_epoch == 1
        assert run.config.dataset == directions


def test_the_report_agrees_with_the_saved_predictions(folded, directions):
    """Each video is scored once, in its own fold; the numbers come from plain loops."""
    config, _ = folded
    report, right, top1 = read_report(config.out), {}, []
    for fold, split in enumerate(SPLITS):
        saved = Predictions.load(config.out / f"fold-{fold}" / "predictions.npz")
        assert sorted(saved.ids) == sorted(Split(directions, split).ids)
        hits = {
            name: row.argmax() == label
            for name, label, row in zip(saved.ids, saved.labels, saved.logits, strict=True)
        }
        top1.append(sum(hits.values()) / len(hits))
        right |= hits
    labels = Split(directions, "train+val").videos["label"]
    names = tfrecords.read_manifest(directions).class_names
    assert report["videos"] == report["expected"] == len(right) == 48
    assert report["split"] == "train+val"
    assert report["top1"] == pytest.approx(sum(right.values()) / 48)
    assert report["mean"]["top1"] == pytest.approx(statistics.mean(top1))
    assert report["standard_deviation"]["top1"] == pytest.approx(statistics.stdev(top1))
    assert [own["top1"] for own in report["folds"]] == pytest.approx(top1)
    assert [(own["run"], own["videos"]) for own in report["folds"]] == [
        ("fold-0", 24),
        ("fold-1", 24),
    ]
    counts = {name: own["videos"] for name, own in report["per_class"].items()}
    assert counts == {names[label]: n for label, n in Counter(labels.tolist()).items()}
    together = Predictions.load(config.out / "predictions.npz")
    assert sorted(together.ids) == sorted(right)


def test_a_table_is_printed(folded):
    config, lines = folded
    report = read_report(config.out)
    assert lines[:2] == [f"Fold {n + 1} of 2: {config.out / f'fold-{n}'}" for n in range(2)]
    head, first, second, mean, whole, *rest = lines[2].splitlines()
    assert head.split()[:3] == ["run", "videos", "top-1"]
    for line, own in zip((first, second), report["folds"], strict=True):
        top1, of_classes = with_interval(own["top1"], 24), f"{own['mean_class_accuracy']:.4f}"
        assert line.split() == [own["run"], "24", *top1.split(), of_classes]
        assert own["top1_interval"] == pytest.approx(wilson(own["top1"], 24))
    assert f"{report['mean']['top1']:.4f} ± {report['standard_deviation']['top1']:.4f}" in mean
    assert whole.startswith("all videos")
    assert rest[0].startswith(f"top-1 {report['top1']:.4f}")
    assert "coverage: split train+val, 48 of 48 videos, missing none" in rest
    assert lines[3] == ("Most confident mistakes on train+val (sure ones are often wrong labels):")
    assert len(lines) == 11
    assert f"ctm show {config.data} --split train+val --videos" in lines[9]
    assert str(config.out / "report.json") in lines[10]


def test_the_same_command_keeps_finished_folds(copied, monkeypatch):
    monkeypatch.setattr("training.fit.measure.train", lambda _: pytest.fail("it trained again"))
    before = read_report(copied.out)
    (copied.out / "report.json").unlink()
    list(cross_validate(copied))
    assert read_report(copied.out) == before


def test_a_cross_validation_is_evaluated_as_its_folds(copied, folded):
    before = read_report(copied.out)
    report, written = evaluate_all(EvaluateCommand(models=(copied.out,), saved=True))
    assert report == folded[1][2]
    assert written == f"Written: {', '.join(str(copied.out / name) for name in RESULTS)}"
    assert read_report(copied.out) == before


def test_cross_validations_are_compared_video_by_video(copied, tmp_path):
    """The second is right on one more video; the mean is over the two."""
    other = shutil.copytree(copied.out, tmp_path / "other")
    path = other / "fold-1" / "predictions.npz"
    saved = Predictions.load(path)
    wrong = np.flatnonzero(saved.logits.argmax(axis=1) != saved.labels)[0]
    saved.logits[wrong, saved.labels[wrong]] += 9
    saved.save(path)
    *_, mean, test = evaluate_all(EvaluateCommand(models=(copied.out, other), saved=True))
    right = read_report(copied.out)["top1"] * 48
    assert f"top-1 {(right + 0.5) / 48:.4f} ± " in mean
    assert test == (
        f"{other} against {copied.out}: better on 1, worse on 0 of 48 videos (paired sign test "
        "p = 1)"
    )


def test_orders_of_frames_are_scored_over_all_folds(folded, tmp_path, monkeypatch):
    """With the same guesses for each order."""

    def guessed(model, batches, *rest):
        return guesses(model, list(batches), *rest)

    monkeypatch.setattr("training.analysis.frame_orders.predict_views", guessed)
    cv = folded[0].out
    list(order_tests([cv], tmp_path))
    (found,) = json.loads((tmp_path / "orders.json").read_text(encoding="utf-8")).values()
    assert found["true"] == found["reversed"] == read_report(cv)["top1"]
    assert found["sign_tests"]["shuffled"] == {"better": 0, "worse": 0, "videos": 48, "p": 1}


def test_a_cross_validation_is_analyzed_as_one_network(folded):
    read = read_evaluated(folded[0].out)
    assert read.result.network == read_evaluated(folded[0].out / "fold-1").result.network
    assert read.report.videos == 48
    assert read.result.top1 == read.report.top1


@pytest.mark.parametrize("options", [{"split": "val"}, {"data": "other"}], ids=str)
def test_the_folds_of_a_cross_validation_are_its_own(copied, options):
    (name,) = options
    with pytest.raises(ValueError, match=f"--{name} cannot be combined with the cross-validation"):
        evaluate(copied.out, **options)


def test_folds_are_scored_with_several_views(copied):
    report = evaluate(copied.out, num_clips=2, num_crops=1)
    assert (report.videos, report.settings.num_clips) == (48, 2)


def test_finished_folds_are_reported_again(copied, monkeypatch):
    """Without their cache, which is removed."""
    monkeypatch.setattr("training.fit.folds.measured", lambda *_: None)
    config = dataclasses.replace(copied, freeze="backbone", cached_clips=1)
    assert any("48 of 48 videos" in line for line in cross_validate(config))


def test_another_number_of_folds_requires_another_folder(copied):
    with pytest.raises(ValueError, match=r"whose first fold is train\+val:fold-0-of-2, .*-of-3"):
        list(cross_validate(dataclasses.replace(copied, folds=3)))


def test_a_mean_of_folds_has_each_video_once(copied):
    paths = tuple(copied.out / f"fold-{fold}" for fold in range(2))
    lines = list(evaluate_all(EvaluateCommand(models=paths, saved=True)))
    words = "coverage: split train+val in 2 folds, 48 of 48 videos over all runs, missing none"
    assert any(words in line for line in lines)


def test_videos_that_a_run_was_trained_on_are_counted_next_to_its_score(copied, directions):
    trained = set(Split(directions, "train+val:all-but-0-of-2").ids)
    count = len(trained & set(Split(directions, "val").ids))
    assert 0 < count < 12
    one = {"num_clips": 1, "num_crops": 1}
    report = evaluate(copied.out / "fold-0", split="val", **one)
    assert report.coverage.endswith(f"missing none; the model was trained on {count}")
    report = evaluate(copied.out / "fold-0", **one)
    assert (report.split, report.coverage) == (SPLITS[0], "24 of 24 videos, missing none")


def test_another_data_set_requires_a_split(copied, directions, tmp_path):
    other = shutil.copytree(directions, tmp_path / "other")
    manifest = tfrecords.read_manifest(other)
    write_manifest(other, dataclasses.replace(manifest, class_names=("a", "b", "c", "d")))
    with pytest.raises(ValueError, match=r"is a fold of its own data set\. Give --split"):
        evaluate(copied.out / "fold-0", data=str(other))


def test_folds_that_do_not_have_each_video_once_are_not_pooled(folded):
    config, _ = folded
    paths = [config.out / "fold-0"] * 2
    with pytest.raises(ValueError, match=r"must have each video of train\+val once"):
        pooled(config.out, paths, "train+val")


def test_the_folder_of_the_folds_is_not_a_run(folded):
    with pytest.raises(ValueError, match=r"has those of a cross-validation\. Give .*fold-0"):
        Run.open(folded[0].out)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"folds": 1}, "--folds must be 2 or more, received 1"),
        ({"folds": 13}, "folds must be at most 12, the number of videos of the class 'down', .*13"),
        ({"resume": "cv"}, "--folds cannot be combined with --resume"),
        ({"patience": 3}, "--folds cannot be combined with --patience"),
        ({"dry_run": True}, "--folds cannot be combined with --dry-run"),
        ({"workers": "a:1,b:1"}, "--folds trains on one machine, received several"),
        (
            {"batch_size": 37, "folds": 4},
            "--batch-size must be at most 36, .* 'train.val:all-but-0",
        ),
        ({"train_split": "trian"}, "split must be one of train, val, received 'trian'"),
        ({"train_split": "val"}, "split must name each split once, received 'val.val"),
    ],
)
def test_an_error_is_one_sentence_and_leaves_no_files(config, values, words):
    config = dataclasses.replace(config, **{"folds": 2} | values)
    with pytest.raises(ValueError, match=words):
        list(cross_validate(config))
    assert not config.folder.exists()


def test_a_folder_in_use_is_refused(config, copied):
    with pytest.raises(ValueError, match="is not empty"):  # a run, not of folds
        list(cross_validate(dataclasses.replace(copied, out=copied.out / "fold-0")))
    with pytest.raises(ValueError, match="fold-0 is not empty"):  # other options
        list(cross_validate(dataclasses.replace(copied, dropout=0.1)))


def test_one_run_has_no_folds(config):
    with pytest.raises(ValueError, match="A run has no folds, received 2"):
        train(dataclasses.replace(config, folds=2))


def test_without_a_validation_split_only_train_is_divided(config):
    assert base_of(dataclasses.replace(config, folds=2, val_split="none")) == "train"
