"""What the kernels and keys of a network tell of its method and of the method's options."""

import re
from collections.abc import Callable

import numpy as np

State = dict[str, np.ndarray]


def has(pattern: str, keys) -> bool:
    """Whether one of the keys begins with what a regular expression matches."""
    return any(re.match(pattern, key) for key in keys)


def frames(state: State, key: str) -> int:
    """Frames that a kernel reaches over."""
    return state[key].shape[2] if key in state and state[key].ndim == 5 else 1


def method_by_kernels(state: State) -> str:
    """The method of a network whose temporal parts have no names, from its kernels in time."""
    long = [key for key in state if frames(state, key) > 1]
    if not long:
        return "c2d" if any(value.ndim == 5 for value in state.values()) else "tsn"
    return "c3d" if all(re.match(r"layer\d\.\d+\.conv1\.", key) for key in long) else "i3d"


def _cost_options(state: State, keys) -> dict:
    kind = "a" if has(r".*\.alpha$", state) else "b"
    return {"kind": kind, "pooling": _pooling(state)}


def _c2d_options(state: State, keys) -> dict:
    return {"pooling": _pooling(state)}


def _c3d_options(state: State, keys) -> dict:
    return {"pooling": _pooling(state), "time_padding": "zero"}


def _pooling(state: State) -> str:
    """That of the official code of CoST, by the frames that the stem sees."""
    return "code32" if frames(state, "conv1.weight") == 5 else "code"


def _tam_options(state: State, keys) -> dict:
    frames = {key.rpartition(".")[2] for key in state if ".tam.frame_" in key}
    return {"blending_frames": len(frames)}


def _nonlocal_options(state: State, keys) -> dict:
    embedded = {} if has(r".*\.nl\.theta\.", state) else {"mode": "gaussian"}
    return {"sub_sample": has(r".*\.g\.0\.", keys), **embedded}


def _i3d_options(state: State, keys) -> dict:
    return {"time_padding": "zero", **_reference_pools(state)}


def _s3d_options(state: State, keys) -> dict:
    kernels = [value for key, value in state.items() if re.search(r"conv\d?_t\.weight$", key)]
    return {"depthwise": kernels[0].shape[1] == 1, **_reference_pools(state)}


def _reference_pools(state: State) -> dict:
    return {"pools": "reference"} if has(r"inception3a\.", state) else {}


def _slowfast_options(state: State, keys) -> dict:
    kernel = frames(state, "lateral.conv1.weight")
    long = [key for key in state if re.match(r"slow\.layer3\.\d+\.conv1\.", key)]
    return {
        "variant": "4x16" if kernel == 5 and len(long) == 6 else "8x8",
        "fusion_kernel": kernel,
        "temporal_blocks": sum(frames(state, key) > 1 for key in long),
        "lateral_norm": "lateral.bn1.weight" in state,
        "slow_frames": "strided" if has(r"backbone\.", keys) else "spread",
    }


# Options that change what a network computes, and not its weights.
UNTOLD = {"tam": ("blending",), "tsm": ("fold_div",), "nonlocal": ("mode", "scale")}

# What the keys tell of a method's options: from the weights by name, and the keys in the file.
OPTIONS: dict[str, Callable[..., dict]] = {
    "cost": _cost_options,
    "i3d": _i3d_options,
    "s3d": _s3d_options,
    "c2d": _c2d_options,
    "c3d": _c3d_options,
    "tam": _tam_options,
    "nonlocal": _nonlocal_options,
    "slowfast": _slowfast_options,
}
