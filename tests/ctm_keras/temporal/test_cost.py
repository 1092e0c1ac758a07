"""CoST against plain loops over the paper's equations, its places, its options and its errors."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.engine.graft import Site
from ctm_keras.temporal._c2d import every_second
from ctm_keras.temporal.cost import CoST
from ctm_keras.temporal.inflate import InflatedConv
from ctm_keras.temporal.pooling import TemporalPooling

# By how much a tap of the kernel moves in (t, h, w).
STEPS = {
    "hw": lambda a, b: (0, a, b),
    "tw": lambda a, b: (a, 0, b),
    "th": lambda a, b: (a, b, 0),
}


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def scrambled(layer, x):
    """The layer, built, with random weights."""
    layer(x)
    for seed, weight in enumerate(layer.weights):
        weight.assign(random(*weight.shape, seed=seed))
    return layer


def plain_view(x, kernel, view, strides, before, image):
    """Equation 1: a 2-D convolution of one view; `before`: zeros above and left of the clip."""
    batch, frames, *inside, _ = x.shape
    reach = len(kernel) // 2
    y = np.zeros((batch, frames, *image, kernel.shape[-1]))
    for t, i, j in np.ndindex(frames, *image):
        center = np.array([t, strides * i - before + reach, strides * j - before + reach])
        for a, b in np.ndindex(kernel.shape[:2]):
            at = center + STEPS[view](a - reach, b - reach)
            if (at >= 0).all() and (at < (frames, *inside)).all():
                y[:, t, i, j] += x[:, *at] @ kernel[a, b]
    return y


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def plain_cost(layer, x, before, image):
    """Equations 2 and 3."""
    kernels = [np.array(kernel) for kernel in layer.kernels] * (3 if layer.share_weights else 1)
    views = [
        plain_view(x, kernel, view, layer.strides, before, image)
        for view, kernel in zip(STEPS, kernels, strict=True)
    ]
    if layer.kind == "a":
        weights = softmax(np.array(layer.alpha).T)[None]
    else:
        pooled = [view.max((1, 2, 3)) @ np.array(layer.channels_fc.kernel) for view in views]
        weights = softmax(np.stack(pooled, axis=-1) @ np.array(layer.views_fc.kernel))
    return sum(view * weights[:, None, None, None, :, i] for i, view in enumerate(views))


@pytest.mark.parametrize("kind", ["a", "b"])
@pytest.mark.parametrize("share_weights", [True, False])
def test_it_is_equations_1_to_3(kind, share_weights):
    x = random(2, 4, 3, 5, 2)
    layer = scrambled(CoST(3, kind=kind, share_weights=share_weights, use_bias=True), x)
    expected = plain_cost(layer, x, 1, (3, 5)) + np.array(layer.bias)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)
    assert len(layer.kernels) == (1 if share_weights else 3)


@pytest.mark.parametrize(
    ("padding", "size", "before", "image"),
    [("same", 6, 0, 3), ("same", 5, 1, 3), ("valid", 8, 0, 3), ("valid", 7, 0, 3)],
)
@pytest.mark.parametrize("kind", ["a", "b"])
def test_all_views_stride_where_the_image_convolution_does(padding, size, before, image, kind):
    x = random(2, 3, size, size, 2)
    layer = scrambled(CoST(3, kind=kind, strides=2, padding=padding), x)
    expected = plain_cost(layer, x, before, (image, image))
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)
    assert layer.compute_output_shape(x.shape) == expected.shape


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [3, 5])
def test_with_the_first_view_alone_it_is_the_image_convolution(strides, padding, size):
    x = random(1, 2, 8, 9, 3)
    options = {"strides": strides, "padding": padding, "use_bias": True, "activation": "relu"}
    conv = keras.layers.Conv2D(4, size, bias_initializer="normal", **options)
    frames = conv(x[0])
    layer = CoST(4, size, "a", **options)
    layer(x)
    layer.adopt(conv)
    layer.alpha.assign(np.array([[50.0]] + [[0.0]] * 2) * np.ones((1, 4)))
    np.testing.assert_allclose(layer(x)[0], frames, rtol=1e-5, atol=1e-5)


def test_at_the_start_space_outweighs_time_or_all_weigh_alike():
    x = random(2, 3, 4, 4, 8)
    fixed, predicted = CoST(8, kind="a"), CoST(8, kind="b")
    expected = np.exp([0.7, -0.7, -0.7]) / np.exp([0.7, -0.7, -0.7]).sum()
    fixed(x), predicted(x)
    np.testing.assert_allclose(
        fixed.coefficients(x), np.tile(expected[:, None], (1, 1, 8)), atol=1e-6
    )
    np.testing.assert_allclose(predicted.coefficients(x), np.full((2, 3, 8), 1 / 3), atol=0.01)
    for fc in (predicted.channels_fc, predicted.views_fc):
        assert 0 < np.std(fc.kernel) < 0.02
        assert not fc.use_bias


def video_model(method="cost", backbone="tiny", **options):
    return ctm_keras.build_video_model(
        method, backbone, 4, num_frames=4, image_size=32, weights=None, **options
    )


def cost_layers(model):
    return [layer for layer in model.layers if isinstance(layer, CoST)]


@pytest.mark.parametrize(
    ("lengths", "pattern"),
    [
        ((3, 4, 6, 3), "010 1010 101010 101"),
        ((3, 4, 23, 3), "010 1010 10101010101010101010101 010"),
    ],
)
def test_every_second_block_as_in_the_official_configurations(lengths, pattern):
    sites = [
        Site("middle", None, f"conv{stage}_block{i}", stage, i)
        for stage, length in enumerate(lengths, start=2)
        for i in range(1, length + 1)
        for _ in range(2)
    ]
    chosen = {site.block for site in every_second(sites)}
    blocks = dict.fromkeys(site.block for site in sites)
    found = "".join("01"[block in chosen] for block in blocks)
    assert found == pattern.replace(" ", "")


def test_it_replaces_the_first_convolution_of_basic_blocks():
    names = [layer.name for layer in cost_layers(video_model())]
    assert names == ["conv3_block1_1_conv", "conv4_block2_1_conv", "conv4_block4_1_conv"]


@pytest.mark.parametrize("share_weights", [True, pytest.param(False, marks=pytest.mark.long)])
def test_the_kernels_of_a_tsn_file_are_adopted(share_weights, tmp_path):
    tsn = ctm_keras.build_video_model("tsn", "tiny", 4, image_size=32, weights=None)
    tsn.save(tmp_path / "tsn.keras")
    model = video_model(share_weights=share_weights)
    report = ctm_keras.load_weights(model, tmp_path / "tsn.keras")
    assert "conv4_block2_1_conv" in report.adopted
    assert report.new == report.unused == ()
    for layer in cost_layers(model):
        for kernel in layer.kernels:
            np.testing.assert_array_equal(kernel, tsn.get_layer(layer.name).kernel)


@pytest.mark.long
def test_a_cost_file_is_read_as_it_is(tmp_path, make_clips):
    model = video_model(kind="a")
    model.save(tmp_path / "cost.keras")
    again = video_model(kind="a")
    ctm_keras.load_weights(again, tmp_path / "cost.keras")
    clips = make_clips(1, 4, 32)
    np.testing.assert_array_equal(again(clips), model(clips))


@pytest.fixture
def predicting(scramble):
    """A CoST(b) model whose coefficients differ between clips and views."""
    model = scramble(video_model())
    for layer in cost_layers(model):
        layer.channels_fc.kernel.assign(random(*layer.channels_fc.kernel.shape))
        layer.views_fc.kernel.assign(random(3, 3, seed=1))
    return model


def test_the_importance_of_views_is_the_mean_of_the_coefficients(make_clips, predicting):
    model = predicting
    clips = make_clips(9, 4, 32)
    found = ctm_keras.view_importance(model, clips)
    assert list(found) == [layer.name for layer in cost_layers(model)]
    layer = cost_layers(model)[1]
    inputs = keras.Model(model.input, layer.input)(clips.astype("float32"))
    expected = np.array(layer.coefficients(inputs)).mean((0, 2))
    np.testing.assert_allclose(found[layer.name], expected, rtol=1e-4)
    np.testing.assert_allclose([sum(row) for row in found.values()], 1, rtol=1e-5)
    assert np.ptp(found[layer.name]) > 1e-3


def test_the_importance_is_a_mean_over_clips_however_they_come(make_clips, predicting):
    model = predicting
    clips = make_clips(5, 4, 32)
    expected = ctm_keras.view_importance(model, clips)
    labeled = [(clips[:3], [0] * 3), (clips[3:], [0] * 2)]
    for data in (iter([clips[:4], clips[4:]]), labeled):
        found = ctm_keras.view_importance(model, data)
        for name, row in expected.items():
            np.testing.assert_allclose(found[name], row, rtol=1e-4)


def test_the_importance_of_a_class_is_the_mean_over_its_clips(make_clips, predicting):
    clips, labels = make_clips(5, 4, 32), np.array([2, 0, 2, 2, 0])
    batches = [(clips[:2], labels[:2]), (clips[2:], labels[2:])]
    found = ctm_keras.view_importance(predicting, batches, by_class=True)
    for label in (0, 2):
        expected = ctm_keras.view_importance(predicting, clips[labels == label])
        for name, row in expected.items():
            np.testing.assert_allclose(found[name][label], row, rtol=1e-4)
    assert all(rows.shape == (4, 3) and np.isnan(rows[[1, 3]]).all() for rows in found.values())


def test_classes_without_labels_and_of_cost_a_are_refused(make_clips, predicting):
    with pytest.raises(ValueError, match="batches of clips and labels"):
        ctm_keras.view_importance(predicting, make_clips(2, 4, 32), by_class=True)
    with pytest.raises(ValueError, match="the same for all classes"):
        ctm_keras.view_importance(video_model(kind="a"), by_class=True)


def test_learned_coefficients_need_no_data():
    model = video_model(kind="a")
    alpha = cost_layers(model)[0].alpha
    alpha.assign(np.zeros(alpha.shape))
    first, second, _ = ctm_keras.view_importance(model).values()
    np.testing.assert_allclose(first, [1 / 3] * 3, rtol=1e-5)
    np.testing.assert_allclose(second, [0.67, 0.165, 0.165], atol=1e-3)


def test_importance_without_cost_layers_is_refused():
    model = ctm_keras.build_video_model("tsn", "tiny", 4, image_size=32, weights=None)
    with pytest.raises(ValueError, match="tsn_tiny has no CoST layers"):
        ctm_keras.view_importance(model)


@pytest.mark.parametrize(("data", "message"), [(None, "must be clips"), ([], "at least one clip")])
def test_importance_of_predicted_coefficients_needs_clips(data, message):
    with pytest.raises(ValueError, match=message):
        ctm_keras.view_importance(video_model(), data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "c"}, "kind must be one of a, b, received 'c'"),
        ({"padding": "causal"}, "padding must be one of same, valid, received 'causal'"),
        ({"kernel_size": 2}, "kernel_size must be odd, received 2"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        CoST(8, **options)


@pytest.mark.parametrize(
    ("backbone", "reason"),
    [
        pytest.param(
            "mobilenetv2",
            "block_1_depthwise of mobilenetv2, which is a 3 x 3 DepthwiseConv2D",
            marks=pytest.mark.long,
        ),
        ("mobilenet", "conv_pw_2 of mobilenet, which is a 1 x 1 Conv2D"),
    ],
)
def test_backbones_without_ordinary_square_kernels_are_refused(backbone, reason):
    with pytest.raises(ValueError, match=reason):
        video_model("cost", backbone)


def poolings(model):
    """The layers that pool frames, with how many frames they read and give."""
    return {
        layer.name: (layer.size, layer.stride, layer.output.shape[1])
        for layer in model.layers
        if isinstance(layer, TemporalPooling)
    }


POOLED = {"pool1_pool_temporal_pool": (3, 1, 4), "conv2_block3_temporal_pool": (3, 2, 2)}


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize("method", [pytest.param("c3d", marks=pytest.mark.long), "cost"])
def test_by_default_frames_are_pooled_as_in_the_paper(method):
    assert poolings(video_model(method, "resnet50")) == POOLED


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize(
    "method",
    ["c2d", *(pytest.param(method, marks=pytest.mark.long) for method in ("c3d", "cost"))],
)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, POOLED, marks=pytest.mark.long),
        ({"pooling": "code"}, {"conv2_block3_temporal_pool": (2, 2, 2)}),
        (
            {"pooling": "code32"},
            {"pool1_pool_temporal_pool": (2, 2, 1), "conv2_block3_temporal_pool": (2, 2, 1)},
        ),
        pytest.param({"pooling": None}, {}, marks=pytest.mark.long),
        (
            {"temporal_pooling": True},
            {
                "conv2_block3_temporal_pool": (3, 2, 2),
                "conv3_block4_temporal_pool": (3, 2, 1),
                "conv4_block6_temporal_pool": (3, 2, 1),
            },
        ),
    ],
)
def test_frames_are_pooled_where_the_paper_or_its_code_does(method, options, expected):
    assert poolings(video_model(method, "resnet50", **options)) == expected


def test_without_a_stem_pooling_frames_are_pooled_once():
    assert poolings(video_model("c2d")) == {"conv2_block1_temporal_pool": (3, 2, 2)}


@pytest.mark.usefixtures("no_random_start")
def test_the_stem_pooling_of_the_paper_is_a_maximum_over_3_x_3_x_3():
    x = random(1, 4, 9, 9, 2)
    model = video_model("c2d", "resnet50")
    spatial, temporal = (model.get_layer(f"pool1_pool{end}") for end in ("", "_temporal_pool"))
    found = temporal(np.array(spatial(x[0]))[None])
    for t, i, j in np.ndindex(4, 4, 4):
        window = x[:, max(0, t - 1) : t + 2, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        np.testing.assert_array_equal(found[:, t, i, j], window.max((1, 2, 3)))


def test_an_unknown_pooling_is_named():
    with pytest.raises(ValueError, match="one of paper, code, code32, None, received 'max'"):
        video_model("c2d", pooling="max")


@pytest.mark.usefixtures("no_random_start")
def test_c3d_reaches_over_frames_in_the_first_convolution_of_every_second_block():
    model = video_model("c3d", "resnet50", time_padding="zero")
    found = {x.name: x for x in model.layers if isinstance(x, InflatedConv)}
    assert list(found) == [
        "conv2_block2_1_conv",
        "conv3_block1_1_conv",
        "conv3_block3_1_conv",
        "conv4_block1_1_conv",
        "conv4_block3_1_conv",
        "conv4_block5_1_conv",
        "conv5_block1_1_conv",
        "conv5_block3_1_conv",
    ]
    assert {layer.kernel_size for layer in found.values()} == {(3, 1, 1)}
    assert {layer.time_padding for layer in found.values()} == {"zero"}
    assert found["conv3_block1_1_conv"].strides == (1, 2, 2)


def test_the_first_convolution_of_a_basic_block_becomes_3_x_3_x_3():
    layers = [x for x in video_model("c3d").layers if isinstance(x, InflatedConv)]
    assert [layer.kernel_size for layer in layers] == [(3, 3, 3)] * 3


@pytest.mark.long
@pytest.mark.usefixtures("no_random_start")
def test_c3d_refuses_blocks_that_do_not_begin_with_a_convolution():
    with pytest.raises(ValueError, match=r"conv2_block2_0_bn of .*, a BatchNormalization"):
        video_model("c3d", "densenet121")


def test_for_32_frames_the_stem_reaches_over_five_and_halves_them():
    stem = video_model("cost", pooling="code32").get_layer("conv1_conv")
    assert (stem.kernel_size, stem.strides) == ((5, 7, 7), (2, 4, 4))
    assert stem.output.shape[1] == 2
