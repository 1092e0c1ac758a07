"""Whole models: CTM begins as TSN, sizes by formula, what they accept and refuse."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.methods import default_frames
from ctm_keras.temporal import slowfast

RESNET50 = 23_587_712  # of keras.applications, without top
RESNET101 = 42_658_176


def block_size(channels, size, reduction):
    """Parameters of a CTM block by the paper's shapes: weights of both paths, batch norms."""
    inner = channels // reduction
    tccm = 2 * channels * inner + 9 * size * size
    temporal = 2 * channels * inner + 3 * inner * inner
    return tccm + temporal + 2 * 4 * (2 * inner + channels)


@pytest.mark.parametrize(
    ("backbone", "size", "frames"),
    [
        pytest.param("resnet50", 224, 2, marks=pytest.mark.long),
        ("tiny", 64, 8),
        pytest.param("resnet101", 64, 4, marks=pytest.mark.long),
    ],
)
def test_a_new_ctm_network_gives_tsn_scores(backbone, size, frames, make_clips, share_weights):
    arguments = dict(num_classes=5, num_frames=frames, image_size=size, weights=None)
    tsn = ctm_keras.build_video_model("tsn", backbone, **arguments)
    ctm = ctm_keras.build_video_model("ctm", backbone, **arguments)
    share_weights(tsn, ctm)
    clips = make_clips(2, frames, size)
    scores = np.array(tsn(clips))
    assert np.ptp(scores) > 0
    assert np.array_equal(scores, ctm(clips))


def test_tsn_is_the_mean_of_the_image_models_scores(make_clips):
    model = ctm_keras.build_video_model(
        "tsn", num_classes=5, num_frames=4, image_size=64, weights=None
    )
    image = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3))
    for layer in image.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights() if layer.weights else [])
    clips = make_clips(2, 4, 64)
    frames = clips.reshape(-1, 64, 64, 3).astype("float32")
    features = np.array(image(keras.applications.resnet.preprocess_input(frames)))
    kernel, bias = model.get_layer("scores").get_weights()
    scores = features.mean(axis=(1, 2)) @ kernel + bias
    expected = scores.reshape(2, 4, 5).mean(axis=1)
    np.testing.assert_allclose(model(clips), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize(
    "reduction",
    [16, pytest.param(4, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)],
)
def test_resnet50_has_the_parameters_of_its_formula(reduction):
    model = ctm_keras.CTMResNet50(num_classes=200, weights=None, reduction=reduction)
    head = (2048 + 1) * 200
    assert model.count_params() == RESNET50 + head + 3 * block_size(1024, 14, reduction)


@pytest.mark.long
@pytest.mark.usefixtures("no_random_start")
def test_resnet101_has_the_parameters_of_its_formula():
    model = ctm_keras.CTMResNet101(num_classes=200, weights=None)
    assert model.count_params() == RESNET101 + 2049 * 200 + 3 * block_size(1024, 14, 4)
    blocks = [layer.name for layer in model.layers if isinstance(layer, ctm_keras.CTM)]
    assert blocks == ["conv4_block6_ctm", "conv4_block12_ctm", "conv4_block18_ctm"]


@pytest.mark.usefixtures("no_random_start")
def test_blocks_follow_their_residual_block_and_feed_the_next():
    model = ctm_keras.CTMResNet50(2, image_size=32, num_frames=2, weights=None)
    edges = {}
    for layer in model.get_config()["layers"]:
        histories = _histories(layer["inbound_nodes"])
        edges[layer["name"]] = [name for name in histories]
    assert edges["conv4_block3_ctm_unfold"] == ["conv4_block3_out"]
    assert edges["conv4_block3_ctm"] == ["conv4_block3_ctm_unfold"]
    assert edges["conv4_block4_1_conv"] == ["conv4_block3_ctm_fold"]
    assert edges["conv4_block4_add"] == ["conv4_block3_ctm_fold", "conv4_block4_3_bn"]


def test_class_names_set_the_number_of_classes():
    model = ctm_keras.build_video_model(
        "tsn", "tiny", class_names=("left", "ünten"), image_size=32, weights=None
    )
    assert model.output_shape == (None, 2)
    assert ctm_keras.class_names(model) == ["left", "ünten"]


def test_without_names_there_are_none():
    model = ctm_keras.build_video_model("tsn", "tiny", 3, image_size=32, weights=None)
    assert ctm_keras.class_names(model) is None


def test_class_names_of_another_model_are_refused():
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="must be a video model of this project"):
        ctm_keras.class_names(other)


def test_methods_are_listed_with_a_line_each():
    methods = ctm_keras.list_models()
    papers = {"tsn", "ctm", "cost", "stm", "i3d", "s3d", "tam", "tsm", "nonlocal", "slowfast"}
    assert papers | {"c2d", "c3d", "conv", "avg", "max"} <= set(methods)
    assert all(line.endswith(".") for line in methods.values())


def test_names_of_input_and_output():
    model = ctm_keras.build_video_model("ctm", "tiny", 3, image_size=48, weights=None)
    assert [tensor.name for tensor in model.inputs] == ["clip"]
    assert model.output_names == ["logits"]
    assert model.name == "ctm_tiny"
    assert (model.inputs[0].dtype, model.outputs[0].dtype) == ("float32", "float32")


@pytest.mark.parametrize("size", [32, 50, 96])
def test_tiny_reads_images_of_many_sizes(size, make_clips):
    model = ctm_keras.build_video_model("ctm", "tiny", 3, 4, size, weights=None)
    assert model(make_clips(1, 4, size)).shape == (1, 3)


ERRORS = {
    "method": (
        {"method": "ctmm"},
        r"must be one of tsn, ctm, .*, received 'ctmm'. Did you mean 'ctm'\?",
    ),
    "backbone": ({"backbone": "resnet5O"}, r"received 'resnet5O'. Did you mean 'resnet50'\?"),
    "option": ({"reductoin": 2}, "option of ctm .* received 'reductoin'. Did you mean 'reduction'"),
    "tsn option": ({"method": "tsn", "reduction": 2}, "must be one of temporal_pooling, pre"),
    "nasnet": ({"backbone": "nasnetmobile"}, "cannot be grafted: each of its cells"),
    "no classes": ({"num_classes": None}, "at least 2, .* Pass num_classes or class_names"),
    "one class": ({"num_classes": 1}, "at least 2, received 1"),
    "conflict": ({"class_names": list("ab")}, "num_classes must be .* class_names, 2, received 4"),
    "twice": ({"num_classes": None, "class_names": list("aba")}, "received several times: a"),
    "frames": ({"num_frames": 0}, "num_frames must be an integer"),
    "size": ({"image_size": 64.0}, "image_size must be an integer"),
    "dropout": ({"dropout": 1.0}, "dropout must be in \\[0, 1\\)"),
    "too small": ({"image_size": 16}, "at least 32 x 32 pixels"),
    "no imagenet": ({"weights": "imagenet"}, "tiny has no ImageNet weights"),
    "no file": ({"weights": "missing.keras"}, "missing.keras, which is missing"),
    "no keras file": ({"weights": "model.h5"}, "model.h5, which is not a .keras file"),
    "preprocessing": ({"preprocessing": "x"}, "a dict of channels, mean, scale, received 'x'"),
    "its parts": ({"preprocessing": {"means": (1, 2, 3)}}, "'means'. Did you mean 'mean'"),
    "its numbers": ({"preprocessing": {"mean": 3}}, "mean must be three numbers, .* received 3"),
    "its text": (
        {"preprocessing": {"scale": "abc"}},
        "scale must be three numbers.* received 'abc'",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_to_do(case):
    arguments, message = ERRORS[case]
    usual = dict(method="ctm", backbone="tiny", num_classes=4, image_size=32, weights=None)
    with pytest.raises(ValueError, match=message):
        ctm_keras.build_video_model(**{**usual, **arguments})


def test_channels_first_is_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match=r"set_image_data_format\('channels_last'\)"):
            ctm_keras.build_video_model("ctm", "tiny", 2, image_size=32, weights=None)
    finally:
        keras.config.set_image_data_format("channels_last")


def test_clips_of_another_size_are_refused(make_clips):
    model = ctm_keras.build_video_model("ctm", "tiny", 3, 8, 48, weights=None)
    with pytest.raises(ValueError, match="clip"):
        model(make_clips(1, 8, 64))


def _histories(node):
    """The names of the layers that feed a layer, from its config."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            return [node["config"]["keras_history"][0]]
        return [name for value in node.values() for name in _histories(value)]
    if isinstance(node, (list, tuple)):
        return [name for value in node for name in _histories(value)]
    return []


def test_methods_can_be_joined():
    model = ctm_keras.build_video_model(
        "tsm+nonlocal", "tiny", 4, image_size=64, weights=None, fold_div=4, mode="dot_product"
    )
    names = {layer.name for layer in model.layers}
    assert {"conv2_block1_tsm", "conv4_block3_nonlocal"} <= names
    assert model.get_layer("conv2_block1_tsm").fold_div == 4
    assert model.get_layer("conv4_block3_nonlocal").mode == "dot_product"
    assert model.name == "tsm_nonlocal_tiny"


def test_each_method_that_is_joined_exists():
    with pytest.raises(ValueError, match=r"received 'nonlocl'\. Did you mean 'nonlocal'"):
        ctm_keras.build_video_model("tsm+nonlocl", "tiny", 4, weights=None)
    with pytest.raises(
        ValueError, match=r"option of tsm\+nonlocal must be one of .* received 'fold'"
    ):
        ctm_keras.build_video_model("tsm+nonlocal", "tiny", 4, weights=None, fold=3)


@pytest.mark.parametrize(
    ("method", "options", "frames"),
    [
        ("tsm", {}, 8),
        ("slowfast", {}, 32),
        ("slowfast", {"variant": "8x8"}, 32),
        ("slowfast", {"variant": "16x8"}, 64),
    ],
)
def test_default_frames_of_a_clip(method, options, frames):
    assert default_frames(method, options) == frames


def test_slowfast_has_its_own_frames_by_default(monkeypatch):
    monkeypatch.setitem(slowfast.DEPTHS, "resnet50", (1, 1, 1, 1))
    model = ctm_keras.build_video_model("slowfast", "resnet50", 3, image_size=32, weights=None)
    assert model.input_shape == (None, 32, 32, 32, 3)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("tsm", {"online": "false"}, "online must be True or False, received 'false'"),
        ("tsm", {"temporal_pooling": 1}, "temporal_pooling must be True, False, .* received 1"),
        ("tsm+slowfast", {}, "slowfast is a whole network"),
        ("tsm+tsm", {}, "must appear only once, received 'tsm.tsm'"),
        (
            "slowfast",
            {"variant": "2x2"},
            "variant of slowfast must be one of 4x16, .* received '2x2'",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        ctm_keras.build_video_model(method, "tiny", 3, weights=None, **options)
