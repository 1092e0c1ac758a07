"""Replicas on logical CPUs: batch norm uses both batches, dropout draws a mask for each."""

from contextlib import suppress

import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
from training.fit.batch_norm import SynchronizedBatchNorm, batch_norms, synchronized
from training.fit.dropout import own_masks
from training.fit.state import State
from training.fit.step import Step
from training.fit.weight_averages import Averages
from training.machines.devices import strategy_for


@pytest.fixture
def strategy() -> tf.distribute.Strategy:
    return strategy_for("cpu:2")


@pytest.fixture
def each(strategy):
    """The results of a function on each replica, for its part of the values."""

    def each(function, values=(0, 0)) -> list:
        parts = parts_of(strategy, values)
        results = tf.function(lambda: strategy.run(function, (parts,)))()
        own = strategy.experimental_local_results(results)
        return [tf.nest.map_structure(np.array, result) for result in own]

    return each


def parts_of(strategy, values) -> tf.distribute.DistributedValues:
    """One value for each replica."""
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(values[context.replica_id_in_sync_group], tf.float32)
    )


@pytest.mark.parametrize(
    ("options", "size", "tolerance"),
    [
        ({}, 1.0, 1e-5),
        ({"scale": False, "center": False, "axis": 1}, 1.0, 1e-5),
        ({"trainable": False}, 1.0, 1e-5),
        ({"dtype": "mixed_float16"}, 100.0, 2e-3),  # squares overflow float16
    ],
)
def test_batch_norm_sees_the_batches_of_all_replicas(strategy, each, options, size, tolerance):
    """Outputs, gradients and statistics equal Keras' results for the whole batch."""
    rows = size * np.random.default_rng(0).normal(3.0, 2.0, size=(8, 5))

    def trained(layer, rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            outputs = layer(rows, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * tf.sin(rows))
        return outputs, tape.gradient(loss, rows)

    alone = keras.layers.BatchNormalization(momentum=0.5, **options)
    expected = trained(alone, tf.constant(rows, tf.float32))
    with strategy.scope():
        layer = keras.layers.BatchNormalization(momentum=0.5, **options)
        model = keras.Sequential([keras.Input((5,)), layer])
    with synchronized(model, strategy):
        parts = each(lambda rows: trained(layer, rows), rows.reshape(2, 4, 5))
    for own, whole in zip(zip(*parts, strict=True), expected, strict=True):
        np.testing.assert_allclose(np.concatenate(own), whole, atol=tolerance)
    for own, whole in zip(layer.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(own, whole, rtol=1e-5)


@pytest.mark.parametrize("method", ["ctm", "stm", "s3d", "nonlocal"])
@pytest.mark.usefixtures("no_random_start")
def test_every_batch_norm_is_synchronized_inside_a_with_block(strategy, method):
    """Including those inside blocks; the model saved afterwards is unchanged."""
    model = ctm_keras.build_video_model(method, "tiny", 3, 4, 32, weights=None)
    norms, before = batch_norms(model), model.to_json()
    assert len(norms) == sum(v.name == "moving_mean" for v in model.variables)
    with suppress(KeyboardInterrupt), synchronized(model, strategy):
        assert {type(layer) for layer in norms} == {SynchronizedBatchNorm}
        raise KeyboardInterrupt
    assert {type(layer) for layer in norms} == {keras.layers.BatchNormalization}
    assert model.to_json() == before


def operations(devices: str, norms: int) -> int:
    """The number of operations in the traced step of a model with batch norms."""
    strategy = strategy_for(devices)
    with strategy.scope():
        layers = [keras.layers.BatchNormalization() for _ in range(norms)]
        model = keras.Sequential([keras.Input((3,)), *layers])
        model.compile(ctm_keras.SGD(0.1), ctm_keras.SmoothedCrossentropy())
        model.optimizer.build(model.trainable_variables)
    step = Step(model, strategy, Averages(model, strategy, 0.0))
    batch = [
        strategy.experimental_distribute_values_from_function(lambda _, part=part: part)
        for part in (tf.ones((2, 3)), tf.zeros(2, tf.int64))
    ]
    return len(step.add.get_concrete_function(*batch, 0.0).graph.get_operations())


def test_a_step_on_four_devices_has_little_more_operations_than_four_steps():
    """30 more for each norm and device; TensorFlow's `all_reduce` has 60, Keras' own norm 106."""
    assert operations("cpu:4", norms=4) <= 4 * (operations("cpu", norms=4) + 4 * 45)


def model_with_dropout(strategy) -> keras.Model:
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((1000,)), keras.layers.Dropout(0.5)])
        model.compile(ctm_keras.SGD(0.1))
        model.optimizer.build([])
    return model


def masks(model, each) -> list[np.ndarray]:
    return [mask > 0 for mask in each(lambda _: model(tf.ones((1, 1000)), training=True))]


def test_each_replica_drops_different_features(strategy, each):
    model = model_with_dropout(strategy)
    own_masks(model, strategy)
    seen = [mask for _ in range(2) for mask in masks(model, each)]
    for i, one in enumerate(seen):
        assert 0.4 < one.mean() < 0.6
        assert all(0.4 < (one == other).mean() < 0.6 for other in seen[:i])


def test_dropout_masks_resume_from_a_saved_state(strategy, each, tmp_path):
    def state_of(model):
        return State(model, model.optimizer, Averages(model, strategy, 0.0), tmp_path)

    first = model_with_dropout(strategy)
    own_masks(first, strategy)
    masks(first, each)
    state_of(first).save(0, 1)
    expected = masks(first, each)
    again = model_with_dropout(strategy)
    assert state_of(again).restore() == (0, 1)
    own_masks(again, strategy)
    np.testing.assert_array_equal(masks(again, each), expected)


@pytest.mark.parametrize("broken", [0, 1])
def test_an_overflow_in_one_replica_skips_the_step_in_all(strategy, each, broken):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        optimizer = keras.optimizers.LossScaleOptimizer(ctm_keras.SGD(0.1, momentum=0.0, l2=0.0))
        model.compile(optimizer, ctm_keras.SmoothedCrossentropy())
        optimizer.build(model.trainable_variables)
    step = Step(model, strategy, Averages(model, strategy, 0.0))

    def train(scale_of_broken):
        scales = np.ones(2)
        scales[broken] = scale_of_broken
        clips = parts_of(strategy, np.ones((2, 4, 4), "float32") * scales[:, None, None])
        step.train([(clips, tf.constant([0, 1, 2, 0]))], stop=False)
        return each(lambda _: (model.weights[0].value, optimizer.dynamic_scale.value))

    before = each(lambda _: model.weights[0].value)
    scale = float(optimizer.dynamic_scale.numpy())
    for weights, new_scale in train(np.inf):
        np.testing.assert_array_equal(weights, before[0])
        assert new_scale == scale / 2
    one, other = train(1.0)
    assert not np.array_equal(one[0], before[0])
    np.testing.assert_array_equal(one[0], other[0])
