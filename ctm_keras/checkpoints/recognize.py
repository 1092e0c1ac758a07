"""Infers the network of a checkpoint from the names and shapes of its weights."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.preprocessing import Preprocessing
from .formats import FORMATS, Format
from .options import OPTIONS, UNKNOWN_OPTIONS, has, method_by_kernels

State = dict[str, np.ndarray]

IMAGENET_CLASSES = 1000
WRAPPED = r"^((module|model|net|_orig_mod)\.)+"
CLASSIFIER = r"(fc|classifier|head|last_linear|linear)(\.\d+)?\.weight"  # .1 after a dropout layer
INSIDE = r"(slow\.|fast\.)?(layer\d|inception|aux|lateral)"
BLOCKS: dict[tuple[tuple[int, ...], bool], str] = {
    ((2, 2, 2, 2), False): "tv_resnet18",
    ((3, 4, 6, 3), False): "tv_resnet34",
    ((3, 4, 6, 3), True): "tv_resnet50",
    ((3, 4, 23, 3), True): "tv_resnet101",
    ((3, 8, 36, 3), True): "tv_resnet152",
}


@dataclass(frozen=True)
class Checkpoint:
    """A recognized checkpoint.

    Args:
        format: Name of the project.
        method: Temporal method of the network.
        backbone: Image model of the network.
        num_classes: Number of classes of the head, or None without a head.
        options: Options of the method, inferred from keys and shapes.
        state: The weights by torchvision's names.
        keys: Mapping from these names to the keys in the file.
        unknown_options: Options that cannot be inferred.
        pixels: Preprocessing of the network, if it differs from the backbone's.
    """

    format: str
    method: str
    backbone: str
    num_classes: int | None
    options: dict
    state: State = field(repr=False)
    keys: dict[str, str] = field(repr=False)
    unknown_options: tuple[str, ...]
    pixels: Preprocessing | None

    def __str__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        classes = "no classifier" if self.num_classes is None else f"{self.num_classes} classes"
        return f"{self.method} on {self.backbone}{options}, {classes}"


def recognize(state: State, origin: str = "The checkpoint") -> Checkpoint:
    """Infers the project and the network of a checkpoint.

    Args:
        state: The weights by their names in the file.
        origin: Name of the checkpoint in errors.

    Raises:
        ValueError: If the format is unknown or the network is not supported.
    """
    plain = {re.sub(WRAPPED, "", key): key for key in state}
    form = _format(plain, origin)
    for pattern, reason in form.refused:
        if has(pattern, plain):
            raise ValueError(f"{origin} is an unsupported network of {form.name}: {reason}.")
    keys = {_renamed(key, form): original for key, original in plain.items()}
    if len(keys) < len(state):
        double = next(key for key in state if key not in keys.values())
        raise ValueError(f"{origin} has two weights for the same variable, one of them {double}.")
    keys = _classifier_as_fc(keys, state)
    named = {key: state[original] for key, original in keys.items()}
    for adapt in form.adapt:
        adapt(named)
    keys = {key: key for key in named} | keys
    methods = [name for pattern, name in form.methods if has(pattern, plain)]
    base = method_by_kernels(named)
    if methods in ([], ["nonlocal"]):
        methods = [base] * (not methods or base != "tsn") + methods
    head = named.get("fc.weight")
    num_classes = None
    if head is not None and head.size == math.prod(head.shape[:2]):  # also a 1 x 1 convolution
        num_classes = len(head)
    return Checkpoint(
        form.name,
        "+".join(methods),
        _backbone(named, list(plain.values()), origin),
        num_classes,
        _inferred_options(methods, named, plain),
        named,
        keys,
        _unknown_options(form, methods, num_classes),
        form.pixels,
    )


def _unknown_options(form: Format, methods: list[str], num_classes: int | None) -> tuple[str, ...]:
    """Returns the options that cannot be inferred; an ImageNet model has none."""
    if methods == ["tsn"] and num_classes == IMAGENET_CLASSES:
        return ()
    of_methods = (name for method in methods for name in UNKNOWN_OPTIONS.get(method, ()))
    return form.unknown_options + tuple(of_methods)


def _inferred_options(methods: list[str], state: State, keys: Collection[str]) -> dict:
    """Infers the options of the methods from weights and keys."""
    options: dict[str, Any] = {}
    for method in methods:
        if method in OPTIONS:
            options |= OPTIONS[method](state, keys)
    return options


def _format(keys: Collection[str], origin: str) -> Format:
    for form in FORMATS:
        if has(form.mark, keys):
            return form
    known = ", ".join(dict.fromkeys(form.name for form in FORMATS))
    first = ", ".join(list(keys)[:3])
    raise ValueError(f"{origin} must be of a known format ({known}), received the keys {first}.")


def _renamed(key: str, form: Format) -> str:
    for pattern, replacement in form.renames:
        key = re.sub(pattern, replacement, key)
    return key


def matrices(state: State) -> list[str]:
    """Returns the keys of the matrices outside the blocks, the candidates for the classifier."""
    found = (key for key, value in state.items() if np.ndim(value) == 2)
    return [key for key in found if key.endswith(".weight") and not re.match(INSIDE, key)]


def _classifier_as_fc(keys: dict[str, str], state: State) -> dict[str, str]:
    """Renames the classifier to `fc`, if there is exactly one."""
    found = matrices({key: state[original] for key, original in keys.items()})
    found = [key for key in found if re.fullmatch(CLASSIFIER, key)]
    if len(found) != 1:
        return keys
    module = found[0].removesuffix("weight")
    return {re.sub(rf"^{re.escape(module)}", "fc.", key): value for key, value in keys.items()}


def _backbone(state: State, keys: list[str], origin: str) -> str:
    """Infers the image model from its numbers of blocks."""
    if has(r"inception3a\.", state):
        return "inception_v1"
    if not has(r"(slow\.)?layer1\.0\.conv[1-3]\.", state):
        raise ValueError(
            f"{origin} must be a ResNet or an Inception-V1, received the keys "
            f"{', '.join(keys[:3])}."
        )
    numbers = _blocks(state, r"(?:slow\.)?layer")
    fast = _blocks(state, r"fast\.layer")
    if any(fast) and fast != numbers:
        raise ValueError(
            f"The pathways of {origin}, a SlowFast, must have the same depth, received "
            f"{_sum(numbers)} and {_sum(fast)} blocks."
        )
    bottleneck = has(r"(slow\.)?layer1\.0\.conv3\.", state)
    if (numbers, bottleneck) not in BLOCKS:
        raise ValueError(
            f"{origin} must be a ResNet of "
            f"{', '.join(name.removeprefix('tv_resnet') for name in BLOCKS.values())} layers, "
            f"received one of {_sum(numbers)} blocks."
        )
    return BLOCKS[numbers, bottleneck]


def _blocks(state: State, stages: str) -> tuple[int, ...]:
    """Returns the number of blocks in each stage; `stages` matches the start of their keys."""
    found = (re.match(rf"{stages}(\d)\.(\d+)\.", key) for key in state)
    blocks = {match.groups() for match in found if match}
    return tuple(sum(stage == str(s) for stage, _ in blocks) for s in (1, 2, 3, 4))


def _sum(numbers: tuple[int, ...]) -> str:
    return " + ".join(map(str, numbers))
