"""Backbones in torchvision's layout: sizes, strides, padding and missing parts."""

import math

import keras
import numpy as np
import pytest

from ctm_keras import backbones
from ctm_keras.assembly import image_anatomy
from ctm_keras.models import build_video_model

# Of torchvision's models without their classifiers (GoogLeNet: without its auxiliary heads).
PARAMETERS = {
    "TV_ResNet18": 11_176_512,
    "TV_ResNet34": 21_284_672,
    "TV_ResNet50": 23_508_032,
    "TV_ResNet101": 42_500_160,
    "TV_ResNet152": 58_143_808,
    "Inception_V1": 5_599_904,
}


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if name.endswith(("34", "101", "152")) else ())
        for name in PARAMETERS
    ],
)
def test_parameters_are_torchvisions(name):
    model = getattr(backbones, name)(input_shape=(64, 64, 3))
    assert sum(math.prod(w.shape) for w in model.trainable_weights) == PARAMETERS[name]


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize("name", ["TV_ResNet18", "TV_ResNet50"])
def test_maps_of_odd_size_round_up(name):
    model = getattr(backbones, name)(input_shape=(48, 48, 3))
    outputs = [f"conv{k}_block1_out" for k in range(2, 6)]
    assert tuple(model.get_layer(x).output.shape[1] for x in outputs) == (12, 6, 3, 2)


def test_strided_convolutions_see_the_same_on_all_sides():
    """With one zero on each side a mirrored image has mirrored features where sizes are odd."""
    model = backbones.TV_ResNet18(input_shape=(33, 33, 3))
    image = np.random.default_rng(0).normal(size=(1, 33, 33, 3)).astype("float32")
    layer = model.get_layer("conv1_conv")
    kernel = np.array(layer.kernel)
    layer.kernel.assign((kernel + kernel[:, ::-1]) / 2)
    probe = keras.Model(model.input, layer.output)
    np.testing.assert_allclose(
        probe(image[:, :, ::-1]), np.array(probe(image))[:, :, ::-1], atol=1e-4
    )


@pytest.mark.usefixtures("no_random_start")
def test_inception_pools_begin_at_the_first_pixel():
    """Torchvision's ceil mode: 64 -> 32 -> 16 -> 8 -> 4 -> 2, and 15 -> 7 -> 3 from 29."""
    for size, expected in ((64, (16, 8, 4, 2)), (58, (14, 7, 3, 2))):
        model = backbones.Inception_V1(input_shape=(size, size, 3))
        pools = [model.get_layer(f"pool{i}") for i in range(1, 5)]
        assert tuple(pool.output.shape[1] for pool in pools) == expected


@pytest.mark.parametrize("name", ["tv_resnet50", "inception_v1"])
def test_there_is_nothing_to_download(name):
    with pytest.raises(ValueError, match=f"{name} has no ImageNet weights .*ctm import-weights"):
        build_video_model("tsn", name, 3, weights="imagenet")


@pytest.mark.usefixtures("no_random_start")
def test_inception_has_its_sites():
    anatomy = image_anatomy("inception_v1", 64, None)
    middles = [site.operation.name for site in anatomy.at("middle")]
    assert middles[:3] == ["conv3_conv", "inception3a_branch2_1_conv", "inception3a_branch3_1_conv"]
    assert len(middles) == 19
    assert [s.operation.name for s in anatomy.at("stage_output")] == [
        "conv1_relu",
        "conv3_relu",
        "inception3b_out",
        "inception4e_out",
        "inception5b_out",
    ]
    with pytest.raises(ValueError, match="inception_v1 has no site 'residual_entry'"):
        anatomy.at("residual_entry")
