"""The optimizer of a run: which layers learn more slowly, on several devices and in float16 too."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
from training.config.train import TrainConfig
from training.fit.optimizer import in_words, optimizer_of, rate_factors
from training.fit.step import Step
from training.fit.weight_averages import Averages
from training.machines.devices import strategy_for


@pytest.fixture(scope="module")
def video_model():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            keras.initializers.VarianceScaling,
            "__call__",
            lambda self, shape, dtype=None, **_: keras.ops.zeros(shape, dtype),
        )
        return ctm_keras.build_video_model("ctm", "tiny", 3, 2, 32, weights=None)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_layers_of_the_image_model_learn_more_slowly(video_model, optimizer):
    config = TrainConfig(optimizer=optimizer, backbone_rate=0.25)
    factors = optimizer_of(video_model, config, 1).rate_factors
    assert set(factors.values()) == {0.25}
    own = {v.path.partition("/")[0] for v in video_model.trainable_variables}
    image = {path.partition("/")[0] for path in factors}
    assert {"conv1_conv", "conv1_bn", "conv4_block4_2_conv"} <= image
    assert own - image == {"scores", *(name for name in own if name.endswith("_ctm"))}
    assert "layers of the image model at 0.25 times the learning rate" in in_words(config)
    assert rate_factors(video_model, 1.0) == {}


def test_the_plan_says_which_optimizer():
    assert in_words(TrainConfig()) == "SGD, momentum 0.9, weight decay 0.0001"
    assert in_words(TrainConfig(optimizer="adamw")) == "AdamW, weight decay 0.01"


def test_a_factor_without_trained_layers_is_refused(video_model):
    video_model.trainable = False
    with pytest.raises(ValueError, match=r"--backbone-rate requires layers .* Remove"):
        rate_factors(video_model, 0.1)
    video_model.trainable = True


@pytest.mark.parametrize("optimizer", [ctm_keras.SGD, ctm_keras.AdamW])
def test_factors_hold_on_two_devices_in_float16(optimizer):
    """Half the learning rate in the first layer moves it by half."""
    strategy = strategy_for("cpu:2")

    def moved(**options) -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        with strategy.scope():
            clip = keras.Input((4,))
            logits = keras.layers.Dense(3, name="last")(keras.layers.Dense(4, name="first")(clip))
            model = keras.Model(clip, logits)
            own = keras.optimizers.LossScaleOptimizer(optimizer(0.1, **options))
            model.compile(own, ctm_keras.SmoothedCrossentropy())
            own.build(model.trainable_variables)
        before = model.get_weights()
        batch = [
            strategy.experimental_distribute_values_from_function(lambda _, part=part: part)
            for part in (tf.constant(np.eye(4, dtype="float32")), tf.constant([0, 1, 2, 0]))
        ]
        Step(model, strategy, Averages(model, strategy, 0.0)).train([batch], stop=False)
        return [new - old for new, old in zip(model.get_weights(), before, strict=True)]

    whole, part = moved(), moved(rate_factors={"first/kernel": 0.5})
    assert np.abs(whole[0]).max() > 1e-3
    for i, factor in enumerate([0.5, 1.0, 1.0, 1.0]):
        np.testing.assert_allclose(part[i], factor * whole[i], rtol=1e-4, atol=1e-6)
