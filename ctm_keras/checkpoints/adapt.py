"""Conversions of weights where a reference implements the same function differently."""

import re

import numpy as np

State = dict[str, np.ndarray]


def add_output_biases(state: State) -> None:
    """Adds zero biases before the last batch norm of non-local blocks; some references omit it."""
    for key in [key for key in state if key.endswith(".nl.out.weight")]:
        bias = np.zeros(state[key].shape[:1], state[key].dtype)
        state.setdefault(key.replace("weight", "bias"), bias)


def fold_temporal_biases(state: State) -> None:
    """Folds the biases of S3D's temporal convolutions into the mean of the next batch norm."""
    for key in [key for key in state if re.search(r"conv\d?_t\.bias$", key)]:
        mean = re.sub(r"conv(\d?)_t\.bias$", r"bn\1_t.running_mean", key)
        if mean in state and state[mean].shape == state[key].shape:
            state[mean] = state[mean] - state.pop(key)


def put_slow_first(state: State) -> None:
    """Moves the slow pathway's features first in SlowFast's classifier; the fast's are a ninth."""
    kernel = state.get("fc.weight")
    if kernel is not None and kernel.ndim == 2 and "lateral.conv1.weight" in state:
        state["fc.weight"] = np.roll(kernel, -(kernel.shape[1] // 9), axis=1)
