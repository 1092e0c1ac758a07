"""Loss and metrics on integer and soft labels, compared with NumPy."""

import keras
import numpy as np
import pytest

import ctm_keras
from training.fit.step import means, sums, top_k

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(40, 6)).astype("float32")
LABELS = RNG.integers(0, 6, 40)
SOFT = RNG.dirichlet(np.ones(6), 40).astype("float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothed_mixes_are_mixes_of_smoothed_labels(smoothing):
    """As in PySlowFast: smooth each label first, then mix them."""
    other, share = LABELS[::-1], 0.3
    smooth = np.eye(6) * (1 - smoothing) + smoothing / 6
    target = share * smooth[LABELS] + (1 - share) * smooth[other]
    log_softmax = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    expected = -(target * log_softmax).sum(axis=1).mean()
    soft = (share * np.eye(6)[LABELS] + (1 - share) * np.eye(6)[other]).astype("float32")
    found = ctm_keras.SmoothedCrossentropy(smoothing)(soft, LOGITS)
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("k", [1, 5])
def test_top_k_uses_the_class_with_the_largest_weight(k):
    best = LOGITS.argsort(axis=1)[:, -k:]
    for labels, given in [(LABELS, LABELS), (LABELS, LABELS[:, None]), (SOFT.argmax(1), SOFT)]:
        expected = [label in row for label, row in zip(labels, best, strict=True)]
        np.testing.assert_array_equal(top_k(given, LOGITS, k), expected)


def test_top_5_of_two_classes_is_always_a_hit():
    ones, labels, logits = np.ones(40, "float32"), LABELS % 2, LOGITS[:, :2]
    found = means(sums(ones, labels, logits, ones, stop=0.0).numpy())
    assert list(found) == ["loss", "top1", "top5"]
    assert found["top1"] == pytest.approx(np.mean(logits.argmax(1) == labels))
    assert found["top5"] == 1


def test_a_fit_takes_soft_labels_and_validates_on_integers():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    model.compile("sgd", loss=ctm_keras.SmoothedCrossentropy(0.1))
    history = model.fit(LOGITS, SOFT, validation_data=(LOGITS, LABELS), epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    logits = model.predict(LOGITS, verbose=0)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    target = np.eye(6)[LABELS] * 0.9 + 0.1 / 6
    expected = -(target * log_softmax).sum(axis=1).mean()
    assert history.history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
