import numpy as np
import pytest

from training.evaluate.predictions import (
    Predictions,
    confusion_matrix,
    join_views,
    mean_class_accuracy,
    predict_views,
    softmax,
    top_k_accuracy,
)


def test_views_are_joined_by_id_whatever_their_order():
    rng = np.random.default_rng(0)
    ids = np.array(["b", "a", "a", "b", "c"])
    views = np.array([0, 1, 0, 1, 0])
    labels = np.array([1, 0, 0, 1, 2])
    logits = rng.normal(size=(5, 3))
    order = rng.permutation(5)
    joined = join_views(Predictions(ids, views, labels, logits))
    shuffled = join_views(Predictions(ids[order], views[order], labels[order], logits[order]))
    for one, other in zip(joined, shuffled, strict=True):
        np.testing.assert_allclose(
            one, other
        ) if one.dtype == float else np.testing.assert_array_equal(one, other)
    names, truth, scores = joined
    assert names.tolist() == ["a", "b", "c"]
    assert truth.tolist() == [0, 1, 2]
    np.testing.assert_allclose(scores[0], softmax(logits[[1, 2]]).mean(axis=0))


@pytest.mark.parametrize(
    ("views", "labels", "words"),
    [([0, 0], [1, 1], "appears twice"), ([0, 1], [0, 1], "different labels")],
)
def test_wrongly_joined_views_are_refused(views, labels, words):
    broken = Predictions(np.array(["a", "a"]), np.array(views), np.array(labels), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=words):
        join_views(broken)


def test_accuracies_by_hand():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    labels = np.array([0, 2, 0, 1])
    assert top_k_accuracy(labels, scores, 1) == 0.5
    assert top_k_accuracy(labels, scores, 2) == 1.0
    assert top_k_accuracy(labels, scores, 5) == 1.0
    confusion = confusion_matrix(labels, scores)
    assert confusion.tolist() == [[2, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert mean_class_accuracy(confusion) == pytest.approx(1 / 3)


def test_tied_scores_are_not_hits():
    assert top_k_accuracy(np.array([0, 1]), np.zeros((2, 2)), 1) == 0.0
    assert top_k_accuracy(np.array([0, 1]), np.full((2, 2), np.nan), 1) == 0.0


def test_a_model_that_diverged_is_named():
    class Diverged:
        name = "ctm_tiny"

        def predict_on_batch(self, clip):
            return np.array([[0.0, 1.0], [np.nan, 0.0]])

    batch = {
        "clip": None,
        "id": np.array([b"a", b"b"]),
        "view": np.arange(2),
        "label": np.arange(2),
    }
    with pytest.raises(
        ValueError, match=r"ctm_tiny must be finite, .* for 1 of 2 views: its training diverged"
    ):
        predict_views(Diverged(), [batch], 1)


def test_predictions_survive_the_disk(tmp_path):
    path = tmp_path / "p.npz"
    Predictions(np.array(["é", "b"]), np.arange(2), np.arange(2), np.eye(2)).save(path)
    assert Predictions.load(path).ids.tolist() == ["é", "b"]


def test_logits_are_averaged_before_they_become_probabilities(tmp_path):
    logits = np.array([[4.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 3.0]])
    ids, views, labels = np.array(["a", "a", "b"]), np.array([0, 1, 0]), np.array([0, 0, 2])
    Predictions(ids, views, labels, logits, "logits").save(tmp_path / "p.npz")
    _, _, scores = join_views(Predictions.load(tmp_path / "p.npz"))
    odds = np.exp([2.0, 0.5, 0.0])
    np.testing.assert_allclose(scores[0], odds / odds.sum())
    _, _, other = join_views(Predictions(ids, views, labels, logits))
    assert abs(other[0] - scores[0]).max() > 0.05


def test_predictions_without_an_average_use_probabilities(tmp_path):
    values = {"ids": np.array(["a"]), "views": np.arange(1), "labels": np.arange(1)}
    np.savez(tmp_path / "p.npz", logits=np.eye(1), **values)
    assert Predictions.load(tmp_path / "p.npz").average == "probabilities"
