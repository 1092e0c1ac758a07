"""The plain aggregations: outputs, sites and errors."""

import numpy as np
import pytest

import ctm_keras
from ctm_keras.temporal.aggregation import FrameConv
from ctm_keras.temporal.pooling import TemporalPooling


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("size", [1, 3, 5])
def test_the_convolution_mixes_frames_and_channels(size):
    x = random(2, 4, 3, 2, 6)
    layer = FrameConv(size)
    layer(x)
    kernel = random(size, 1, 6, 6, seed=1)
    layer.set_weights([kernel])
    expected = np.zeros_like(x)
    for t, i in np.ndindex(4, size):
        if 0 <= t + i - size // 2 < 4:
            expected[:, t] += x[:, t + i - size // 2] @ kernel[i, 0]
    np.testing.assert_allclose(layer(x), np.maximum(expected, 0), rtol=1e-5, atol=1e-5)


def test_the_kernel_starts_with_variance_two_over_channels():
    layer = FrameConv()
    layer.build((None, 4, 2, 2, 100))
    assert abs(np.std(layer.conv.kernel.numpy()) - (2 / 100) ** 0.5) < 0.01


@pytest.mark.parametrize("method", ["conv", "avg", "max"])
def test_they_use_the_sites_of_tam(method):
    model = ctm_keras.build_video_model(method, "tv_resnet18", 3, 4, 32, None)
    kind = FrameConv if method == "conv" else TemporalPooling
    layers = [layer for layer in model.layers if isinstance(layer, kind)]
    blocks = [f"conv{stage}_block{i}" for stage in (2, 3, 4, 5) for i in (1, 2)]
    name = "aggregation" if method == "conv" else f"{method}_aggregation"
    assert [layer.name for layer in layers] == [f"{block}_{name}" for block in blocks]
    for layer in layers:
        assert model.get_layer(f"{layer.name}_fold").input is layer.output
        if method != "conv":
            assert (layer.mode, layer.stride) == (method, 1)


def test_average_and_maximum_have_no_weights():
    sizes = {
        method: ctm_keras.build_video_model(method, "tiny", 3, 4, 32, None).count_params()
        for method in ("tsn", "avg", "max")
    }
    assert len(set(sizes.values())) == 1


@pytest.mark.parametrize("size", [0, 2, 1.5, "3"])
def test_wrong_size(size):
    with pytest.raises(ValueError, match=r"size must be a positive odd number, received"):
        FrameConv(size)


def test_they_can_be_combined():
    model = ctm_keras.build_video_model("conv+avg+max", "tiny", 3, 4, 32, None)
    kinds = [type(x) for x in model.layers if isinstance(x, FrameConv | TemporalPooling)]
    assert kinds.count(FrameConv) == kinds.count(TemporalPooling) // 2 == 6
