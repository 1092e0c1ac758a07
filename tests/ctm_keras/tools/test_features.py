"""Features: what the classifier reads, averaged over frames."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.engine.head import AverageScores
from ctm_keras.temporal import slowfast

CASES = {
    "tsn": ("tsn", "tiny", {}),
    "ctm on features": ("ctm", "tiny", {"stages": "head"}),
    "pooled frames": ("tam", "tiny", {"temporal_pooling": True}),
    "slowfast": ("slowfast", "resnet50", {"num_frames": 8, "image_size": 32}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_logits_are_linear_in_the_features(case, make_clips, scramble, monkeypatch):
    monkeypatch.setitem(slowfast.DEPTHS, "resnet50", (1, 1, 1, 1))
    method, backbone, options = CASES[case]
    options = {"num_frames": 4, "image_size": 32, **options}
    model = scramble(ctm_keras.build_video_model(method, backbone, 5, weights=None, **options))
    features = ctm_keras.feature_model(model)
    clips = make_clips(3, options["num_frames"], options["image_size"])
    vectors = np.array(features(clips))
    assert vectors.shape == (3, 2304 if case == "slowfast" else 64)
    kernel, bias = map(np.array, model.get_layer("scores").weights)
    np.testing.assert_allclose(
        vectors @ kernel + bias, np.array(model(clips)), rtol=1e-3, atol=1e-4
    )
    assert {id(weight) for weight in features.weights} <= {id(weight) for weight in model.weights}


def test_they_are_the_mean_of_the_last_maps_of_all_frames(make_clips, scramble):
    options = {"num_frames": 4, "image_size": 32, "weights": None}
    model, clips = (
        scramble(ctm_keras.build_video_model("tsm", "tiny", 3, **options)),
        make_clips(2, 4, 32),
    )
    maps = np.array(keras.Model(model.input, model.get_layer("head_pool").input)(clips))
    expected = maps.reshape(2, -1, maps.shape[-1]).mean(axis=1)
    for own in (model, ctm_keras.deployable(model)):
        found = ctm_keras.feature_model(own)(clips)
        np.testing.assert_allclose(np.array(found), expected, rtol=1e-4, atol=1e-5)


def test_half_precision_is_averaged_in_float32(make_clips):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = ctm_keras.build_video_model("tsn", "tiny", 3, 4, image_size=32, weights=None)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("head_pool").output.dtype == "float16"
    assert ctm_keras.feature_model(model).output.dtype == "float32"


def test_another_model_is_refused():
    clip = keras.Input((4, 32, 32, 3))
    other = keras.Model(clip, AverageScores()(keras.layers.Reshape((4, 3072))(clip)))
    with pytest.raises(ValueError, match="must be a video model of ctm_keras, received"):
        ctm_keras.feature_model(other)
