"""Conversion of names and layouts of weights from torchvision's to Keras'."""

import re
from collections.abc import Collection

import numpy as np

NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
PLAIN = {"weight": "kernel"}
BLOCK_PARTS = (
    (r"conv(\d)", r"\1_conv"),
    (r"bn(\d)", r"\1_bn"),
    (r"(conv|bn)(\d)_t", r"\2_temporal/\1"),
    (r"conv(\d)\.fc1", r"\1_conv/channels_fc"),
    (r"conv(\d)\.fc2", r"\1_conv/views_fc"),
    (r"downsample\.0", "0_conv"),
    (r"downsample\.1", "0_bn"),
    (r"nl\.(\w+)", r"nonlocal/\1"),
    (r"shift", "cstm"),
    (r"mb\.stage_conv", "cmm/reduce"),
    (r"mb\.stage_bn", "cmm/reduce_bn"),
    (r"mb\.shift", "cmm/motion_conv"),
    (r"mb\.conv1x1", "cmm/restore"),
)
OTHER_PARTS = (
    (r"^(conv|bn)(\d)", r"conv\2_\1"),
    (r"^(conv|bn)(\d)_t", r"conv\2_temporal/\1"),
    (r"\.(conv|bn)_t", r"_temporal/\1"),
)


def our_name(key: str, keys: Collection[str]) -> str:
    """Returns the path of the variable for a weight with torchvision's name.

    Args:
        key: Key of the weight: `"layer1.0.conv2.weight"` becomes `"conv2_block1_2_conv/kernel"`.
        keys: All keys of the checkpoint. A running mean identifies a batch norm.
    """
    module, _, weight = key.rpartition(".")
    names = NORM if f"{module}.running_mean" in keys else PLAIN
    return f"{our_layer(module)}/{names.get(weight, weight)}"


def our_layer(module: str) -> str:
    """Returns the name of the layer for a module with torchvision's name."""
    if pathway := re.fullmatch(r"(slow|fast|lateral)\.(.+)", module):
        return f"{pathway[1]}_{our_layer(pathway[2])}"
    if block := re.fullmatch(r"layer(\d)\.(\d+)\.(.+)", module):
        stage, index, part = block.groups()
        for pattern, replacement in BLOCK_PARTS:
            part = re.sub(rf"^{pattern}$", replacement, part)
        return f"conv{int(stage) + 1}_block{int(index) + 1}_{part}"
    for pattern, replacement in OTHER_PARTS:
        module = re.sub(rf"{pattern}$", replacement, module)
    return "scores" if module == "fc" else module.replace(".", "_")


def our_layout(key: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Converts a weight to Keras' layout: a kernel `(out, in, ...)` becomes `(..., in, out)`.

    Axes of size 1 may be added or removed: a 1 x 3 x 3 kernel becomes 3 x 3, and the axes of a
    depthwise kernel are reordered.

    Args:
        key: Key of the weight. Those of kernels end in `weight`.
        value: The weight in PyTorch's layout.
        shape: Shape of the variable.

    Returns:
        The weight in that shape, or unchanged if the shapes do not fit.
    """
    if key.endswith("weight") and value.ndim > 1:
        value = np.moveaxis(value, (1, 0), (-2, -1))
    same = [n for n in value.shape if n > 1] == [n for n in shape if n > 1]
    return value.reshape(shape) if same else value
