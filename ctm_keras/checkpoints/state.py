"""Loads the weights of a PyTorch network into a video model, all or none."""

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Any

import keras
import numpy as np

from ..weights.adopt import HEAD
from ..weights.report import AdoptionReport
from .names import our_layout, our_name
from .recognize import Checkpoint, recognize

BOOKKEEPING = "*num_batches_tracked"
HEAD_KEYS = {"fc.weight", "fc.bias"}
BLOCK = r"(slow\.|fast\.)?(layer\d|inception)"


def import_state(
    model: keras.Model,
    state: dict[str, np.ndarray],
    allow: Sequence[str] = (),
    origin: str = "The checkpoint",
) -> AdoptionReport:
    """Loads the weights of a PyTorch network into a video model by name, and checks all shapes.

    No weight is changed unless all fit. If the number of classes differs, the head is newly
    initialized.

    Args:
        model: A video model of the same method and backbone.
        state: The weights by the project's names, as in a `state_dict`.
        allow: Patterns (`*` and `?`) of keys that may remain unused.
        origin: Name of the checkpoint in errors.

    Returns:
        The report of adopted, new and unused weights.

    Raises:
        ValueError: If a weight of the model is missing, a shape differs, or unused keys do not
            match `allow`.
    """
    checkpoint = recognize(state, origin)
    new_head = checkpoint.num_classes != model.output_shape[-1]
    weights = {
        path: variable
        for path, variable in named_weights(model)
        if not (new_head and path.startswith(f"{HEAD}/"))
    }
    keys = {our_name(key, checkpoint.state): key for key in checkpoint.state}
    _check_complete(checkpoint, weights, keys, origin)
    used = {keys[path] for path in weights} | HEAD_KEYS
    unused = _leftover(checkpoint, used, allow, origin)
    values = [_fitted(checkpoint, keys[path], path, v, origin) for path, v in weights.items()]
    for variable, value in zip(weights.values(), values, strict=True):
        variable.assign(value)
    adopted = tuple(dict.fromkeys(path.split("/")[0] for path in weights))
    report = AdoptionReport(checkpoint.format, adopted, (HEAD,) * new_head, unused, new_head)
    model._adoption = report
    return report


def named_weights(model: keras.Model) -> Any:
    """Yields the variables of a model with their paths, each starting with the layer's name."""
    for layer in model.layers:
        for variable in layer.weights:
            *_, inner = variable.path.split(f"{layer.name}/", 1)
            yield f"{layer.name}/{inner}", variable


def _check_complete(
    checkpoint: Checkpoint, weights: Any, keys: Collection[str], origin: str
) -> None:
    """Raises ValueError if a weight of the model is missing in the checkpoint."""
    missing = [path for path in weights if path not in keys]
    if missing:
        raise ValueError(
            f"{origin} must have all weights of the model, received a network of the method "
            f"{checkpoint.method} on {checkpoint.backbone} with {len(missing)} missing: "
            f"{_some(missing)}."
        )


def _leftover(
    checkpoint: Checkpoint, used: set[str], allow: Sequence[str], origin: str
) -> tuple[str, ...]:
    """Returns patterns of the unused keys; raises ValueError if `allow` does not match one."""
    left = [checkpoint.keys[key] for key in checkpoint.state if key not in used]
    left = [key for key in left if not fnmatchcase(key, BOOKKEEPING)]
    odd = [key for key in left if not any(fnmatchcase(key, pattern) for pattern in allow)]
    patterns = tuple(dict.fromkeys(_pattern(key, odd or left, checkpoint) for key in odd or left))
    if odd:
        remedy = f"To ignore them, pass --allow {_some(list(map(repr, patterns)), ' ')}."
        if any(checkpoint.keys[key] in odd and re.match(BLOCK, key) for key in checkpoint.keys):
            remedy = "They belong to its blocks, so the networks differ."
        raise ValueError(
            f"{origin} must have only weights of the model, received a network of the method "
            f"{checkpoint.method} on {checkpoint.backbone} with {len(odd)} unmatched: "
            f"{_some(odd)}. {remedy}"
        )
    return patterns


def _pattern(key: str, odd: list[str], checkpoint: Checkpoint) -> str:
    """Returns the pattern of the largest part of the network with this key that is all unused."""
    keys, parts = checkpoint.keys.values(), key.split(".")
    for length in range(1, len(parts)):
        prefix = ".".join(parts[:length]) + "."
        inside = [k for k in keys if k.startswith(prefix) and not fnmatchcase(k, BOOKKEEPING)]
        if set(inside) <= set(odd):
            return f"{prefix}*"
    return key


def _some(names: list[str], between: str = ", ") -> str:
    """Joins the first few names."""
    return between.join(names[:3]) + " ..." * (len(names) > 3)


def _fitted(
    checkpoint: Checkpoint, key: str, path: str, variable: keras.Variable, origin: str
) -> np.ndarray:
    value = our_layout(key, checkpoint.state[key], tuple(variable.shape))
    if not np.isfinite(value).all():
        raise ValueError(
            f"{checkpoint.keys[key]} of {origin} must be finite, received NaN or infinity. Its "
            "training diverged."
        )
    if value.shape != tuple(variable.shape):
        raise ValueError(
            f"{checkpoint.keys[key]} of {origin} must have the shape {tuple(variable.shape)} of "
            f"{path}, received {checkpoint.state[key].shape}."
        )
    return value
