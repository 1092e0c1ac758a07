"""A trained model for clips of another size: the same layers and weights."""

import numpy as np
import pytest

import ctm_keras
from training.evaluate.resize_model import fit_model


def build(method, image_size=32, num_frames=4, **options):
    return ctm_keras.build_video_model(
        method, "tiny", 3, num_frames, image_size, weights=None, **options
    )


def clips(frames, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (2, frames, size, size, 3), np.uint8)


def test_a_model_that_fits_is_unchanged():
    model = build("tsm")
    assert fit_model(model, 4, 32) is model


@pytest.mark.parametrize("method", ["tsm", "nonlocal"])
def test_a_resized_model_equals_one_built_at_that_size(method):
    model = build(method)
    built = build(method, image_size=48)
    built.set_weights(model.get_weights())
    fitted = fit_model(model, 4, 48)
    clip = clips(4, 48)
    np.testing.assert_array_equal(fitted.predict_on_batch(clip), built.predict_on_batch(clip))
    assert fitted.input_shape == (None, 4, 48, 48, 3)


def test_class_names_stay_in_the_model():
    model = ctm_keras.build_video_model(
        "tsn", "tiny", class_names=["a", "b"], num_frames=4, image_size=32, weights=None
    )
    assert ctm_keras.class_names(fit_model(model, 4, 48)) == ["a", "b"]


def test_kernels_for_positions_cannot_be_resized():
    assert fit_model(build("ctm"), 4, 64) is None


def test_tsn_scores_25_frames_each_alone():
    model = build("tsn")
    clip = clips(25, 32)
    alone = [model.predict_on_batch(np.repeat(clip[:, i : i + 1], 4, axis=1)) for i in range(25)]
    together = fit_model(model, 25, 32).predict_on_batch(clip)
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"method": "tsm"}, {"method": "tsn", "temporal_pooling": True}]
)
def test_a_model_that_mixes_frames_keeps_their_number(options):
    with pytest.raises(ValueError, match=r"clips must have 4 frames, .* received 25"):
        fit_model(build(**options), 25, 32)
