"""Which network a checkpoint is of, from the names and shapes of its weights."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.preprocessing import Preprocessing
from .formats import FORMATS, Format
from .options import OPTIONS, UNTOLD, has, method_by_kernels

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
    """A checkpoint that was recognized.

    Args:
        format: Name of the project.
        method: Temporal method of the network.
        backbone: Image model of the network.
        num_classes: Classes of its head, None without one.
        options: Options of the method, as the keys tell them.
        state: Its weights, by the names in the file without wrappers, as torchvision has them.
        keys: The names that they have in the file.
        untold: Options that neither keys nor shapes tell.
        pixels: Preprocessing that the network expects, if not the backbone's.
    """

    format: str
    method: str
    backbone: str
    num_classes: int | None
    options: dict
    state: State = field(repr=False)
    keys: dict[str, str] = field(repr=False)
    untold: tuple[str, ...]
    pixels: Preprocessing | None

    def __str__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        classes = "no classifier" if self.num_classes is None else f"{self.num_classes} classes"
        return f"{self.method} on {self.backbone}{options}, {classes}"


def recognize(state: State, origin: str = "The checkpoint") -> Checkpoint:
    """Which project wrote a checkpoint, and of which network.

    Args:
        state: The weights by the names in the file.
        origin: Name of the checkpoint in errors.

    Raises:
        ValueError: If it is of no known format, or of no network that is here.
    """
    plain = {re.sub(WRAPPED, "", key): key for key in state}
    form = _format(plain, origin)
    for pattern, reason in form.refused:
        if has(pattern, plain):
            raise ValueError(f"{origin} is a network of {form.name} that is not here: {reason}.")
    keys = {_renamed(key, form): original for key, original in plain.items()}
    if len(keys) < len(state):
        double = next(key for key in state if key not in keys.values())
        raise ValueError(f"{origin} has two weights for one place: {double} is one of them.")
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
        _told(methods, named, plain),
        named,
        keys,
        _untold(form, methods, num_classes),
        form.pixels,
    )


def _untold(form: Format, methods: list[str], num_classes: int | None) -> tuple[str, ...]:
    """The options that neither keys nor shapes tell; an image model of ImageNet's has none."""
    if methods == ["tsn"] and num_classes == IMAGENET_CLASSES:
        return ()
    return form.untold + tuple(name for method in methods for name in UNTOLD.get(method, ()))


def _told(methods: list[str], state: State, keys: Collection[str]) -> dict:
    """The options of the methods, as far as weights and keys tell them."""
    told: dict[str, Any] = {}
    for method in methods:
        if method in OPTIONS:
            told |= OPTIONS[method](state, keys)
    return told


def _format(keys: Collection[str], origin: str) -> Format:
    for form in FORMATS:
        if has(form.mark, keys):
            return form
    known = ", ".join(dict.fromkeys(form.name for form in FORMATS))
    first = ", ".join(list(keys)[:3])
    raise ValueError(f"{origin} is of no known format ({known}): its keys begin {first}.")


def _renamed(key: str, form: Format) -> str:
    for pattern, replacement in form.renames:
        key = re.sub(pattern, replacement, key)
    return key


def matrices(state: State) -> list[str]:
    """The keys of the matrices outside the blocks, where a classifier stands."""
    found = (key for key, value in state.items() if np.ndim(value) == 2)
    return [key for key in found if key.endswith(".weight") and not re.match(INSIDE, key)]


def _classifier_as_fc(keys: dict[str, str], state: State) -> dict[str, str]:
    """The keys with the classifier called `fc`, if there is just one."""
    found = matrices({key: state[original] for key, original in keys.items()})
    found = [key for key in found if re.fullmatch(CLASSIFIER, key)]
    if len(found) != 1:
        return keys
    module = found[0].removesuffix("weight")
    return {re.sub(rf"^{re.escape(module)}", "fc.", key): value for key, value in keys.items()}


def _backbone(state: State, keys: list[str], origin: str) -> str:
    """The image model, by its numbers of blocks."""
    if has(r"inception3a\.", state):
        return "inception_v1"
    if not has(r"(slow\.)?layer1\.0\.conv[1-3]\.", state):
        raise ValueError(
            f"{origin} is neither a ResNet nor an Inception-V1, which alone can be read: its keys "
            f"begin {', '.join(keys[:3])}."
        )
    numbers = _blocks(state, r"(?:slow\.)?layer")
    fast = _blocks(state, r"fast\.layer")
    if any(fast) and fast != numbers:
        raise ValueError(
            f"{origin} is a SlowFast whose pathways have different depths ({_sum(numbers)} and "
            f"{_sum(fast)} blocks): such a network is not here."
        )
    bottleneck = has(r"(slow\.)?layer1\.0\.conv3\.", state)
    if (numbers, bottleneck) not in BLOCKS:
        raise ValueError(
            f"{origin} is a ResNet of {_sum(numbers)} blocks; those here have "
            f"{', '.join(name.removeprefix('tv_resnet') for name in BLOCKS.values())} layers."
        )
    return BLOCKS[numbers, bottleneck]


def _blocks(state: State, stages: str) -> tuple[int, ...]:
    """The numbers of blocks of a pathway's stages, whose keys begin with a regular expression."""
    found = (re.match(rf"{stages}(\d)\.(\d+)\.", key) for key in state)
    blocks = {match.groups() for match in found if match}
    return tuple(sum(stage == str(s) for stage, _ in blocks) for s in (1, 2, 3, 4))


def _sum(numbers: tuple[int, ...]) -> str:
    return " + ".join(map(str, numbers))
