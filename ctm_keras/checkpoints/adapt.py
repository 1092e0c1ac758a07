"""Where a reference's weights are not ours one to one: the same function, written otherwise."""

import re

import numpy as np

State = dict[str, np.ndarray]


def add_output_biases(state: State) -> None:
    """Non-local blocks: ours have a bias before the batch norm at their end, some have none."""
    for key in [key for key in state if key.endswith(".nl.out.weight")]:
        bias = np.zeros(state[key].shape[:1], state[key].dtype)
        state.setdefault(key.replace("weight", "bias"), bias)


def fold_temporal_biases(state: State) -> None:
    """S3D: ours have no bias before a batch norm; it goes into the mean that is subtracted."""
    for key in [key for key in state if re.search(r"conv\d?_t\.bias$", key)]:
        mean = re.sub(r"conv(\d?)_t\.bias$", r"bn\1_t.running_mean", key)
        if mean in state and state[mean].shape == state[key].shape:
            state[mean] = state[mean] - state.pop(key)


def put_slow_first(state: State) -> None:
    """SlowFast: our classifier reads the slow pathway's features first, a ninth is the fast's."""
    kernel = state.get("fc.weight")
    if kernel is not None and kernel.ndim == 2 and "lateral.conv1.weight" in state:
        state["fc.weight"] = np.roll(kernel, -(kernel.shape[1] // 9), axis=1)
