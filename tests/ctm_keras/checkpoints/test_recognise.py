"""Each format, method, backbone and option is told by the keys alone."""

import numpy as np
import pytest

from ctm_keras.checkpoints.recognise import recognise

EXPECTED = {
    "mmaction2 tsn_r18": ("mmaction2", "tsn", "tv_resnet18", {}),
    "mmaction2 tsm_r50": ("mmaction2", "tsm", "tv_resnet50", {}),
    "mmaction2 tsm_r50_nl": ("mmaction2", "tsm+nonlocal", "tv_resnet50", {"sub_sample": True}),
    "cost costa": ("hikvision CoST", "cost", "tv_resnet50", {"kind": "a", "pooling": "code"}),
    "cost costb": ("hikvision CoST", "cost", "tv_resnet50", {"kind": "b", "pooling": "code"}),
    "temporal-shift-module r50": ("temporal-shift-module", "tsm", "tv_resnet50", {}),
    "temporal-shift-module r50_nl": (
        "temporal-shift-module",
        "tsm+nonlocal",
        "tv_resnet50",
        {"sub_sample": True},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_network_is_recognised(name, state_of):
    found = recognise(state_of(name))
    assert (found.format, found.method, found.backbone, found.options) == EXPECTED[name]
    assert found.num_classes == 87


def test_wrappers_of_parallel_and_compiled_modules_do_not_matter(state_of):
    state = state_of("mmaction2 tsn_r18")
    for wrapper in ("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."):
        found = recognise({wrapper + key: value for key, value in state.items()})
        assert (found.method, found.backbone) == ("tsn", "tv_resnet18")
        assert set(found.keys.values()) == {wrapper + key for key in state}


def test_without_a_head(state_of):
    state = state_of("mmaction2 tsn_r18")
    found = recognise({key: value for key, value in state.items() if "cls_head" not in key})
    assert found.num_classes is None


def test_an_unknown_format():
    state = {"encoder.layers.0.weight": np.zeros((2, 2)), "encoder.layers.1.weight": np.zeros(2)}
    with pytest.raises(ValueError, match=r"x.pth is of no known format .*begin encoder.layers.0"):
        recognise(state, "x.pth")


def test_another_depth(state_of):
    state = state_of("mmaction2 tsn_r18")
    state = {key: value for key, value in state.items() if "layer3.1" not in key}
    with pytest.raises(ValueError, match=r"2 \+ 2 \+ 1 \+ 2 blocks; those here have 18, 34, 50"):
        recognise(state)


@pytest.mark.parametrize(
    ("pattern", "put", "reason"),
    [
        ("layer2.", "layer2.net.", "pooled before layer2 alone"),
        ("layer2.0.conv1.net.", "layer2.0.net.conv1.", "in place, on the shortcut too"),
    ],
)
def test_variants_of_tsm_that_are_not_here(pattern, put, reason, state_of):
    state = state_of("temporal-shift-module r50")
    state = {key.replace(pattern, put): value for key, value in state.items()}
    with pytest.raises(ValueError, match=reason):
        recognise(state)
