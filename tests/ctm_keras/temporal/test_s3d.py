"""S3D: units over time against plain loops, their sites, and the widths of R(2+1)D."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.assembly import image_anatomy
from ctm_keras.temporal.s3d import R2Plus1D, TemporalUnit, s3d


def norm(x, bn):
    """A batch norm with its statistics."""
    gamma, beta, mean, variance = bn.get_weights()
    return gamma * (x - mean) / np.sqrt(variance + bn.epsilon) + beta


def over_time(x, kernel, stride):
    """A 3 x 1 x 1 convolution of one clip with zeros beyond it, in plain loops."""
    x = np.pad(x, [(1, 1), (0, 0), (0, 0), (0, 0)])
    rows = range(0, len(x) - 2, stride)
    return np.array([sum(x[t + i] @ kernel[i] for i in range(3)) for t in rows])


def scrambled(layer, shape, seed=0):
    """A built layer with weights away from their start."""
    layer.build(shape)
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.uniform(0.2, 1.0, w.shape) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("relu_first", [False, True])
def test_a_unit_in_plain_loops(stride, depthwise, relu_first):
    clip = np.random.default_rng(1).normal(size=(1, 5, 2, 2, 4)).astype("float32")
    layer = scrambled(TemporalUnit(stride, depthwise, relu_first), clip.shape)
    kernel = np.array(layer.conv.kernel)[:, 0]
    kernel = np.stack([np.diag(k[:, 0]) for k in kernel]) if depthwise else kernel
    before = np.maximum(clip[0], 0) if relu_first else clip[0]
    expected = norm(over_time(before, kernel, stride), layer.bn)
    expected = expected if relu_first else np.maximum(expected, 0)
    np.testing.assert_allclose(layer(clip)[0], expected, atol=1e-4)
    assert layer.compute_output_shape(clip.shape) == layer(clip).shape


@pytest.mark.parametrize("stride", [1, 2])
def test_a_factorized_convolution_is_its_parts(stride):
    clip = np.random.default_rng(1).normal(size=(1, 4, 6, 6, 3)).astype("float32")
    layer = scrambled(R2Plus1D(5, (3, 3), (stride, 2, 2)), clip.shape)
    inside = np.maximum(norm(np.array(layer.spatial(clip[0])), layer.bn), 0)
    expected = over_time(inside, np.array(layer.conv.kernel)[:, 0], stride)
    np.testing.assert_allclose(layer(clip)[0], expected, rtol=1e-4)


def test_r2plus1d_has_as_many_weights_as_3d():
    layer = R2Plus1D(64, (3, 3))
    layer.build((None, 8, 14, 14, 64))
    kernels = layer.spatial.count_params() + layer.conv.count_params()
    assert layer.bn.gamma.shape == (144,)  # the paper's 3 * 9 * 64 * 64 / (9 * 64 + 3 * 64)
    assert kernels == 3 * 9 * 64 * 64


def test_a_factorized_convolution_takes_over_bias_and_activation():
    """VGG's have no batch norm and no activation layer after them."""
    grafts = s3d(image_anatomy("vgg16", 32, None), widths="r2plus1d")
    layer = grafts[1].layer
    assert layer.use_bias
    clip = np.random.default_rng(1).normal(size=(1, 4, 6, 6, 3)).astype("float32")
    output = np.array(layer(clip))
    assert output.min() == 0
    assert output.max() > 0
    copy = R2Plus1D.from_config(layer.get_config())
    assert copy.activation is layer.activation


def test_units_follow_each_k_x_k_convolution():
    grafts = s3d(image_anatomy("tv_resnet18", 64, None))
    assert [g.edit for g in grafts] == ["instead"] + ["after"] * 16
    first, second = grafts[1:3]
    assert first.site.operation.name == "conv2_block1_1_relu"
    assert second.site.operation.name == "conv2_block1_2_bn"
    assert (first.layer.relu_first, second.layer.relu_first) == (False, True)
    assert first.layer.name == "conv2_block1_1_temporal"


@pytest.mark.parametrize("widths", [pytest.param("same", marks=pytest.mark.long), "r2plus1d"])
def test_newly_initialized_layers_are_reported(widths, tmp_path):
    size = {"num_frames": 4, "image_size": 32}
    tsn = ctm_keras.build_video_model("tsn", "tiny", 5, weights=None, **size)
    tsn.save(tmp_path / "tsn.keras")
    model = ctm_keras.build_video_model(
        "s3d", "tiny", 5, weights=tmp_path / "tsn.keras", widths=widths, **size
    )
    report = ctm_keras.adoption_report(model)
    new = "conv2_block1_1_conv" if widths == "r2plus1d" else "conv2_block1_1_temporal"
    assert len(report.new) == 12
    assert new in report.new
    assert not set(report.new) & set(report.adopted)
    assert not report.unused
    kernel = keras.ops.convert_to_numpy(tsn.get_layer("conv1_conv").kernel)
    assert np.array_equal(model.get_layer("conv1_conv").kernel[1], kernel)


def test_the_start_is_that_of_the_reference():
    model = ctm_keras.build_video_model("s3d", "tv_resnet18", 5, 4, 32, weights=None)
    unit = model.get_layer("conv5_block2_2_temporal")
    kernel = np.array(unit.conv.kernel)
    assert kernel.std() == pytest.approx((2 / (3 * 512)) ** 0.5, rel=0.02)  # He, by fan-out
    assert np.array_equal(unit.bn.gamma, np.ones(512))


def test_options_are_checked():
    anatomy = image_anatomy("tiny", 32, None)
    with pytest.raises(ValueError, match="widths must be one of same, r2plus1d, received 'wide'"):
        s3d(anatomy, widths="wide")
    with pytest.raises(ValueError, match="widths must be 'same' with depthwise=True"):
        s3d(anatomy, depthwise=True, widths="r2plus1d")
    with pytest.raises(ValueError, match="stride must be an integer of at least 1, received 0"):
        TemporalUnit(0)
