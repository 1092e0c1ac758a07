"""Precise batch norm: what the recomputed statistics are, and which model has them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.fit.dropout import own_masks
from training.fit.loop import Loop
from training.fit.precise_bn import PreciseStatistics, trained_norms
from training.fit.preemption import Notice
from training.fit.train import train
from training.machines.devices import strategy_for

CLIPS = np.random.default_rng(0).normal(5.0, 2.0, size=(3, 8, 4)).astype("float32")


def model_of(strategy) -> keras.Model:
    """Two batch norms with a layer between them, a frozen one, and dropout."""
    with strategy.scope():
        clip = keras.Input((4,))
        x = keras.layers.BatchNormalization(name="first")(clip)
        x = keras.layers.Dense(2, name="dense")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name="second")(x)
        x = keras.layers.BatchNormalization(name="frozen", trainable=False)(x)
        model = keras.Model(clip, keras.layers.Dropout(0.5, name="dropout")(x))
    return model


def the_rest_of(model) -> dict[str, list]:
    """All weights but the statistics to recompute."""
    recomputed = ("first/moving", "second/moving")
    return {
        v.path: v.numpy().tolist() for v in model.variables if not v.path.startswith(recomputed)
    }


def batches_for(strategy):
    """The batches of clips and labels, divided over the devices."""
    count = strategy.num_replicas_in_sync
    for clips in CLIPS:
        parts = clips.reshape(count, -1, 4)
        yield (
            strategy.experimental_distribute_values_from_function(
                lambda context, parts=parts: tf.constant(parts[context.replica_id_in_sync_group])
            ),
            tf.zeros(8),
        )


@pytest.mark.parametrize("devices", ["cpu", "cpu:2"])
def test_the_statistics_are_those_of_everything_in_the_batches(devices):
    strategy = strategy_for(devices)
    model = model_of(strategy)
    before = the_rest_of(model)
    kernel, bias = model.get_layer("dense").get_weights()
    told = PreciseStatistics(model, strategy).recompute(batches_for(strategy), Notice())
    assert not told
    normalized = [(c - c.mean(0)) / np.sqrt(c.var(0) + 1e-3) for c in CLIPS]
    seen = {"first": CLIPS, "second": normalized @ kernel + bias}
    for name, values in seen.items():
        everything = np.reshape(values, (24, -1))
        norm = model.get_layer(name)
        np.testing.assert_allclose(norm.moving_mean, everything.mean(0), atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance, everything.var(0), rtol=1e-4)
    assert model.get_layer("second").momentum == 0.9
    assert the_rest_of(model) == before


def test_each_replica_keeps_its_dropout_masks():
    strategy = strategy_for("cpu:2")
    model = model_of(strategy)
    own_masks(model, strategy)
    (seed,) = [v.value for v in model.variables if v.name == "seed_generator_state"]
    before = [value.numpy().tolist() for value in strategy.experimental_local_results(seed)]
    assert before[0] != before[1]
    PreciseStatistics(model, strategy).recompute(batches_for(strategy), Notice())
    after = [value.numpy().tolist() for value in strategy.experimental_local_results(seed)]
    assert after == before


def test_a_notice_to_stop_is_heard_between_batches():
    notice = Notice()
    notice.came = True
    strategy = strategy_for("cpu")
    batches = batches_for(strategy)
    assert PreciseStatistics(model_of(strategy), strategy).recompute(batches, notice)
    assert len(list(batches)) == 2


def test_a_model_whose_batch_norms_are_frozen_is_refused():
    model = model_of(tf.distribute.get_strategy())
    model.trainable = False
    with pytest.raises(ValueError, match=r"--precise-bn requires batch norms that are trained"):
        trained_norms(model)


def test_the_validated_and_saved_model_has_the_statistics(config, change, monkeypatch):
    """Those of the averaged weights, since the averages are validated and saved."""
    validated = []

    def recompute(self, batches, notice) -> bool:
        assert len(list(batches)) == 3
        self.norms[0].moving_mean.assign(keras.ops.full_like(self.norms[0].moving_mean, 7.0))
        return False

    def validate(self, *_):
        with self.averages.in_the_model():
            validated.append(np.unique(self.statistics.norms[0].moving_mean).tolist())
        return {"val_top1": 0.5}

    monkeypatch.setattr(Loop, "train_epoch", lambda *_: {"loss": 1.0})
    monkeypatch.setattr(PreciseStatistics, "recompute", recompute)
    monkeypatch.setattr(Loop, "validate", validate)
    run = train(change(config, model="tsn", epochs=1, ema=0.9, precise_bn=3))
    assert validated == [[7.0]]
    for which in ("model", "best"):
        norm = trained_norms(run.load_model(which))[0]
        np.testing.assert_array_equal(norm.moving_mean, 7.0)
