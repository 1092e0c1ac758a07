"""One training step, compared with the expected values."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
from training.fit.step import Step, means
from training.fit.weight_averages import Averages

RATE, CLASSES = 0.1, 3


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    inputs = 10 * rng.normal(size=(8, 4)).astype("float32")
    return tf.constant(inputs), tf.constant(rng.integers(CLASSES, size=8))


def step_of(ema=0.0, scaled=False, **options) -> Step:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(CLASSES)])
    optimizer = ctm_keras.SGD(RATE, momentum=0.0, l2=0.0)
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    model.compile(optimizer, ctm_keras.SmoothedCrossentropy())
    optimizer.build(model.trainable_variables)
    strategy = tf.distribute.get_strategy()
    return Step(model, strategy, Averages(model, strategy, ema), **options)


def weights(step: Step) -> np.ndarray:
    return np.concatenate([w.ravel() for w in step.model.get_weights()])


def moved(step: Step, batches) -> np.ndarray:
    before = weights(step)
    step.train(batches, stop=False)
    return weights(step) - before


@pytest.mark.parametrize("scaled", [False, True])
def test_the_global_norm_of_a_step_is_clipped(batch, scaled):
    free, clipped = (moved(step_of(scaled=scaled, clip_norm=norm), [batch]) for norm in (None, 0.5))
    assert np.linalg.norm(free) > RATE
    np.testing.assert_allclose(np.linalg.norm(clipped), 0.5 * RATE, rtol=1e-5)
    np.testing.assert_allclose(
        clipped / np.linalg.norm(clipped), free / np.linalg.norm(free), atol=1e-6
    )


def test_accumulated_micro_batches_equal_one_batch(batch):
    halves = [tuple(half) for half in zip(*(tf.split(part, 2) for part in batch), strict=True)]
    whole, parts = step_of(clip_norm=1.0), step_of(clip_norm=1.0, accumulate=2)
    for _ in range(2):
        np.testing.assert_allclose(moved(whole, [batch]), moved(parts, halves), rtol=1e-4)


def test_an_infinite_gradient_is_skipped_and_the_loss_scale_halved(batch):
    step = step_of(scaled=True, clip_norm=1.0)
    before = float(step.model.optimizer.dynamic_scale.numpy())
    assert not moved(step, [(batch[0] * np.inf, batch[1])]).any()
    assert float(step.model.optimizer.dynamic_scale.numpy()) == before / 2
    assert moved(step, [batch]).any()


def test_averages_follow_the_weights(batch):
    step = step_of(ema=0.5)
    expected = weights(step)
    for number in range(1, 6):
        step.train([batch], stop=False)
        decay = min(0.5, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * weights(step)
    last = weights(step)
    with step.averages.in_the_model():
        np.testing.assert_allclose(weights(step), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(weights(step), last)


def test_sums_count_weighted_clips_and_machines_that_should_stop(batch):
    step = step_of()
    clips, labels = batch
    weight = tf.constant([1.0] * 6 + [0.0] * 2)
    scores = keras.activations.softmax(step.model(clips)).numpy()[:6]
    own = scores[np.arange(6), labels.numpy()[:6]]
    sums = step.score(clips, labels, weight, stop=True)
    assert sums[0] == 6
    assert sums[-1] == 1
    assert means(sums) == {
        "loss": pytest.approx(-np.log(own).mean(), rel=1e-4),
        "top1": pytest.approx((scores.argmax(1) == labels.numpy()[:6]).mean()),
        "top5": 1.0,
    }
