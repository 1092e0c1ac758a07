import keras
import numpy as np
import pytest

from ctm_keras.loss import SmoothedCrossentropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_the_smoothed_crossentropy_of_one_hot_labels(smoothing):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(6, 4)).astype("float32"), np.arange(6) % 4
    target = np.eye(4)[labels] * (1 - smoothing) + smoothing / 4
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = SmoothedCrossentropy(smoothing)
    expected = -(target * log_softmax).sum(axis=1).mean()
    assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert copy.label_smoothing == smoothing


def test_smoothing_out_of_range_is_refused():
    with pytest.raises(ValueError, match="label_smoothing must be in"):
        SmoothedCrossentropy(1.0)
