"""Folded batch norms: the same scores from fewer layers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import ctm_keras
from ctm_keras.tools.inference import ScaleShift, fold_batch_norm

CASES = [
    pytest.param("tsn", "tv_resnet18", {}, marks=pytest.mark.long),
    ("stm", "tiny", {}),
    ("s3d", "tiny", {}),
    ("i3d", "tiny", {}),
    pytest.param("ctm", "resnet50", {}, marks=pytest.mark.long),
    pytest.param("tsm", "mobilenetv2", {}, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("method", "backbone", "options"), CASES)
def test_scores_stay(method, backbone, options, scramble, make_clips):
    model = ctm_keras.build_video_model(
        method, backbone, class_names=["a", "b"], num_frames=4, image_size=32, weights=None
    )
    clips = make_clips(2, 4, 32)
    scramble(model)
    before = model.get_weights()
    folded = fold_batch_norm(model)
    expected = np.array(model(clips))
    np.testing.assert_allclose(folded(clips), expected, atol=1e-4 * np.abs(expected).max())
    assert ctm_keras.class_names(folded) == ["a", "b"]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not folded.trainable_weights


def test_every_norm_after_a_convolution_goes(tmp_path):
    model = ctm_keras.build_video_model("tsn", "tv_resnet18", 2, 4, 32, weights=None)
    folded = fold_batch_norm(model)
    assert not [x for x in folded.layers if isinstance(x, layers.BatchNormalization)]
    folded.save(tmp_path / "folded.keras")
    clips = np.zeros((1, 4, 32, 32, 3), "uint8")
    assert np.array_equal(keras.saving.load_model(tmp_path / "folded.keras")(clips), folded(clips))


@pytest.mark.long
def test_a_norm_that_reads_a_graft_becomes_a_scale_and_shift():
    """In S3D nothing is between a convolution and its norm; in I3D the norm reads a graft."""
    model = ctm_keras.build_video_model("i3d", "tv_resnet18", 2, 4, 32, weights=None)
    kept = [x for x in fold_batch_norm(model).layers if isinstance(x, ScaleShift)]
    assert len(kept) == 17  # the stem and two in each of eight blocks; the three shortcuts fold


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv2D(4, 3), (5, 6, 3)),
        (layers.Conv2D(4, 3, use_bias=False, groups=2), (5, 6, 6)),
        (layers.Conv3D(4, 3), (5, 6, 7, 3)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (5, 6, 3)),
        (layers.SeparableConv2D(4, 3), (5, 6, 3)),
        (layers.Dense(4), (3,)),
    ],
)
@pytest.mark.parametrize("norm", [{}, {"scale": False, "center": False}])
def test_each_kind_of_convolution_folds(layer, shape, norm, scramble):
    x = keras.Input(shape)
    y = type(layer).from_config(layer.get_config())(x)
    y = ops.reshape(y, (-1, 1, y.shape[-1]))  # the norm may read a reshaped convolution
    model = keras.Model(x, layers.BatchNormalization(**norm)(y))
    scramble(model)
    folded, data = fold_batch_norm(model), np.random.default_rng(0).normal(size=(2, *shape))
    np.testing.assert_allclose(folded(data), model(data), atol=1e-5)
    assert not [x for x in folded.layers if isinstance(x, (layers.BatchNormalization, ScaleShift))]


def test_a_norm_whose_convolution_has_another_reader_becomes_a_scale_and_shift(scramble):
    x = keras.Input((5, 6, 3))
    linear = layers.Conv2D(4, 3)(x)
    activated = layers.Conv2D(4, 3, activation="relu")(x)
    outputs = [linear, *(layers.BatchNormalization()(y) for y in (linear, activated))]
    outputs.append(layers.BatchNormalization(axis=1)(layers.Conv2D(4, 3)(x)))
    model, data = keras.Model(x, outputs), np.random.default_rng(0).normal(size=(2, 5, 6, 3))
    folded = fold_batch_norm(scramble(model))
    for after, before in zip(folded(data), model(data), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-5)
    assert len([x for x in folded.layers if isinstance(x, ScaleShift)]) == 3
