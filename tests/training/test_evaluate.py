"""Evaluation: numbers that can be recomputed, with protocol and coverage beside them."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

import tfrecords
from tfrecords.manifest import write_manifest
from training.evaluate import evaluate
from training.predictions import Predictions, softmax


def test_report_agrees_with_the_saved_predictions(trained):
    report = evaluate(trained.path, num_clips=3, num_crops=3)
    saved = Predictions.load(trained.path / "predictions.npz")
    assert len(saved.ids) == 12 * 9
    right = []
    for video in sorted(set(saved.ids)):
        rows = saved.ids == video
        assert sorted(saved.views[rows]) == list(range(9))
        mean = softmax(saved.logits[rows]).mean(axis=0)
        right.append(mean.argmax() == saved.labels[rows][0])
    assert report.top1 == pytest.approx(np.mean(right))
    assert report.top5 == 1.0
    written = json.loads((trained.path / "report.json").read_text())
    assert written["top1"] == report.top1
    assert written["coverage"] == "12 of 12 videos, missing none"
    assert sum(row["videos"] for row in written["per_class"].values()) == 12
    assert "3 clips x 3 crops of 32 from short side 37, 4 frames, 2 apart" in str(report)
    assert (trained.path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_missing_videos_are_named_beside_the_number(trained, directions, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(directions, data)
    failure = tfrecords.Failure("gone", "gone.mp4", "val", "the file is missing")
    manifest = dataclasses.replace(tfrecords.read_manifest(data), failures=(failure,))
    write_manifest(data, manifest)
    report = evaluate(trained.path, data=data, num_clips=1, num_crops=1)
    assert report.coverage == "12 of 13 videos, missing gone (the file is missing)"


def test_videos_that_lists_name_and_are_not_there_count_as_missing(trained, directions, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(directions, data)
    ids = tuple(f"id{number:02d}" for number in range(30))
    missing = {"train": ("other",), "val": ids}
    write_manifest(data, dataclasses.replace(tfrecords.read_manifest(data), missing=missing))
    report = evaluate(trained.path, data=data, num_clips=1, num_crops=1)
    assert report.coverage.startswith("12 of 42 videos, missing id00 (listed, not there), id01 (")
    assert report.coverage.endswith("id19 (listed, not there) and 10 more")
    written = json.loads((trained.path / "report.json").read_text())
    assert sorted(written["missing"]) == list(ids)


def test_other_classes_are_refused(trained, directions, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(directions, data)
    names = ("down", "left", "right", "upward")
    write_manifest(data, dataclasses.replace(tfrecords.read_manifest(data), class_names=names))
    with pytest.raises(ValueError, match=r"only the model has up; only the data set has upward"):
        evaluate(trained.path, data=data)


@pytest.mark.parametrize(
    ("values", "words"),
    [({"split": "tset"}, "tset"), ({"num_crops": 2}, "num_crops"), ({"which": "worst"}, "worst")],
)
def test_a_wrong_value_is_named(trained, values, words):
    with pytest.raises(ValueError, match=words):
        evaluate(trained.path, **values)


def test_an_unfinished_run_is_named(trained, tmp_path):
    (tmp_path / "config.json").write_text((trained.path / "config.json").read_text())
    with pytest.raises(ValueError, match="its training has not ended: `ctm train --resume"):
        evaluate(tmp_path)
