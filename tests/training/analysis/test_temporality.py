"""Temporal gains of classes, on predictions with accuracies that can be counted by hand."""

import numpy as np
import pytest

from training.analysis.temporality import (
    average_temporal_gain,
    class_accuracies,
    gain_correlation,
    overlap,
    static_classes,
    temporal_classes,
    temporal_gains,
)
from training.evaluate.predictions import Predictions


def predictions(answers, classes=4):
    """One view of each video: `answers` maps (label, video) to the predicted class."""
    ids = [f"{label}/{video}" for label, video in answers]
    labels = np.array([label for label, _ in answers])
    logits = np.eye(classes)[list(answers.values())]
    return Predictions(np.array(ids), np.zeros(len(ids), int), labels, logits)


# Class 0: 2 of 4 right, then 4; class 1: 3 of 4, then 2; class 2: 0 of 2, then 1; class 3: none.
LABELS = [0] * 4 + [1] * 4 + [2] * 2
KEYS = [(label, video) for video, label in enumerate(LABELS)]
TSN = predictions(dict(zip(KEYS, [0, 0, 1, 1, 1, 1, 1, 0, 0, 1], strict=True)))
MODEL = predictions(dict(zip(KEYS, [0, 0, 0, 0, 1, 1, 0, 0, 2, 1], strict=True)))
GAINS = [0.5, -0.25, 0.5, np.nan]


def test_accuracies_of_classes():
    np.testing.assert_array_equal(class_accuracies(TSN), [0.5, 0.75, 0.0, np.nan])


def test_views_count_as_one_video():
    twice = Predictions(
        np.array(["a", "a"]), np.array([0, 1]), np.array([0, 0]), np.array([[4.0, 0], [0, 1.0]])
    )
    np.testing.assert_array_equal(class_accuracies(twice), [1.0, np.nan])


def test_gains_are_joined_by_id_and_not_by_position():
    order = np.arange(len(KEYS))[::-1]
    turned = Predictions(*(getattr(TSN, f)[order] for f in ("ids", "views", "labels", "logits")))
    np.testing.assert_array_equal(temporal_gains(MODEL, turned), GAINS)


def test_temporal_classes_gain_most_and_static_classes_score_best_in_tsn():
    assert temporal_classes(np.array(GAINS), 2) == [0, 2]
    assert static_classes(TSN, 2) == [1, 0]


def test_overlap_is_a_fraction_of_the_classes():
    assert overlap([1, 2, 3, 4], [4, 5, 6, 1]) == 0.5


def test_correlation_is_over_classes_that_both_have():
    first = np.array([0.1, 0.2, 0.4, np.nan, 0.0])
    assert gain_correlation(first, 2 * first + 1) == pytest.approx(1)
    other = np.array([0.3, np.nan, 0.1, 0.9, 0.2])
    expected = np.corrcoef([0.1, 0.4, 0.0], [0.3, 0.1, 0.2])[0, 1]
    assert gain_correlation(first, other) == pytest.approx(expected)


def test_average_gain_with_and_without_the_most_temporal_class():
    gains = np.array(GAINS)
    assert average_temporal_gain(gains) == pytest.approx(0.25)
    assert average_temporal_gain(gains, removed=[0]) == pytest.approx(0.125)


def test_different_videos_are_refused():
    fewer = Predictions(*(getattr(TSN, f)[1:] for f in ("ids", "views", "labels", "logits")))
    with pytest.raises(ValueError, match="1 are in only one, for example '0/0'"):
        temporal_gains(MODEL, fewer)


def test_different_labels_are_refused():
    labels = np.where(TSN.labels == 2, 3, TSN.labels)
    with pytest.raises(ValueError, match="different labels"):
        temporal_gains(MODEL, Predictions(TSN.ids, TSN.views, labels, TSN.logits))


def test_sets_of_unequal_size_have_no_overlap():
    with pytest.raises(ValueError, match="same number of classes, received 1 and 2"):
        overlap([1], [1, 2])


def test_more_classes_than_have_videos_are_refused():
    with pytest.raises(ValueError, match=r"from 1 to 3, .* received 4"):
        temporal_classes(np.array(GAINS), 4)


def test_equal_gains_have_no_correlation():
    with pytest.raises(ValueError, match="gains that differ"):
        gain_correlation(np.zeros(3), np.arange(3.0))


def test_an_average_of_no_class_is_refused():
    with pytest.raises(ValueError, match="No class with videos is left"):
        average_temporal_gain(np.array(GAINS), removed=[0, 1, 2])
