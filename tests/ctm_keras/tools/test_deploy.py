"""Deployable models: the same logits from tensors of four dimensions, without batch norms."""

import keras
import numpy as np
import pytest
from keras import layers, tree

import ctm_keras
from ctm_keras.engine.folding import Fold, Folded, Unfold
from ctm_keras.engine.head import average_scores
from ctm_keras.engine.preprocessing import Preprocess
from ctm_keras.temporal._inception import PaddedMaxPool
from ctm_keras.temporal._pathway import SlowFrames, TimeConv
from ctm_keras.temporal.inflate import FrameStride
from ctm_keras.temporal.s3d import TemporalUnit
from ctm_keras.tools.inference import ScaleShift

FRAMES, SIZE = 4, 32
EVEN, ODD = (6, 8, 8, 8), (5, 7, 6, 8)  # shapes of clips
LAYERS = [
    (Preprocess, {"channels": "bgr", "mean": (1, 2, 3), "scale": (4, 5, 6)}),
    (ctm_keras.TCC, {}),
    (ctm_keras.CTM, {}),
    (ctm_keras.TSM, {"fold_div": 4}),
    (ctm_keras.TSM, {"fold_div": 4, "online": True}),
    (ctm_keras.TAM, {}),
    (ctm_keras.TAM, {"blending_frames": 4}),
    (ctm_keras.TAM, {"blending_frames": 4, "blending": "max"}),
    (ctm_keras.FrameConv, {"size": 5}),
    (ctm_keras.CSTM, {}),
    (ctm_keras.CSTM, {"temporal_conv": "ordinary"}),
    (ctm_keras.TemporalPooling, {}),
    (ctm_keras.TemporalPooling, {"mode": "avg", "stride": 1}),
    (ctm_keras.TemporalPooling, {"mode": "avg", "size": 2}),
    (ctm_keras.TemporalPooling, {"size": 2, "whole": True}),
    (FrameStride, {}),
    (SlowFrames, {"alpha": 2}),
    (TimeConv, {"filters": 5}),
    (TimeConv, {"filters": 5, "size": 5, "stride": 2}),
    (PaddedMaxPool, {}),
    (ctm_keras.InflatedConv, {"filters": 5, "kernel_size": (3, 3, 3)}),
    (ctm_keras.InflatedConv, {"filters": 5, "kernel_size": (3, 1, 1), "strides": (2, 1, 1)}),
    (
        ctm_keras.InflatedConv,
        {
            "filters": 5,
            "kernel_size": (5, 3, 1),
            "strides": (2, 2, 1),
            "padding": "valid",
            "time_padding": "zero",
            "use_bias": True,
            "activation": "tanh",
        },
    ),
    (ctm_keras.InflatedConv, {"filters": 5, "kernel_size": (3, 3, 3), "dilation_rate": (2, 1)}),
    (ctm_keras.CoST, {"filters": 5}),
    (ctm_keras.CoST, {"filters": 5, "kind": "a", "share_weights": False, "strides": 2}),
    (ctm_keras.CoST, {"filters": 5, "padding": "valid", "use_bias": True, "activation": "relu"}),
    (TemporalUnit, {"relu_first": True}),
    (TemporalUnit, {"stride": 2}),
    (TemporalUnit, {"stride": 2, "depthwise": True}),
    (ctm_keras.R2Plus1D, {"filters": 5, "kernel_size": (3, 3), "strides": (2, 2, 2)}),
    (ctm_keras.NonLocal, {"scale": True}),
    (ctm_keras.NonLocal, {"mode": "gaussian", "sub_sample": False}),
    (ctm_keras.NonLocal, {"mode": "dot_product"}),
]


def ranks(model):
    """The numbers of dimensions of the tensors behind the inputs."""
    inner = [op for op in model.operations if not isinstance(op, layers.InputLayer)]
    return {len(x.shape) for op in inner for x in tree.flatten(op.output)}


def same_when_deployed(layer, clips, scramble):
    """Whether a layer does the same on folded clips, with at most four dimensions."""
    both = clips if len(clips) > 1 else clips[0]
    layer.build(tree.map_structure(np.shape, clips) if len(clips) > 1 else both.shape)
    scramble(layer)
    expected = np.array(layer(both))
    inputs = [keras.Input(clip.shape[1:]) for clip in clips]
    output = layer.deploy(*map(Folded.of, inputs))
    model = keras.Model(inputs, output.images)
    assert ranks(model) <= {2, 3, 4}
    assert output.frames == expected.shape[1]
    images = np.array(model(clips)).reshape(expected.shape)
    np.testing.assert_allclose(images, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [EVEN, ODD], ids=["even", "odd"])
@pytest.mark.parametrize(("kind", "options"), LAYERS)
def test_a_layer_does_the_same_on_folded_frames(kind, options, shape, scramble):
    clip = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    clip = clip[..., :3] if kind is Preprocess else clip
    same_when_deployed(kind(**options, name="layer"), [clip], scramble)


@pytest.mark.parametrize(("fusion", "strides"), [("sum", 1), ("concat", 1), ("sum", 2)])
def test_the_motion_of_stm_is_the_same_on_folded_frames(fusion, strides, scramble):
    rng = np.random.default_rng(0)
    features, clip = (rng.normal(size=(2, 5, 6 * n, 8 * n, 16)) for n in (1, strides))
    layer = ctm_keras.CMM(fusion, strides, reduction=2, name="layer")
    same_when_deployed(layer, [features.astype("float32"), clip.astype("float32")], scramble)


METHODS = ("ctm", "tsm", "tam", "stm", "s3d", "i3d", "i3d_3x1x1", "cost", "nonlocal")
OTHERS = [
    *(("tiny", method) for method in ("tsn", "c2d", "c3d", "conv", "avg", "max")),
    *(("tv_resnet18", method) for method in ("ctm", "s3d", "c3d")),
    *(("mobilenetv2", method) for method in ("tsm", "ctm")),
    ("inception_v1", "s3d"),
    ("resnet50v2", "cost"),
    ("resnet50", "slowfast"),
]


def built(backbone, method):
    options = {"variant": "8x8"} if method == "slowfast" else {}
    return ctm_keras.build_video_model(
        method, backbone, None, FRAMES, SIZE, None, class_names=["a", "b"], **options
    )


def with_statistics(model, clips):
    """A model whose batch norms have the statistics of these clips: no signal fades away."""
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    model(clips, training=True)
    return model


@pytest.mark.parametrize(
    ("backbone", "method"),
    [
        *(("tiny", method) for method in METHODS),
        *(pytest.param(*row, marks=pytest.mark.long) for row in OTHERS),
    ],
)
def test_a_model_keeps_its_logits(backbone, method, scramble, make_clips):
    clips = make_clips(2 if backbone == "tiny" else 8, FRAMES, SIZE)
    model = with_statistics(scramble(built(backbone, method)), clips)
    before, plain = model.get_weights(), ctm_keras.deployable(model)
    expected = np.array(model(clips))
    spread = np.ptp(expected, axis=0).min()
    # Deep random networks amplify rounding: pixels that differ by 1e-4 change more than this.
    atol = 1e-5 if backbone == "tiny" else 1e-3 * spread
    np.testing.assert_allclose(plain(clips), expected, atol=atol)
    assert spread > 1e-3
    assert ranks(plain) <= {2, 3, 4}
    assert not [x for x in plain.layers if isinstance(x, layers.BatchNormalization)]
    assert not plain.trainable_weights
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_deployable_model_is_saved_with_its_class_names(scramble, make_clips, tmp_path):
    plain = ctm_keras.deployable(scramble(built("tiny", "ctm")))
    plain.save(tmp_path / "plain.keras")
    loaded = keras.saving.load_model(tmp_path / "plain.keras")
    assert ctm_keras.class_names(loaded) == ["a", "b"]
    clips = make_clips(3, FRAMES, SIZE)
    assert np.array_equal(loaded(clips), plain(clips))


def test_a_model_of_mixed_precision_is_deployed_in_float32(scramble, make_clips):
    model, clips = scramble(built("tiny", "tsm")), make_clips(2, FRAMES, SIZE)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = built("tiny", "tsm")
        half.set_weights(model.get_weights())
        plain = ctm_keras.deployable(half)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in plain.layers[1:]} == {"float32"}
    np.testing.assert_allclose(plain(clips), model(clips), atol=1e-5)


@keras.saving.register_keras_serializable("test_deploy")
class PlusReversed(layers.Layer):
    """A user's layer."""

    def call(self, inputs):
        return inputs + inputs[:, ::-1]


def test_a_network_of_your_own_is_deployed_with_a_layer_of_five_dimensions(scramble, make_clips):
    clip = keras.Input((FRAMES, SIZE, SIZE, 3))
    x = layers.Conv2D(6, 3, groups=3, activation="relu", name="grouped")(Fold()(clip))
    x = keras.Sequential([layers.Conv2D(6, 3), layers.BatchNormalization()])(x)
    x = layers.Conv2D(8, 3, strides=4, name="read_twice")(x)
    x = layers.Add()([x, layers.BatchNormalization(name="kept")(x)])
    x = PlusReversed(name="reversed")(Unfold(FRAMES)(x))
    x = Fold()(layers.BatchNormalization(name="of_clips")(x))
    model = scramble(keras.Model(clip, average_scores(x, FRAMES, 2, 0.5)))
    plain, clips = ctm_keras.deployable(model), make_clips(2, FRAMES, SIZE)
    expected = np.array(model(clips))
    np.testing.assert_allclose(plain(clips), expected, atol=1e-5 * np.abs(expected).max())
    assert isinstance(plain.get_layer("grouped"), layers.DepthwiseConv2D)
    assert len(plain.get_layer("reversed").output.shape) == 5
    scaled = [x.name for x in plain.layers if isinstance(x, ScaleShift)]
    assert scaled == ["kept", "of_clips"]


def test_another_model_is_refused():
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Flatten()(image), name="mine")
    with pytest.raises(ValueError, match="must be a video model of ctm_keras, received mine"):
        ctm_keras.deployable(model)
