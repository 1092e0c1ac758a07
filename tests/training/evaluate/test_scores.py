"""Means over runs, compared with values computed by hand, and runs without a mean."""

import dataclasses

import pytest

import tfrecords
from tfrecords.reading import Split
from training.evaluate.scores import ClassScore, Report, means, missing_videos

SCORES = {name: ClassScore(0.5, 3) for name in "abc"}
FIRST = Report(
    data="d",
    data_hash="h",
    split="val",
    model="model",
    top1=0.5,
    top5=0.9,
    mean_class_accuracy=0.4,
    protocol="p",
    videos=10,
    expected=12,
    missing={"x": "gone", "y": "gone"},
    per_class=SCORES,
)


def test_a_score_of_few_videos_stands_with_its_interval():
    few = str(dataclasses.replace(FIRST, top1=0.9, top5=1.0, videos=50)).splitlines()
    assert few[:3] == [
        "top-1 0.9000 [0.7864, 0.9565]   top-3 1.0000 [0.9287, 1.0000]   "
        "mean class accuracy 0.4000",
        "in brackets: 95% confidence interval for 50 videos (Wilson score)",
        "protocol: p",
    ]
    many = str(dataclasses.replace(FIRST, videos=10_000)).splitlines()
    assert many[:2] == ["top-1 0.5000   top-3 0.9000   mean class accuracy 0.4000", "protocol: p"]


def test_the_intervals_are_in_the_report_file():
    classes = {"a": ClassScore(0.5, 20), "b": ClassScore(0.0, 0)}
    report = dataclasses.replace(FIRST, top1=0.9, top5=1.0, videos=50, per_class=classes)
    values = report.to_dict()
    assert values["top1_interval"] == pytest.approx((0.7864, 0.9565), abs=5e-5)
    assert values["top5_interval"] == pytest.approx((0.9287, 1), abs=5e-5)
    own = values["per_class"]["a"]
    assert own == {"top1": 0.5, "videos": 20, "top1_interval": own["top1_interval"]}
    assert own["top1_interval"] == pytest.approx((0.2993, 0.7007), abs=5e-5)
    assert values["per_class"]["b"]["top1_interval"] == (0.0, 1.0)


def second(**changes):
    return dataclasses.replace(FIRST, top1=0.7, videos=20, expected=21, **changes)


def test_protocol_coverage_and_model_are_printed_with_a_mean():
    assert means([FIRST, second()]).splitlines() == [
        "mean of 2 runs and standard deviation: top-1 0.6000 ± 0.1414, top-3 0.9000 ± 0.0000, "
        "mean class accuracy 0.4000 ± 0.0000",
        "protocol: p",
        "coverage: split val, 30 of 33 videos over all runs, missing 3",
        "model: the last",
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"per_class": {"a": SCORES["a"], "b": SCORES["b"]}}, "classes"),
        ({"per_class": dict(reversed(SCORES.items()))}, "classes"),
        ({"split": "test"}, "splits"),
        ({"protocol": "q"}, "protocols"),
        ({"model": "best"}, "checkpoints"),
    ],
)
def test_runs_that_were_scored_differently_have_no_mean(change, what):
    words = f"No mean of the 2 runs: they were scored with different {what}."
    assert means([FIRST, second(**change)]) == words


def test_videos_that_could_not_be_read_are_missing_from_their_splits_but_from_no_fold(directions):
    failures = (tfrecords.Failure("gone", "gone.mp4", "train", "the file is missing"),)
    manifest = dataclasses.replace(
        tfrecords.read_manifest(directions), failures=failures, missing={"val": ("listed",)}
    )
    expected = {
        "val": ["listed"],
        "train+val": ["gone", "listed"],
        "train+val:fold-0-of-3": [],
    }
    for split, names in expected.items():
        videos = Split(directions, split)
        first, *others = videos.ids
        found = missing_videos(manifest, videos, others)
        assert list(found) == [*names, first]
        assert found[first] == "not scored"


def test_folds_of_one_cross_validation_have_a_mean():
    folds = [f"train+val:fold-{fold}-of-2" for fold in range(2)]
    text = means([dataclasses.replace(FIRST, split=folds[0]), second(split=folds[1])])
    assert "coverage: split train+val in 2 folds, 30 of 33 videos over all runs" in text
    others = [dataclasses.replace(FIRST, split=split) for split in (folds[0], "val")]
    assert means(others).startswith("No mean of the 2 runs: they were scored with different splits")
