"""A frozen image model: which layers are fixed, and where the trunk ends."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.tools.freeze import image_layers
from ctm_keras.weights.origin import Origin


def built(method="ctm", backbone="tiny", **options):
    return ctm_keras.build_video_model(
        method, backbone, 3, num_frames=4, image_size=32, weights=None, **options
    )


def learning(model):
    return {weight.path.split("/")[0] for weight in model.trainable_weights}


def test_only_new_layers_learn():
    model = built(stages="head")
    ctm_keras.freeze(model)
    assert learning(model) == {"head_ctm", "scores"}


def test_inflated_layers_are_frozen_as_the_image_models():
    model = built("i3d")
    frozen = ctm_keras.freeze(model)
    assert "conv2_block1_1_conv" in frozen
    assert learning(model) == {"scores"}


def test_a_stage_freezes_the_stages_up_to_it():
    model = built("tsn")
    ctm_keras.freeze(model, "stage3")
    assert {name[:5] for name in learning(model)} == {"conv4", "score"}


def test_frozen_batch_norms_keep_their_statistics(make_clips):
    model = built(stages="head")
    ctm_keras.freeze(model)
    before = model.get_layer("conv1_bn").moving_mean.numpy()
    model(make_clips(2, 4, 32), training=True)
    assert np.array_equal(model.get_layer("conv1_bn").moving_mean, before)


def test_the_trunk_of_tsn_ends_with_pooled_features():
    model = built("tsn")
    ctm_keras.freeze(model)
    trunk, rest = ctm_keras.split(model)
    assert trunk.output_shape == (None, 4, 64)
    assert [layer.name for layer in rest.layers if layer.weights] == ["scores"]


def test_the_dropout_before_the_head_learns_with_it(make_clips):
    model = built(stages="head")
    ctm_keras.freeze(model)
    trunk, rest = ctm_keras.split(model)
    features = trunk(make_clips(2, 4, 32))
    first, second = (np.array(rest(features, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_features_that_several_layers_read_are_kept_once():
    """STM's two modules read the same features at the head."""
    model = built("stm", stages="head")
    ctm_keras.freeze(model)
    assert ctm_keras.split(model)[0].output_shape == (None, 4, 4, 4, 64)


def test_training_the_rest_trains_the_model(make_clips):
    model = built(stages="head")
    ctm_keras.freeze(model)
    trunk, rest = ctm_keras.split(model)
    clips = make_clips(4, 4, 32)
    before = np.array(model(clips))
    rest.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rest.train_on_batch(trunk(clips), np.arange(4) % 3)
    assert not np.array_equal(model(clips), before)
    assert np.array_equal(rest(trunk(clips)), model(clips))


def test_a_saved_model_knows_its_image_layers(tmp_path):
    model = built(stages="head")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    names = [layer.name for layer in image_layers(model)]
    assert [layer.name for layer in image_layers(loaded)] == names


def test_a_part_that_does_not_exist():
    parts = "backbone, stage2, stage3, stage4 for tiny"
    model = built("tsn")
    for until in ("head", "stage9"):
        with pytest.raises(
            ValueError, match=rf"\(--freeze\) must be one of {parts}, received {until}"
        ):
            ctm_keras.freeze(model, until)


def test_a_network_without_an_image_model():
    model = built("tsn")
    model.layers[-1].built_with = str(Origin("slowfast", "resnet50"))
    with pytest.raises(ValueError, match="is not built on an image model"):
        ctm_keras.freeze(model)


def test_a_model_in_which_nothing_learns():
    model = built("tsn")
    model.trainable = False
    with pytest.raises(ValueError, match="Nothing of tsn_tiny would learn"):
        ctm_keras.split(model)


def test_stm_stands_at_the_head_of_a_backbone_without_its_sites():
    names = [layer.name for layer in built("stm", "mobilenet", stages="head").layers]
    assert {"head_cstm", "head_cmm"} <= set(names)
