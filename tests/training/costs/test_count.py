"""Parameters and multiply-adds: by hand, and against published figures."""

import keras
import pytest
from keras import layers, ops

import ctm_keras
from training.costs.count import clips_per_second, multiply_adds, trained_parameters


def model_of(*parts):
    """A model of layers for clips of 4 x 8 x 8 x 3."""
    clip = x = keras.Input((4, 8, 8, 3))
    for part in parts:
        x = part(x)
    return keras.Model(clip, x)


class Products(layers.Layer):
    """Products of all pairs of positions, in two ways."""

    def call(self, x):
        x = ops.reshape(x, (-1, 256, 3))
        return ops.matmul(x, ops.transpose(x, (0, 2, 1))) + ops.einsum("bnc,bmc->bnm", x, x)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([layers.Conv3D(5, (3, 1, 1), padding="same")], 4 * 8 * 8 * 5 * 3 * 3),
        ([layers.Conv3D(6, 3, strides=2, padding="same")], 2 * 4 * 4 * 6 * 27 * 3),
        ([layers.Reshape((32, 8, 3)), layers.Conv2D(6, 3, groups=3)], 30 * 6 * 6 * 9),
        ([layers.Reshape((32, 8, 3)), layers.DepthwiseConv2D(3)], 30 * 6 * 3 * 9),
        ([layers.Dense(7)], 4 * 8 * 8 * 3 * 7),
        ([Products()], 2 * 256 * 256 * 3),
        ([layers.BatchNormalization(), layers.ReLU(), layers.Rescaling(2.0)], 0),
    ],
)
def test_multiply_adds_of_each_kind_of_layer(parts, expected):
    assert multiply_adds(model_of(*parts)) == expected


# Figures of the reference for 87 classes and 8 frames of 224 x 224, in billions.
PUBLISHED = {
    "tsn": (23_686_295, 32.70),
    "tam": (23_725_655, 32.83),
    "i3d": (46_339_607, 64.18),
    "s3d": (27_485_079, 39.52),
}


@pytest.mark.parametrize(
    "method",
    ["tam", *(pytest.param(name, marks=pytest.mark.long) for name in ("tsn", "i3d", "s3d"))],
)
def test_costs_agree_with_the_references(method):
    parameters, giga = PUBLISHED[method]
    model = ctm_keras.build_video_model(method, "tv_resnet50", 87, 8, 224, weights=None)
    assert trained_parameters(model) == parameters
    assert multiply_adds(model) == pytest.approx(giga * 1e9, rel=0.01)


def test_speed_is_of_clips():
    slow = clips_per_second(model_of(layers.Conv3D(64, 3, padding="same")), repeats=1)
    assert 0 < slow < float("inf")
