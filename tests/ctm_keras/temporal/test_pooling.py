"""Temporal pooling against plain loops, in every precision; its places and its errors."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.temporal.pooling import TemporalPooling


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def plain_pool(x, mode, stride):
    """PyTorch's layer of size 3 and padding 1: -inf or zeros beyond the clip."""
    frames = x.shape[1]
    beyond = np.full_like(x[:, :1], -np.inf if mode == "max" else 0)
    padded = np.concatenate([beyond, x, beyond], axis=1)
    windows = [padded[:, t : t + 3] for t in range(0, frames, stride)]
    return np.stack([w.max(1) if mode == "max" else w.mean(1) for w in windows], axis=1)


@pytest.mark.parametrize("mode", ["max", "avg"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7, 8])
def test_frames_are_pooled_as_defined(frames, stride, mode):
    x = random(2, frames, 3, 2, 4) - 2  # where zeros would show in the maximum
    layer = TemporalPooling(mode, stride)
    pooled = np.array(layer(x))
    np.testing.assert_allclose(pooled, plain_pool(x, mode, stride), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == pooled.shape


@pytest.mark.parametrize("frames", [2, 5, 8])
@pytest.mark.parametrize("stride", [1, 2])
def test_two_frames_are_pooled_with_the_next(frames, stride):
    x = random(2, frames, 3, 2, 4) - 2
    beyond = np.concatenate([x, x[:, -1:]], axis=1)  # the last has no next
    pairs = np.maximum(beyond[:, :-1], beyond[:, 1:])
    layer = TemporalPooling(stride=stride, size=2)
    assert np.array_equal(layer(x), pairs[:, ::stride])
    assert layer.compute_output_shape(x.shape)[1] == len(range(0, frames, stride))
    whole = TemporalPooling(stride=stride, size=2, whole=True)
    assert np.array_equal(whole(x), pairs[:, : frames - 1 : stride])
    assert whole.compute_output_shape(x.shape)[1] == len(range(0, frames - 1, stride))


def test_clips_too_short_for_a_whole_window_are_refused():
    with pytest.raises(ValueError, match=r"must have at least 3 frames, received 2"):
        TemporalPooling(size=3, whole=True)(random(1, 2, 3, 2, 4))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("mode", ["max", "avg"])
def test_half_precision(mode, dtype):
    x = random(2, 5, 3, 2, 4)
    pooled = TemporalPooling(mode, dtype=dtype)(x)
    assert keras.backend.standardize_dtype(pooled.dtype) == dtype
    expected = plain_pool(x, mode, 2)
    np.testing.assert_allclose(keras.ops.cast(pooled, "float32"), expected, atol=0.05)


@pytest.mark.parametrize(
    ("backbone", "places"),
    [
        ("tiny", ["conv2_block1", "conv3_block1", "conv4_block4"]),
        ("tv_resnet18", ["conv2_block2", "conv3_block2", "conv4_block2"]),
        pytest.param(
            "resnet50", ["conv2_block3", "conv3_block4", "conv4_block6"], marks=pytest.mark.long
        ),
        pytest.param(
            "inception_v1", ["conv3", "inception3b", "inception4e"], marks=pytest.mark.long
        ),
    ],
)
def test_it_follows_stages_two_three_and_four(backbone, places):
    model = ctm_keras.build_video_model(
        "tsn", backbone, 3, num_frames=8, image_size=64, weights=None, temporal_pooling=True
    )
    pools = [layer for layer in model.layers if isinstance(layer, TemporalPooling)]
    assert [layer.name for layer in pools] == [f"{place}_temporal_pool" for place in places]
    assert [(pool.mode, pool.output.shape[1]) for pool in pools] == [("max", n) for n in (4, 2, 1)]
    assert model.get_layer("scores_unfold").output.shape[1] == 1


@pytest.mark.parametrize(("frames", "left"), [(1, 1), (3, 1), (4, 1), (9, 2), (12, 2), (20, 3)])
def test_numbers_of_frames_are_rounded_up(frames, left):
    model = ctm_keras.build_video_model(
        "tsn", "tiny", 3, num_frames=frames, image_size=32, weights=None, temporal_pooling=True
    )
    assert model.get_layer("scores_unfold").output.shape[1] == left


@pytest.mark.parametrize("method", ["tam", "tsm"])
def test_it_comes_after_the_methods_own_layers(method):
    model = ctm_keras.build_video_model(
        method, "tiny", 3, num_frames=8, image_size=32, weights=None, temporal_pooling=True
    )
    frames = [model.get_layer(f"conv4_block{i}_{method}").input.shape[1] for i in range(1, 5)]
    assert frames == [2, 2, 2, 2]
    assert model.get_layer(f"conv3_block1_{method}").input.shape[1] == 4


def test_wrong_mode():
    with pytest.raises(ValueError, match=r"mode must be one of max, avg, received 'min'"):
        TemporalPooling("min")


@pytest.mark.parametrize("stride", [0, 1.5, "2"])
def test_wrong_stride(stride):
    with pytest.raises(ValueError, match=r"stride must be an integer of at least 1, received"):
        TemporalPooling(stride=stride)
