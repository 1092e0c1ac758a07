"""Gives a video model the weights of a PyTorch network: everything fits, or nothing is set."""

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
    """Gives a video model the weights of a PyTorch network, by name, with every shape checked.

    Nothing is set unless everything fits. Other classes start a new head.

    Args:
        model: A video model of the same method and backbone.
        state: The weights as the project names them, as `torch.save` keeps a `state_dict`.
        allow: Patterns (`*` and `?`) of keys that may be left over.
        origin: Name of the checkpoint in errors.

    Returns:
        What was adopted, new and unused.

    Raises:
        ValueError: If a weight of the model has no value, a shape differs, or keys that `allow`
            does not name are left over.
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
    """The variables of a model with their paths, each from its layer on."""
    for layer in model.layers:
        for variable in layer.weights:
            *_, inner = variable.path.split(f"{layer.name}/", 1)
            yield f"{layer.name}/{inner}", variable


def _check_complete(
    checkpoint: Checkpoint, weights: Any, keys: Collection[str], origin: str
) -> None:
    """Raises ValueError if a weight of the model has no value."""
    missing = [path for path in weights if path not in keys]
    if missing:
        raise ValueError(
            f"{origin}, a network of the method {checkpoint.method} on {checkpoint.backbone}, "
            f"lacks {len(missing)} weights of the model: {_some(missing)}."
        )


def _leftover(
    checkpoint: Checkpoint, used: set[str], allow: Sequence[str], origin: str
) -> tuple[str, ...]:
    """What in the file found no place, as patterns; an error if it must."""
    left = [checkpoint.keys[key] for key in checkpoint.state if key not in used]
    left = [key for key in left if not fnmatchcase(key, BOOKKEEPING)]
    odd = [key for key in left if not any(fnmatchcase(key, pattern) for pattern in allow)]
    patterns = tuple(dict.fromkeys(_pattern(key, odd or left, checkpoint) for key in odd or left))
    if odd:
        remedy = (
            f"If they may be left out, name them: --allow {_some(list(map(repr, patterns)), ' ')}."
        )
        if any(checkpoint.keys[key] in odd and re.match(BLOCK, key) for key in checkpoint.keys):
            remedy = "They are parts of its blocks, without which it is another network."
        raise ValueError(
            f"{origin}, a network of the method {checkpoint.method} on {checkpoint.backbone}, has "
            f"{len(odd)} weights without a place in the model: {_some(odd)}. {remedy}"
        )
    return patterns


def _pattern(key: str, odd: list[str], checkpoint: Checkpoint) -> str:
    """The widest part of the network with this key that is odd as a whole, as a pattern."""
    keys, parts = checkpoint.keys.values(), key.split(".")
    for length in range(1, len(parts)):
        prefix = ".".join(parts[:length]) + "."
        inside = [k for k in keys if k.startswith(prefix) and not fnmatchcase(k, BOOKKEEPING)]
        if set(inside) <= set(odd):
            return f"{prefix}*"
    return key


def _some(names: list[str], between: str = ", ") -> str:
    """The first few of many names."""
    return between.join(names[:3]) + " ..." * (len(names) > 3)


def _fitted(
    checkpoint: Checkpoint, key: str, path: str, variable: keras.Variable, origin: str
) -> np.ndarray:
    value = our_layout(key, checkpoint.state[key], tuple(variable.shape))
    if not np.isfinite(value).all():
        raise ValueError(f"{checkpoint.keys[key]} of {origin} is not finite: its training failed.")
    if value.shape != tuple(variable.shape):
        raise ValueError(
            f"{checkpoint.keys[key]} of {origin} has the shape {checkpoint.state[key].shape}, "
            f"but {path} has {tuple(variable.shape)}."
        )
    return value
