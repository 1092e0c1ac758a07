"""TAM against plain loops over its definition, its places, its start and its errors."""

import numpy as np
import pytest

import ctm_keras
from ctm_keras.temporal.tam import TAM


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(x, **options):
    """A TAM with random weights."""
    layer = TAM(**options)
    layer(x)
    for seed, weight in enumerate(layer.weights):
        weight.assign(random(*weight.shape, seed=seed + 1))
    return layer


def plain_tam(x, weights, blending="sum"):
    """Frame by frame, with zeros beyond the clip."""
    frames, n = x.shape[1], len(weights)
    y = np.zeros_like(x)
    for t in range(frames):
        seen = np.zeros((n, *x[:, 0].shape))
        for i, weight in enumerate(weights):
            source = t + i - n // 2
            if 0 <= source < frames:
                seen[i] = x[:, source] * weight
        y[:, t] = np.maximum(seen.sum(0) if blending == "sum" else seen.max(0), 0)
    return y


@pytest.mark.parametrize("blending", ["sum", "max"])
@pytest.mark.parametrize("blending_frames", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_frames_are_blended_as_defined(frames, blending_frames, blending):
    x = random(2, frames, 3, 2, 6)
    layer = built(x, blending_frames=blending_frames, blending=blending)
    expected = plain_tam(x, [np.array(weight) for weight in layer.weights], blending)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)


def test_the_weights_start_with_variance_two_over_channels():
    layer = TAM()
    layer.build((None, 4, 2, 2, 5000))
    for weight in layer.weights:
        assert abs(np.std(weight.numpy()) - (2 / 5000) ** 0.5) < 0.05 * (2 / 5000) ** 0.5


def test_tam_adds_the_published_number_of_weights():
    # 39,360 = 3 times the channels before the 16 branches; with 87 classes 23,725,655 in all
    model = ctm_keras.build_video_model("tam", "tv_resnet50", 87, 8, 32, None)
    blocks = [layer for layer in model.layers if isinstance(layer, TAM)]
    assert len(blocks) == 16
    assert sum(block.count_params() for block in blocks) == 39_360
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == 23_725_655


def test_tam_precedes_residual_branches_and_not_the_shortcut():
    model = ctm_keras.build_video_model("tam", "tv_resnet18", 3, 4, 32, None)
    tam = model.get_layer("conv3_block1_tam")
    assert model.get_layer("conv3_block1_tam_fold").input is tam.output
    assert (
        model.get_layer("conv3_block1_0_conv").input is model.get_layer("conv2_block2_out").output
    )


@pytest.mark.parametrize("backbone", ["mobilenet", "inception_v1"])
def test_without_residual_branches_tam_follows_each_block(backbone):
    model = ctm_keras.build_video_model("tam", backbone, 3, 4, 64, None)
    blocks = [layer.name for layer in model.layers if isinstance(layer, TAM)]
    if backbone == "inception_v1":
        parts = [
            "conv1",
            "conv2",
            "conv3",
            *(f"inception{x}" for x in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]),
        ]
        assert blocks == [f"{part}_tam" for part in parts]
    else:
        assert blocks == [f"conv_pw_{i}_tam" for i in range(1, 14)]


def test_tam_refuses_branches_that_it_cannot_find():
    with pytest.raises(
        ValueError, match=r"no site 'residual_entry': its layer names do not identify"
    ):
        ctm_keras.build_video_model("tam", "convnexttiny", 3, 4, 32, None)


@pytest.mark.parametrize("count", [0, -1, 1.5, "3"])
def test_wrong_blending_frames(count):
    with pytest.raises(ValueError, match=r"blending_frames must be an integer of at least 1"):
        TAM(count)


def test_wrong_blending():
    with pytest.raises(ValueError, match=r"blending must be one of sum, max, received 'mean'"):
        TAM(blending="mean")
