"""Means over runs, against numbers worked out by hand, and where there can be none."""

import dataclasses

import numpy as np
import pytest

from training.evaluate.scores import Report, means

FIRST = Report(
    split="val",
    top1=0.5,
    top5=0.9,
    mean_class_accuracy=0.4,
    protocol="p",
    videos=10,
    expected=12,
    missing={"x": "gone", "y": "gone"},
    class_names=("a", "b", "c"),
    confusion=np.zeros((3, 3), np.int64),
)


def second(**changes):
    return dataclasses.replace(FIRST, top1=0.7, videos=20, expected=21, **changes)


def test_protocol_coverage_and_model_stand_beside_a_mean():
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
        ({"class_names": ("a", "b")}, "classes"),
        ({"class_names": ("c", "b", "a")}, "classes"),
        ({"split": "test"}, "splits"),
        ({"protocol": "q"}, "protocols"),
        ({"model": "best"}, "checkpoints"),
    ],
)
def test_what_was_scored_otherwise_has_no_mean(change, what):
    words = f"No mean of the 2 runs: they were scored with different {what}."
    assert means([FIRST, second(**change)]) == words
