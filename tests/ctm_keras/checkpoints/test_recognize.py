"""Each format, method, backbone and option is inferred from the keys alone."""

import numpy as np
import pytest

from ctm_keras.checkpoints.recognize import recognize

from .conftest import recorded_cases, shapes_of

CASES = recorded_cases()
IBM = "IBM/action-recognition-pytorch"
FORMATS = {
    "ibm": (IBM, f"torchvision or {IBM}"),
    "tsm": ("temporal-shift-module",),
    "pyslowfast": ("PySlowFast",),
    "cost": ("hikvision CoST", "mmaction2"),  # its baselines are mmaction2's networks
    "stm": ("STM (its author's code)",),
}
INFERRED = {
    "tam-resnet18": {"blending_frames": 3},
    "s3d-resnet18": {"depthwise": False},
    "s3d-inception": {"depthwise": False, "pools": "reference"},
    "i3d-resnet18": {"time_padding": "zero"},
    "i3d-inception": {"time_padding": "zero", "pools": "reference"},
    "cost-a-resnet50": {"kind": "a", "pooling": "code"},
    "cost-b-resnet50": {"kind": "b", "pooling": "code"},
    "cost-b-resnet50-32-frames": {"kind": "b", "pooling": "code32"},
    "c3d-resnet50": {"pooling": "code", "time_padding": "zero"},
    "tsm-resnet50": {"every": 1},
    "tsm-resnet101": {"every": 2},
    "nonlocal-resnet50": {"sub_sample": True},
    "i3d-3x1x1-resnet50": {
        "inflate": "alternate",
        "stem_frames": 5,
        "early_stride": 2,
        "pool": True,
        "time_padding": "zero",
    },
    "slowfast-8x8-resnet101-mmaction": {
        "variant": "8x8",
        "fusion_kernel": 7,
        "temporal_blocks": 23,
        "lateral_norm": True,
        "slow_frames": "strided",
    },
}


def state_like(name: str) -> dict[str, np.ndarray]:
    """Weights of a recorded network that take no memory."""
    zero = np.zeros((), "float32")
    return {key: np.broadcast_to(zero, shape) for key, shape in shapes_of(name).items()}


@pytest.mark.parametrize("name", CASES)
def test_a_network_is_recognized(name):
    case, found = CASES[name], recognize(state_like(name))
    builder = case.reference.builder
    assert found.format in FORMATS.get(builder, ("mmaction2",))
    assert (found.method, found.num_classes) == (case.method, case.num_classes)
    assert found.backbone.removeprefix("tv_") == case.backbone.removeprefix("tv_")
    assert name not in INFERRED or found.options == INFERRED[name]


def test_places_of_nonlocal_blocks_are_inferred():
    found = recognize(state_like("i3d-3x1x1+nonlocal-resnet50"))
    assert found.options["blocks"] == {3: (2, 4), 4: (2, 4, 6)}
    found = recognize(state_like("slowonly-resnet50"))
    assert found.options["inflate"] == {4: (1, 2, 3, 4, 5, 6), 5: (1, 2, 3)}
    assert (found.options["stem_frames"], found.options["pool"]) == (1, False)


def test_a_gaussian_nonlocal_block_has_no_embedding():
    state = state_like("tsm+nonlocal-scaled-resnet50")
    state = {k: v for k, v in state.items() if "theta" not in k and "phi" not in k}
    assert recognize(state).options["mode"] == "gaussian"


def test_wrappers_of_parallel_and_compiled_modules_do_not_matter():
    state = state_like("tam-resnet18")
    for wrapper in ("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."):
        found = recognize({wrapper + key: value for key, value in state.items()})
        assert (found.method, found.backbone) == ("tam", "tv_resnet18")
        assert set(found.keys.values()) == {wrapper + key for key in state}


def test_without_a_head():
    state = state_like("tsn-resnet50-mmaction")
    found = recognize({key: value for key, value in state.items() if "cls_head" not in key})
    assert found.num_classes is None


def test_an_unknown_format():
    state = {"encoder.layers.0.weight": np.zeros((2, 2)), "encoder.layers.1.weight": np.zeros(2)}
    with pytest.raises(
        ValueError, match=r"x.pth must be of a known format .* keys encoder.layers.0"
    ):
        recognize(state, "x.pth")


def test_two_weights_for_one_place():
    state = state_like("tsm-resnet50")
    plain = {key.replace(".net.", "."): value for key, value in state.items()}
    with pytest.raises(ValueError, match=r"two weights for the same variable, .*layer1.0.conv1"):
        recognize(state | plain)


@pytest.mark.parametrize("prefix", ["model.", "net.", "module._orig_mod.", "model.module."])
def test_prefixes_of_wrappers_do_not_matter(prefix):
    found = recognize({prefix + key: value for key, value in state_like("tam-resnet18").items()})
    assert (found.method, found.num_classes) == ("tam", 87)
    assert found.keys["fc.weight"] == f"{prefix}fc.weight"


@pytest.mark.parametrize("name", ["fc.1", "classifier", "head.1", "last_linear"])
def test_a_classifier_by_another_name(name):
    state = state_like("tsn-resnet18")
    found = recognize({key.replace("fc.", f"{name}."): value for key, value in state.items()})
    assert (found.num_classes, found.keys["fc.weight"]) == (87, f"{name}.weight")


def test_a_classifier_that_is_a_convolution():
    state = state_like("tsn-resnet18")
    state["fc.weight"] = state["fc.weight"][:, :, None, None]
    assert recognize(state).num_classes == 87


def test_a_projection_is_no_classifier():
    state = {k: v for k, v in state_like("tsn-resnet18").items() if not k.startswith("fc.")}
    assert recognize(state | {"projector.weight": np.zeros((128, 512))}).num_classes is None


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (["stem.0.weight", "layer1.0.conv1.0.weight", "layer1.0.conv1.1.weight"], "r3d_18"),
        (
            ["blocks.0.conv.conv_t.weight"],
            "a ResNet or an Inception-V1.* blocks.0.conv.conv_t.weight",
        ),
        (["backbone.conv1.conv.weight", "backbone.layer1.0.conv.0.conv.weight"], "a ResNet or an"),
        (["s1.pathway0_stem.conv_xy.weight", "s2.pathway0_res0.branch2.a.weight"], "X3D"),
        (["s1.pathway0_stem.conv.weight", "s3.pathway0_nonlocal1.conv_g.weight"], "non-local"),
    ],
)
def test_unsupported_networks_are_refused_with_the_reason(keys, reason):
    with pytest.raises(ValueError, match=reason) as error:
        recognize({key: np.zeros((4, 4, 1, 1, 1), "float32") for key in keys})
    assert "--allow" not in str(error.value)
    assert "0 + 0" not in str(error.value)


def test_unknown_options_of_pixels_and_pooling():
    assert recognize(state_like("slowfast-8x8-resnet50")).unknown_options == ("channels", "variant")
    assert "temporal_pooling" in recognize(state_like("tam-resnet18-averaged")).unknown_options


def test_another_depth():
    state = state_like("tsn-resnet18")
    state = {key: value for key, value in state.items() if "layer3.1" not in key}
    with pytest.raises(ValueError, match=r"18, 34, 50, 101, 152 .* 2 \+ 2 \+ 1 \+ 2 blocks"):
        recognize(state)


@pytest.mark.parametrize(
    ("pattern", "put", "reason"),
    [
        ("layer2.", "layer2.net.", "pooled only before layer2"),
        ("layer2.0.conv1.net.", "layer2.0.net.conv1.", "in-place and affects the shortcut"),
    ],
)
def test_unsupported_variants_of_tsm(pattern, put, reason):
    state = state_like("tsm-resnet50")
    state = {key.replace(pattern, put): value for key, value in state.items()}
    with pytest.raises(ValueError, match=reason):
        recognize(state)


def test_pathways_of_different_depth_are_refused():
    state = {f"backbone.slow_path.layer{s}.{i}.conv3.conv.weight": np.zeros((1, 1)) for s, n in
             enumerate((3, 4, 23, 3), start=1) for i in range(n)}  # fmt: skip
    state |= {f"backbone.fast_path.layer{s}.{i}.conv3.conv.weight": np.zeros((1, 1)) for s, n in
              enumerate((3, 4, 6, 3), start=1) for i in range(n)}  # fmt: skip
    state["backbone.slow_path.conv1.conv.weight"] = np.zeros((1, 1))
    with pytest.raises(
        ValueError, match=r"the same depth, received 3 \+ 4 \+ 23 \+ 3 and 3 \+ 4 \+ 6"
    ):
        recognize(state)
