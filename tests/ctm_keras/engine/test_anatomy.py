"""Prerequisites of surgery: folding, names of operations, sites by their role."""

import keras
import numpy as np
import pytest
from keras import layers

from ctm_keras.backbones.tiny import Tiny
from ctm_keras.engine.anatomy import dissect
from ctm_keras.engine.folding import Fold, Unfold
from ctm_keras.engine.surgery import tidy_names


def test_tiny_has_its_sites():
    anatomy = dissect("tiny", Tiny())
    sites = [(s.role, s.operation.name, s.index) for s in anatomy.sites if s.stage == 3]
    assert sites == [
        ("residual_entry", "conv3_block1_1_conv", 1),
        ("middle", "conv3_block1_1_conv", 1),
        ("middle_output", "conv3_block1_1_relu", 1),
        ("middle", "conv3_block1_2_conv", 1),
        ("middle_output", "conv3_block1_2_bn", 1),
        ("shortcut", "conv3_block1_0_conv", 1),
        ("block_output", "conv3_block1_out", 1),
        ("stage_output", "conv3_block1_out", 1),
    ]
    assert anatomy.at("stem")[0].operation.name == "conv1_conv"
    assert anatomy.at("head")[0].operation.name == "conv4_block4_out"


def test_pools_have_the_stage_of_their_maps():
    vgg = dissect(
        "vgg16",
        keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3)),
    )
    pools = [(s.operation.name, s.stage) for s in vgg.at("pool")]
    assert pools == [(f"block{k}_pool", k) for k in range(1, 6)]


def test_fold_and_unfold_are_inverse():
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 6, 7)).astype("float32")
    assert np.array_equal(Unfold(4)(Fold()(x)), x)
    assert Fold().compute_output_shape((None, 4, 5, 6, 7)) == (None, 5, 6, 7)
    assert Unfold(4).compute_output_shape((None, 5, 6, 7)) == (None, 4, 5, 6, 7)


def test_the_error_for_a_missing_role_gives_the_reason():
    vgg = dissect(
        "vgg16",
        keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3)),
    )
    with pytest.raises(ValueError, match="vgg16 has no site 'residual_entry': it has no residual"):
        vgg.at("residual_entry")


def test_an_unknown_role_names_the_roles():
    anatomy = dissect("tiny", Tiny())
    with pytest.raises(ValueError, match=r"received 'block_outputs'. Did you mean 'block_output'"):
        anatomy.at("block_outputs")


def test_automatic_names_are_the_same_for_each_model():
    def build():
        image = keras.Input((8, 8, 3))
        x = layers.ReLU()(layers.Conv2D(3, 1)(image))
        x = layers.ReLU()(layers.Conv2D(3, 1, name="own")(x)) + 1.0
        return tidy_names(keras.Model(image, x))

    names = [[op.name for op in build().operations] for _ in range(2)]
    assert names[0] == names[1]
    assert names[0] == ["input_layer", "conv2d", "re_lu", "own", "re_lu_1", "add"]
