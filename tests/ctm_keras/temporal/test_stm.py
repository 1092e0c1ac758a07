"""STM against plain loops over the paper's equations, its start, its options and its errors."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.temporal.stm import CMM, CSTM


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def scrambled(layer, *inputs):
    """The layer, built, with random weights and statistics."""
    layer(inputs[0] if len(inputs) == 1 else list(inputs))
    for seed, weight in enumerate(layer.weights):
        value = random(*weight.shape, seed=seed)
        weight.assign(np.abs(value) + 0.5 if "variance" in weight.path else value)
    return layer


def plain_cstm(x, kernel):
    """Equation 1: `G[c, t] = sum_i K[c, i] F[c, t + i]`."""
    y = np.zeros_like(x)
    frames = x.shape[1]
    for t in range(frames):
        for i in (-1, 0, 1):
            if 0 <= t + i < frames:
                y[:, t] += kernel[i + 1] * x[:, t + i]
    return y


def plain_motion(x, kernel):
    """Equation 2: `H[t] = sum_ij K[c, i, j] F[t + 1, c, h + i, w + j] - F[t]`, the last zero."""
    h = np.zeros_like(x)
    _, frames, height, width, _ = x.shape
    for t in range(frames - 1):
        for row, column in np.ndindex(height, width):
            for i, j in np.ndindex(3, 3):
                r, c = row + i - 1, column + j - 1
                if 0 <= r < height and 0 <= c < width:
                    h[:, t, row, column] += kernel[i, j] * x[:, t + 1, r, c]
        h[:, t] -= x[:, t]
    return h


def plain_cmm(x, layer):
    """What a CMM adds: 1 x 1 convolution, batch norm, equation 2, 1 x 1 convolution."""
    gamma, beta, mean, variance = map(np.array, layer.reduce_bn.weights)
    x = x @ np.array(layer.reduce.kernel)[0, 0]
    x = gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta
    motion = plain_motion(x, np.array(layer.motion_conv.kernel)[..., 0])
    return motion @ np.array(layer.restore.kernel)[0, 0]


def test_the_temporal_convolution_is_equation_1():
    x = random(2, 5, 3, 4, 6)
    layer = scrambled(CSTM(), x)
    (kernel,) = layer.weights
    np.testing.assert_allclose(layer(x), plain_cstm(x, np.array(kernel)), atol=1e-5)


def test_an_ordinary_temporal_convolution_mixes_channels():
    x = random(2, 5, 3, 4, 6)
    layer = scrambled(CSTM("ordinary"), x)
    (kernel,) = layer.weights
    expected = np.zeros_like(x)
    for t in range(5):
        for i in range(3):
            if 0 <= t + i - 1 < 5:
                expected[:, t] += x[:, t + i - 1] @ np.array(kernel)[i, 0]
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize("temporal_conv", ["channelwise", "ordinary"])
@pytest.mark.parametrize("channels", [8, 6])
def test_at_the_start_it_shifts_a_quarter_of_the_channels_each_way(temporal_conv, channels):
    x = random(1, 4, 2, 2, channels)
    y = np.array(CSTM(temporal_conv)(x))
    quarter = channels // 4
    before, after = slice(None, quarter), slice(channels - quarter, None)
    stays = slice(quarter, channels - quarter)
    np.testing.assert_array_equal(y[:, 1:, ..., before], x[:, :-1, ..., before])
    np.testing.assert_array_equal(y[..., stays], x[..., stays])
    np.testing.assert_array_equal(y[:, :-1, ..., after], x[:, 1:, ..., after])
    assert not y[:, 0, ..., before].any()
    assert not y[:, -1, ..., after].any()


def test_the_motion_is_equation_2():
    features, clip = random(2, 4, 5, 6, 3), random(2, 4, 5, 6, 32, seed=1)
    layer = scrambled(CMM(), features, clip)
    expected = features + plain_cmm(clip, layer)
    np.testing.assert_allclose(layer([features, clip]), expected, rtol=1e-4, atol=1e-4)


def test_the_motion_of_the_last_frame_is_zero():
    clip = random(1, 3, 4, 4, 32)
    layer = scrambled(CMM(), clip, clip)
    np.testing.assert_array_equal(layer([clip, clip])[:, -1], clip[:, -1])


def test_a_strided_block_pools_the_motion():
    features, clip = random(2, 3, 3, 2, 8), random(2, 3, 5, 4, 16, seed=1)
    layer = scrambled(CMM(strides=2), features, clip)
    motion = plain_cmm(clip, layer)
    pooled = [
        [motion[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] for j in (0, 1)] for i in range(3)
    ]
    pooled = np.stack([np.stack([p.max((2, 3)) for p in row], axis=2) for row in pooled], axis=2)
    np.testing.assert_allclose(layer([features, clip]), features + pooled, rtol=1e-4, atol=1e-4)


def test_concatenation_reduces_both_with_a_convolution():
    clip = random(2, 3, 4, 4, 16)
    layer = scrambled(CMM("concat"), clip, clip)
    both = np.concatenate([clip, plain_cmm(clip, layer)], axis=-1)
    expected = both @ np.array(layer.fuse.kernel)[0, 0]
    np.testing.assert_allclose(layer([clip, clip]), expected, rtol=1e-4, atol=1e-4)


def test_motion_starts_at_random_as_in_pytorch():
    clip = random(1, 2, 3, 3, 256)
    layer = CMM()
    layer([clip, clip])
    for kernel, inputs in (
        (layer.reduce.kernel, 256),
        (layer.motion_conv.kernel, 9),
        (layer.restore.kernel, 16),
    ):
        bound = inputs**-0.5
        assert 0.8 * bound < np.abs(kernel).max() <= bound
    assert [w.path.split("/")[-1] for w in layer.weights if "bias" in w.path] == []


def grafted(backbone="tiny", **options):
    """The layers of STM in a model, by name."""
    model = ctm_keras.build_video_model(
        "stm", backbone, 4, num_frames=2, image_size=32, weights=None, **options
    )
    layers = [layer for layer in model.layers if isinstance(layer, (CSTM, CMM))]
    return model, {layer.name: layer for layer in layers}


def read_by(layer):
    """The name of what a layer of the video model reads: its last call is the video model's."""
    return layer._inbound_nodes[-1].input_tensors[0]._keras_history.operation.name


@pytest.mark.usefixtures("no_random_start")
def test_every_block_of_a_resnet_has_both_modules():
    model, layers = grafted("resnet50")
    assert len(layers) == 32
    assert sum(isinstance(layer, CMM) for layer in layers.values()) == 16
    image = keras.applications.ResNet50(weights=None, include_top=False).count_params()
    squares = sum(n * c * c for n, c in ((3, 64), (4, 128), (6, 256), (3, 512)))
    widths = sum(n * c for n, c in ((3, 64), (4, 128), (6, 256), (3, 512)))
    added = 3 * widths + 2 * squares // 16 + (9 + 4) * widths // 16
    assert model.count_params() == image + added + 2048 * 4 + 4


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize(
    ("options", "millions"),
    [
        ({}, "24.0"),  # Table 9
        pytest.param({"modules": "cstm"}, "23.88", marks=pytest.mark.long),  # Table 8
        pytest.param(
            {"modules": "cstm", "temporal_conv": "ordinary"}, "27.64", marks=pytest.mark.long
        ),
    ],
)
def test_parameters_are_the_published_ones(options, millions):
    model = ctm_keras.build_video_model(
        "stm", "tv_resnet50", 174, num_frames=2, image_size=32, weights=None, **options
    )
    count = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    decimals = len(millions.split(".")[1])
    assert f"{count / 1e6:.{decimals}f}" == millions


@pytest.mark.usefixtures("no_random_start")
def test_cmm_reads_what_the_convolution_reads_without_cstm_and_padding():
    model, layers = grafted("resnet50v2")
    layer = layers["conv3_block4_cmm"]
    features, clip = layer.input
    assert layer.strides == 2
    assert (features.shape[2:4], clip.shape[2:4]) == ((2, 2), (4, 4))
    assert read_by(clip._keras_history.operation) == "conv3_block4_1_relu"
    assert read_by(model.get_layer("conv3_block4_2_pad")) == "conv3_block4_1_relu"
    assert read_by(model.get_layer("conv3_block4_2_conv")) == "conv3_block4_cstm_fold"


def test_in_basic_blocks_they_are_at_the_first_convolution():
    model, layers = grafted()
    assert sorted(layers) == sorted(
        f"conv{stage}_block{i}_{module}"
        for stage, i in [(2, 1), (3, 1), (4, 1), (4, 2), (4, 3), (4, 4)]
        for module in ("cstm", "cmm")
    )
    assert read_by(model.get_layer("conv4_block2_1_conv")) == "conv4_block2_cstm_fold"
    assert read_by(model.get_layer("conv4_block2_2_conv")) == "conv4_block2_cmm_fold"


@pytest.mark.parametrize(("modules", "kind"), [("cstm", CSTM), (("cmm",), CMM)])
def test_each_module_works_alone(modules, kind):
    _, layers = grafted(modules=modules)
    assert len(layers) == 6
    assert {type(layer) for layer in layers.values()} == {kind}


@pytest.mark.parametrize(
    ("options", "blocks"),
    [
        ({"stages": 4, "blocks": 1}, ["conv4_block3"]),
        ({"stages": 4, "blocks": (1,)}, ["conv4_block1"]),  # Table 7
        ({"stages": (4, 3), "blocks": 1}, ["conv3_block1", "conv4_block3"]),
        ({"stages": (4,), "blocks": (2, 4)}, ["conv4_block2", "conv4_block4"]),
        ({"stages": (4,), "blocks": 2}, ["conv4_block1", "conv4_block3"]),
        ({"blocks": 1}, ["conv2_block1", "conv3_block1", "conv4_block3"]),
    ],
)
def test_stages_and_blocks_are_those_asked_for(options, blocks):
    _, layers = grafted(**options)
    assert [name for name in layers if "cmm" in name] == [f"{block}_cmm" for block in blocks]


def test_fusion_and_temporal_convolution_reach_the_layers():
    _, layers = grafted(fusion="concat", temporal_conv="ordinary")
    assert layers["conv4_block1_cmm"].fusion == "concat"
    assert layers["conv4_block1_cstm"].kernel.shape == (3, 1, 32, 32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modules": ("cstm", "tsm")}, "modules must be one or both"),
        ({"modules": ()}, "modules must be one or both"),
        ({"modules": ("cmm", "cmm")}, "each once"),
        ({"fusion": "max"}, "fusion must be one of sum, concat, received 'max'"),
        ({"temporal_conv": "depthwise"}, "temporal_conv must be one of channelwise, ordinary"),
        ({"stages": (5,)}, "stage of a middle site .* received 5"),
        ({"stages": (4,), "blocks": 5}, "1 to 4 in stage 4"),
        ({"blocks": (2,)}, "1 to 1 in stage 2"),
        ({"blocks": ()}, "received \\(\\)"),
        ({"stages": ()}, "at least one stage"),
        ({"blocks": 0}, "received 0"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        grafted(**options)


@pytest.mark.parametrize("name", ["strides", "reduction"])
def test_a_cmm_checks_its_numbers(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, received 0"):
        CMM(**{name: 0})


@pytest.mark.long
@pytest.mark.usefixtures("no_random_start")
def test_backbones_without_a_main_convolution_are_refused():
    with pytest.raises(ValueError, match="inceptionv3 has no site 'middle'"):
        ctm_keras.build_video_model("stm", "inceptionv3", 4, image_size=75, weights=None)
