"""The formats of published checkpoints: how each names its weights, what its keys tell."""

import re
from dataclasses import dataclass, field

import numpy as np

State = dict[str, np.ndarray]

DEPTHS = {
    ((2, 2, 2, 2), False): "tv_resnet18",
    ((3, 4, 6, 3), False): "tv_resnet34",
    ((3, 4, 6, 3), True): "tv_resnet50",
    ((3, 4, 23, 3), True): "tv_resnet101",
    ((3, 8, 36, 3), True): "tv_resnet152",
}


@dataclass(frozen=True)
class Format:
    """How one project names the weights of its networks.

    Args:
        name: of the project.
        mark: regular expression that one of its keys matches, and no key of the rows above.
        renames: regular expressions and what to put for them, to end with torchvision's names.
    """

    name: str
    mark: str
    renames: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was recognised.

    Args:
        format: its name.
        method: temporal method of the network.
        backbone: image model of the network.
        num_classes: of its head, None without one.
        options: of the method, as the keys tell them.
        num_frames: of a clip, where nothing else is said.
        state: its weights, by torchvision's names.
        keys: the names that they have in the file.
    """

    format: str
    method: str
    backbone: str
    num_classes: int | None
    options: dict = field(repr=False)
    state: State = field(repr=False)
    keys: dict[str, str] = field(repr=False)
    num_frames: int = 8


FORMATS = (
    Format("temporal-shift-module", r"base_model\.", (
        (r"^base_model\.", ""), (r"^new_fc\.", "fc."), (r"\.conv1\.net\.", ".conv1."),
    )),
    Format("torchvision", r"(layer1|inception3a)\.", (
        (r"^(conv\d)\.(conv|bn)\.", r"\1_\2."),
    )),
)  # fmt: skip


def recognise(state: State, origin: str = "The checkpoint") -> Checkpoint:
    """Which project wrote a checkpoint, and of which network, from its keys and shapes.

    Args:
        state: the weights by the names in the file.
        origin: what an error calls it.

    Raises:
        ValueError: if it is of no known format, or of no network that is here.
    """
    plain = {re.sub(r"^((module|_orig_mod)\.)+", "", key): key for key in state}
    for form in FORMATS:
        if any(re.match(form.mark, key) for key in plain):
            break
    else:
        known, first = ", ".join(form.name for form in FORMATS), ", ".join(list(state)[:3])
        raise ValueError(f"{origin} is of no known format ({known}): its keys begin {first}.")
    keys = {_renamed(key, form.renames): original for key, original in plain.items()}
    renamed = {key: state[original] for key, original in keys.items()}
    head = renamed.get("fc.weight")
    return Checkpoint(
        form.name,
        "tsn",
        _backbone(renamed, origin),
        None if head is None else len(head),
        {},
        renamed,
        keys,
    )


def _renamed(key: str, renames) -> str:
    for pattern, replacement in renames:
        key = re.sub(pattern, replacement, key)
    return key


def _backbone(state: State, origin: str) -> str:
    """The image model, by its numbers of blocks."""
    if any(key.startswith("inception3a.") for key in state):
        return "inception_v1"
    blocks = {match.groups() for key in state if (match := re.match(r"layer(\d)\.(\d+)\.", key))}
    numbers = tuple(sum(stage == str(s) for stage, _ in blocks) for s in (1, 2, 3, 4))
    bottleneck = any(re.match(r"layer1\.0\.conv3\.", key) for key in state)
    if (numbers, bottleneck) not in DEPTHS:
        raise ValueError(f"{origin} is a ResNet of {numbers} blocks, which is none of these here.")
    return DEPTHS[numbers, bottleneck]
