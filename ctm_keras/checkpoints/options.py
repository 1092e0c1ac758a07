"""Infers the method of a checkpoint and the method's options from kernels and keys."""

import re
from collections.abc import Callable, Collection

import numpy as np

from ..engine.anatomy import by_stage

State = dict[str, np.ndarray]

NONLOCAL_BLOCKS = {3: (1, 3), 4: (1, 3, 5)}  # the default


def has(pattern: str, keys: Collection[str]) -> bool:
    """Returns whether a regular expression matches the start of one of the keys."""
    return any(re.match(pattern, key) for key in keys)


def frames(state: State, key: str) -> int:
    """Returns the temporal size of a kernel."""
    return state[key].shape[2] if key in state and state[key].ndim == 5 else 1


def method_by_kernels(state: State) -> str:
    """Infers the method from the temporal size of the kernels, for methods without named parts."""
    long = [key for key in state if frames(state, key) > 1]
    if not long:
        return "c2d" if "conv1.weight" in state and state["conv1.weight"].ndim == 5 else "tsn"
    if any(re.match(r"layer\d\.\d+\.conv[23]\.", key) for key in long) or _inception(state):
        return "i3d"
    return "c3d" if _long_blocks(state) == _blocks(state)[1::2] else "i3d_3x1x1"


def _blocks(state: State) -> list[tuple[int, int]]:
    """Returns the stage and index of each block, from 2 and 1, in the order of the network."""
    found = (re.match(r"layer(\d)\.(\d+)\.conv1\.weight", key) for key in state)
    return sorted((int(match[1]) + 1, int(match[2]) + 1) for match in found if match)


def _long_blocks(state: State) -> list[tuple[int, int]]:
    """Returns the blocks whose first convolution is temporal."""
    names = {block: f"layer{block[0] - 1}.{block[1] - 1}.conv1.weight" for block in _blocks(state)}
    return [block for block, name in names.items() if frames(state, name) > 1]


def _inception(state: State) -> bool:
    return has(r"inception3a\.", state)


def _cost_options(state: State, keys: Collection[str]) -> dict:
    kind = "a" if has(r".*\.alpha$", state) else "b"
    return {"kind": kind, "pooling": _pooling(state)}


def _c2d_options(state: State, keys: Collection[str]) -> dict:
    return {"pooling": _pooling(state)}


def _c3d_options(state: State, keys: Collection[str]) -> dict:
    return {"pooling": _pooling(state), "time_padding": "zero"}


def _pooling(state: State) -> str:
    """Infers the pooling of CoST's official code from the temporal size of the stem."""
    return "code32" if frames(state, "conv1.weight") == 5 else "code"


def _tam_options(state: State, keys: Collection[str]) -> dict:
    frames = {key.rpartition(".")[2] for key in state if ".tam.frame_" in key}
    return {"blending_frames": len(frames)}


def _tsm_options(state: State, keys: Collection[str]) -> dict:
    shifted = [key for key in keys if re.search(r"\.conv1\.(conv\.)?net\.weight$", key)]
    return {"every": 1 if len(shifted) == len(_blocks(state)) else 2}


def _nonlocal_options(state: State, keys: Collection[str]) -> dict:
    found = (re.match(r"layer(\d)\.(\d+)\.nl\.g\.weight", key) for key in state)
    blocks = by_stage((int(m[1]) + 1, int(m[2]) + 1) for m in found if m)
    return {
        "sub_sample": has(r".*\.g\.0\.", keys),
        **({} if has(r".*\.nl\.theta\.", state) else {"mode": "gaussian"}),
        **({} if blocks == NONLOCAL_BLOCKS else {"stages": tuple(blocks), "blocks": blocks}),
    }


def _i3d_options(state: State, keys: Collection[str]) -> dict:
    return {"time_padding": "zero", **_reference_pools(state)}


def _i3d_3x1x1_options(state: State, keys: Collection[str]) -> dict:
    blocks, stem = _long_blocks(state), frames(state, "conv1.weight")
    alternate = [(s, i) for s, i in _blocks(state) if s == 2 or (i % 2 == 0) == (s == 5)]
    mmaction2 = has(r"backbone\.", keys)
    inflate = "all" if blocks == _blocks(state) else by_stage(blocks)
    return {
        "inflate": "alternate" if blocks == alternate else inflate,
        "stem_frames": stem,
        "early_stride": 2 if mmaction2 and stem > 1 and blocks == alternate else 1,
        "pool": stem > 1,
        "time_padding": "zero",
    }


def _s3d_options(state: State, keys: Collection[str]) -> dict:
    kernels = [value for key, value in state.items() if re.search(r"conv\d?_t\.weight$", key)]
    depthwise = any(kernel.shape[1:2] == (1,) for kernel in kernels)
    return {"depthwise": depthwise, **_reference_pools(state)}


def _reference_pools(state: State) -> dict:
    return {"pools": "reference"} if _inception(state) else {}


def _slowfast_options(state: State, keys: Collection[str]) -> dict:
    kernel = frames(state, "lateral.conv1.weight")
    long = [key for key in state if re.match(r"slow\.layer3\.\d+\.conv1\.", key)]
    return {
        "variant": "4x16" if kernel == 5 and len(long) == 6 else "8x8",
        "fusion_kernel": kernel,
        "temporal_blocks": sum(frames(state, key) > 1 for key in long),
        "lateral_norm": "lateral.bn1.weight" in state,
        "slow_frames": "strided" if has(r"backbone\.", keys) else "spread",
    }


# Options that change the outputs of a network but not its weights.
UNKNOWN_OPTIONS = {
    "tam": ("blending",),
    "tsm": ("fold_div",),
    "nonlocal": ("mode", "scale"),
    "i3d_3x1x1": ("early_stride", "pool"),
    "slowfast": ("variant",),
    "c2d": ("pooling",),
    "c3d": ("pooling",),
}

# Functions that infer the options of a method from the renamed weights and the keys of the file.
OPTIONS: dict[str, Callable[..., dict]] = {
    "cost": _cost_options,
    "i3d": _i3d_options,
    "i3d_3x1x1": _i3d_3x1x1_options,
    "s3d": _s3d_options,
    "c2d": _c2d_options,
    "c3d": _c3d_options,
    "tam": _tam_options,
    "tsm": _tsm_options,
    "nonlocal": _nonlocal_options,
    "slowfast": _slowfast_options,
}
