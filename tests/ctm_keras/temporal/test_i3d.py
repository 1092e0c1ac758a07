"""I3D: inflated convolutions against plain loops, their sites, and still clips."""

import numpy as np
import pytest
from keras import layers

import ctm_keras
from ctm_keras.assembly import image_anatomy
from ctm_keras.temporal.i3d import i3d
from ctm_keras.temporal.inflate import FrameStride, InflatedConv

LARGE = [pytest.param(name, marks=pytest.mark.long) for name in ("resnet50", "resnet50v2")]


def in_plain_loops(clip, kernel, strides, time_padding, bias):
    """A convolution of one clip, "same" in space with odd sizes, from its definition."""
    reach, margin = kernel.shape[0] // 2, kernel.shape[1] // 2
    mode = "edge" if time_padding == "replicate" else "constant"
    x = np.pad(clip, [(reach, reach), (0, 0), (0, 0), (0, 0)], mode)
    x = np.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
    frames, height, width = (range(0, n, s) for n, s in zip(clip.shape, strides, strict=False))
    t, h, w = kernel.shape[:3]
    return np.array(
        [
            [[np.einsum("thwc,thwcf->f", x[i:i + t, j:j + h, k:k + w], kernel) for k in width]
             for j in height]
            for i in frames
        ]
    ) + bias  # fmt: skip


@pytest.mark.parametrize("strides", [(1, 1, 1), (2, 1, 1), (2, 2, 2)])
@pytest.mark.parametrize("time_padding", ["replicate", "zero"])
def test_an_inflated_convolution_in_plain_loops(time_padding, strides):
    rng = np.random.default_rng(0)
    clip = rng.normal(size=(1, 5, 7, 7, 3)).astype("float32")
    layer = InflatedConv(4, (3, 3, 3), strides, time_padding=time_padding, use_bias=True)
    layer.build(clip.shape)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    kernel, bias = layer.get_weights()
    expected = in_plain_loops(clip[0], kernel, strides, time_padding, bias)
    np.testing.assert_allclose(layer(clip)[0], expected, atol=1e-4)
    assert layer.compute_output_shape(clip.shape) == (1, *expected.shape)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_space_is_padded_as_by_the_layer_that_it_replaces(padding, size):
    clip = np.random.default_rng(0).normal(size=(2, 3, size, size, 3)).astype("float32")
    conv = layers.Conv2D(5, 3, strides=2, padding=padding)
    images = np.array(conv(clip.reshape(-1, size, size, 3)))
    layer = InflatedConv(5, (1, 3, 3), (1, 2, 2), padding, use_bias=True)
    layer.build(clip.shape)
    layer.adopt(conv)
    np.testing.assert_allclose(layer(clip), images.reshape(2, 3, *images.shape[1:]), atol=1e-5)
    assert layer.compute_output_shape(clip.shape) == layer(clip).shape


@pytest.mark.parametrize(("inflation", "factor"), [("divide", 1 / 5), ("copy", 1.0)])
def test_a_kernel_is_inflated(inflation, factor):
    conv = layers.Conv2D(4, 3)
    conv.build((None, 8, 8, 3))
    layer = InflatedConv(4, (5, 3, 3), inflation=inflation)
    layer.build((None, 8, 8, 8, 3))
    layer.adopt(conv)
    for frame in np.array(layer.kernel):
        np.testing.assert_allclose(frame, np.array(conv.kernel) * factor, rtol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize(
    ("backbone", "pooled"),
    [
        ("tv_resnet18", True),
        ("inception_v1", False),
        ("inception_v1", True),
    ],
)
def test_a_still_clip_scores_as_the_image(backbone, pooled, make_clips, tmp_path):
    size = {"num_frames": 8, "image_size": 64}
    tsn = ctm_keras.build_video_model("tsn", backbone, 5, weights=None, **size)
    tsn.save(tmp_path / "tsn.keras")
    model = ctm_keras.build_video_model(
        "i3d", backbone, 5, weights=tmp_path / "tsn.keras", temporal_pooling=pooled, **size
    )
    still = np.repeat(make_clips(1, 1, 64), 8, axis=1)
    expected = np.array(tsn(still))
    np.testing.assert_allclose(model(still), expected, atol=1e-5 * np.abs(expected).max())
    report = ctm_keras.adoption_report(model)
    assert "conv1_conv" in report.adopted
    assert not report.new
    assert not report.unused


@pytest.mark.usefixtures("no_random_start")
def test_every_k_x_k_convolution_is_inflated():
    grafts = i3d(image_anatomy("tv_resnet50", 64, None))
    kernels = [graft.layer.kernel_size for graft in grafts]
    assert kernels == [(3, 7, 7)] + [(3, 3, 3)] * 16
    assert all(graft.edit == "instead" for graft in grafts)
    assert all(graft.layer.name == graft.site.operation.name for graft in grafts)
    inception = i3d(image_anatomy("inception_v1", 64, None))
    kernels = [g.layer.kernel_size for g in inception if isinstance(g.layer, InflatedConv)]
    assert kernels == [(7, 7, 7)] + [(3, 3, 3)] * 19


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize("backbone", ["tv_resnet18", *LARGE, "tiny"])
def test_strides_in_time_take_the_shortcut_along(backbone):
    grafts = i3d(image_anatomy(backbone, 64, None), temporal_pooling=True)
    strided = [g.site.block for g in grafts if getattr(g.layer, "strides", (1,))[0] == 2]
    shortcuts = [g.site.block for g in grafts if isinstance(g.layer, FrameStride)]
    assert (
        strided == shortcuts == [f"conv{k}_block1" for k in range(3, 4 + (backbone != "tiny") + 1)]
    )


def test_without_shortcuts_frames_are_pooled():
    grafts = i3d(image_anatomy("vgg16", 32, None), temporal_pooling=True)
    pooled = [g for g in grafts if type(g.layer).__name__ == "TemporalPooling"]
    assert [g.site.stage for g in pooled] == [2, 3, 4]


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize("recipe", ["i3d", pytest.param("s3d", marks=pytest.mark.long)])
def test_a_depthwise_convolution_is_not_inflated(recipe):
    options = {"widths": "r2plus1d"} if recipe == "s3d" else {}
    with pytest.raises(
        ValueError, match=r"an ordinary Conv2D, received .* mobilenetv2, a .*Depthwise"
    ):
        ctm_keras.build_video_model(
            recipe, "mobilenetv2", 3, image_size=64, weights=None, **options
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_padding": "wrap"}, "time_padding must be one of replicate, zero, received 'wrap'"),
        ({"inflation": "twice"}, "inflation must be one of divide, copy, received 'twice'"),
        ({"padding": "causal"}, "padding must be one of same, valid, received 'causal'"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        InflatedConv(4, (3, 3, 3), **options)


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel size must be odd, received 2"):
        InflatedConv(4, (2, 3, 3))


def test_pools_are_checked():
    with pytest.raises(ValueError, match="pools must be one of image, reference, received 'max'"):
        i3d(image_anatomy("inception_v1", 64, None), pools="max")
