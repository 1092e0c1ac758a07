"""Weights by name: everything fits, or nothing is set."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.checkpoints import import_state

NAME = "tsn-resnet18"
CLASSES = 87


def build(method="tsn", backbone="tv_resnet18", num_classes=CLASSES, **options):
    options = {"num_frames": 4, "image_size": 32, "weights": None, **options}
    return ctm_keras.build_video_model(method, backbone, num_classes, **options)


def weight(model, layer, name):
    layer = model.get_layer(layer)
    return keras.ops.convert_to_numpy(next(w for w in layer.weights if w.path.endswith(name)))


@pytest.fixture(scope="module")
def tsn():
    """A TSN, built once: an import sets all of its weights, or none."""
    return build()


@pytest.fixture
def resnet18(state_of, tsn):
    """The state of an image model, and a TSN on the same backbone."""
    return state_of(NAME), tsn


def test_each_weight_is_loaded_into_its_variable(resnet18):
    state, model = resnet18
    import_state(model, state)
    kernel = state["layer2.0.conv1.weight"]
    np.testing.assert_array_equal(
        weight(model, "conv3_block1_1_conv", "kernel"), kernel.transpose(2, 3, 1, 0)
    )
    for theirs, ours in (
        ("weight", "gamma"),
        ("bias", "beta"),
        ("running_mean", "moving_mean"),
        ("running_var", "moving_variance"),
    ):
        np.testing.assert_array_equal(
            weight(model, "conv3_block1_0_bn", ours), state[f"layer2.0.downsample.1.{theirs}"]
        )
    np.testing.assert_array_equal(weight(model, "conv1_bn", "gamma"), state["bn1.weight"])
    np.testing.assert_array_equal(weight(model, "scores", "kernel"), state["fc.weight"].T)
    np.testing.assert_array_equal(weight(model, "scores", "bias"), state["fc.bias"])


def test_the_report(resnet18):
    state, model = resnet18
    report = import_state(model, state)
    assert len(report.adopted) == sum(bool(layer.weights) for layer in model.layers)
    assert (report.new, report.unused, report.head_started) == ((), (), False)
    assert "torchvision" in str(report)
    assert ctm_keras.adoption_report(model) is report


def test_other_classes_start_a_new_head(state_of):
    model = build(num_classes=5)
    start = weight(model, "scores", "kernel")
    report = import_state(model, state_of(NAME))
    assert (report.new, report.head_started) == (("scores",), True)
    assert "scores" not in report.adopted
    np.testing.assert_array_equal(weight(model, "scores", "kernel"), start)
    assert "the head is new" in str(report)


def test_a_checkpoint_without_a_head(state_of):
    state = {key: value for key, value in state_of(NAME).items() if not key.startswith("fc.")}
    assert import_state(build(num_classes=5), state).head_started


def failing(model, state, match, **options):
    """The import fails, and the model stays as it was."""
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        import_state(model, state, **options)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_weight_without_value_is_an_error(resnet18):
    state, model = resnet18
    del state["layer4.1.bn2.running_var"]
    failing(
        model, state, "The checkpoint .*tsn on tv_resnet18 with 1 missing.*conv5_block2_2_bn/mov"
    )


def test_another_shape_is_an_error(resnet18):
    state, model = resnet18
    state["layer4.1.conv2.weight"] = state["layer4.1.conv2.weight"][:, 1:]
    failing(model, state, r"layer4.1.conv2.weight of .*conv5_block2_2_conv.* \(512, 511, 3, 3\)")


def test_a_weight_that_is_not_finite_is_an_error(resnet18):
    state, model = resnet18
    state["layer1.0.conv1.weight"] = state["layer1.0.conv1.weight"] * np.nan
    failing(model, state, r"layer1.0.conv1.weight of The checkpoint must be finite")


def test_equal_numbers_in_another_shape_are_an_error(resnet18):
    state, model = resnet18
    state["layer2.0.downsample.0.weight"] = np.moveaxis(state["layer2.0.downsample.0.weight"], 0, 1)
    failing(model, state, "layer2.0.downsample.0.weight")


def test_what_is_left_over_is_an_error(resnet18):
    state, model = resnet18
    state |= {"attention.query.weight": np.ones(3), "attention.key.weight": np.ones(3)}
    failing(model, state, r"with 2 unmatched.*attention.query.*--allow 'attention\.\*'\.$")
    failing(model, state, "with 1 unmatched", allow=["*.key.*"])
    report = import_state(model, state, allow=["attention.*"])
    assert report.unused == ("attention.*",)


def test_parts_of_blocks_are_not_offered_to_be_left_out(resnet18):
    state, model = resnet18
    state["layer1.0.se.fc1.weight"] = np.ones((4, 64, 1, 1))
    with pytest.raises(ValueError, match=r"layer1.0.se.fc1.weight") as error:
        import_state(model, state)
    assert "--allow" not in str(error.value)


def test_auxiliary_classifiers_are_left_over_where_that_is_allowed(googlenet):
    model = build(backbone="inception_v1", image_size=64)
    failing(model, googlenet, r"--allow 'aux1\.\*' 'aux2\.\*'\.$")
    assert import_state(model, googlenet, allow=["aux*"]).unused == ("aux1.*", "aux2.*")


def test_counters_of_batch_norms_are_no_weights(resnet18):
    state, model = resnet18
    assert any(key.endswith("num_batches_tracked") for key in state)
    without = {key: value for key, value in state.items() if "num_batches" not in key}
    assert import_state(model, state).unused == import_state(model, without).unused == ()


def test_a_checkpoint_of_another_method_is_an_error(state_of, tsn):
    failing(build("tam"), state_of(NAME), "method tsn on .* 24 missing.*_tam/frame_0_kernel")
    failing(tsn, state_of("tam-resnet18"), "tam on .* 24 unmatched")


def test_a_checkpoint_of_another_backbone_is_an_error(state_of):
    failing(build(backbone="tv_resnet34"), state_of(NAME), "80 missing")
    failing(build(backbone="tiny"), state_of(NAME), "20 missing")


@pytest.mark.parametrize(
    ("name", "options", "frames"),
    [
        ("tam-resnet18", {}, ["prev_se", "curr_se", "next_se"]),
        (
            "tam-resnet18-max",
            {"blending": "max", "blending_frames": 4},
            [f"blending_layers.{i}" for i in range(4)],
        ),
    ],
    ids=["sum", "max"],
)
def test_frames_of_tam_keep_their_order(name, options, frames, state_of):
    model, state = build("tam", **options), state_of(name)
    import_state(model, state)
    for index, theirs in enumerate(frames):
        np.testing.assert_array_equal(
            weight(model, "conv2_block2_tam", f"frame_{index}_kernel"),
            state[f"layer1.1.tam.{theirs}.fc1.weight"].ravel(),
        )
