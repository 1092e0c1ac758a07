"""Ensembles, compared with means computed by hand."""

import dataclasses

import keras
import numpy as np
import pytest

from training.evaluate.ensemble import average_weights, ensemble
from training.evaluate.predictions import Predictions, join_views, softmax
from training.evaluate.scores import Scored, score

SCORED = Scored(
    data="d", data_hash="h", split="val", model="model", protocol="p", missing={}, settings=None
)


def member(ids, views, logits, average="probabilities", classes="abc", **changes):
    labels = np.array([{"x": 0, "y": 1, "z": 2}[i] for i in ids])
    own = Predictions(np.array(ids), np.array(views), labels, np.array(logits), average)
    return own, score(own, list(classes), dataclasses.replace(SCORED, **changes))


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32) * 3


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_models_are_averaged_by_video_for_any_order_and_number_of_views(logits, average):
    one = member(["z", "x", "y"], [0, 0, 0], logits[:3], average)
    two = member(["x", "z", "y", "y", "x", "z"], [1, 0, 0, 1, 0, 1], logits[3:], average)
    predictions, report = ensemble([one, two])
    ids, labels, scores = join_views(predictions)
    rows = {"x": (1, [3, 7]), "y": (2, [5, 6]), "z": (0, [4, 8])}
    for video, label, found in zip(ids, labels, scores, strict=True):
        first, second = rows[video]
        assert label == "xyz".index(video)
        if average == "logits":
            expected = softmax((np.float64(logits[first]) + np.float64(logits[second]).mean(0)) / 2)
        else:
            expected = (softmax(logits[first]) + softmax(logits[second]).mean(axis=0)) / 2
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert report.videos == 3
    assert report.protocol == f"2 models, {average} averaged by video; each p"
    assert report.model == "model"
    assert (report.data, report.data_hash, report.class_names) == ("d", "h", ("a", "b", "c"))
    assert "settings" not in report.to_dict()


def test_a_probability_of_zero_is_not_an_error():
    sure = member(["x", "y"], [0, 0], [[2000.0, 0, 0], [0, 2000.0, 0]])
    assert ensemble([sure, sure])[1].top1 == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": "abd"}, "different classes"),
        ({"data_hash": "other"}, "different data sets"),
        ({"split": "test"}, "different splits"),
        ({"model": "best"}, "different checkpoints .--which"),
        ({"average": "logits"}, "different averages .--average"),
    ],
)
def test_models_that_were_scored_differently_are_refused(logits, change, words):
    one = member(["x", "y"], [0, 0], logits[:2])
    two = member(["x", "y"], [0, 0], logits[2:4], **change)
    with pytest.raises(ValueError, match=words):
        ensemble([one, two])


def test_models_that_were_scored_on_different_videos_are_refused(logits):
    one, two = member(["x", "y"], [0, 0], logits[:2]), member(["x", "z"], [0, 0], logits[2:4])
    with pytest.raises(ValueError, match="not scored on the same videos"):
        ensemble([one, two])


def dense(units, seed):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(units)(inputs), name=f"dense{units}")


def test_averaged_weights_are_the_mean():
    models = [dense(3, seed) for seed in range(3)]
    expected = np.mean([model.get_weights()[0] for model in models], axis=0)
    np.testing.assert_allclose(average_weights(models).get_weights()[0], expected, rtol=1e-6)


def test_weights_of_models_that_differ_are_not_averaged():
    with pytest.raises(ValueError, match="received dense3 and dense2, which differ"):
        average_weights([dense(3, 0), dense(2, 0)])
