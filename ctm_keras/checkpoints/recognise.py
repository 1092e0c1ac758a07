"""Which network a checkpoint is of, from the names and shapes of its weights."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .formats import FORMATS, Format

State = dict[str, np.ndarray]

BLOCKS = {
    ((2, 2, 2, 2), False): "tv_resnet18",
    ((3, 4, 6, 3), False): "tv_resnet34",
    ((3, 4, 6, 3), True): "tv_resnet50",
    ((3, 4, 23, 3), True): "tv_resnet101",
    ((3, 8, 36, 3), True): "tv_resnet152",
}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was recognised.

    Args:
        format: name of the project.
        method: temporal method of the network.
        backbone: image model of the network.
        num_classes: of its head, None without one.
        options: of the method, as the keys tell them.
        state: its weights, by the names in the file without wrappers, as torchvision has them.
        keys: the names that they have in the file.
        untold: options that neither keys nor shapes tell.
        num_frames: of a clip, where nothing else is said.
    """

    format: str
    method: str
    backbone: str
    num_classes: int | None
    options: dict
    state: State = field(repr=False)
    keys: dict[str, str] = field(repr=False)
    untold: tuple[str, ...] = ()
    num_frames: int = 8

    def __str__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        classes = "no classifier" if self.num_classes is None else f"{self.num_classes} classes"
        return f"{self.method} on {self.backbone}{options}, {classes}"


def recognise(state: State, origin: str = "The checkpoint") -> Checkpoint:
    """Which project wrote a checkpoint, and of which network.

    Args:
        state: the weights by the names in the file.
        origin: what an error calls it.

    Raises:
        ValueError: if it is of no known format, or of no network that is here.
    """
    plain = {re.sub(r"^((module|_orig_mod)\.)+", "", key): key for key in state}
    form = _format(plain, origin)
    for pattern, reason in form.refused:
        if _any(pattern, plain):
            raise ValueError(f"{origin} is a network of {form.name} that is not here: {reason}.")
    keys = {_renamed(key, form): original for key, original in plain.items()}
    named = {key: state[original] for key, original in keys.items()}
    _add_zeros(form, named, keys)
    _fold_biases(form, named)
    methods = [name for pattern, name in form.methods if _any(pattern, plain)]
    if not methods:
        methods = [_by_kernels(named)]
    head = named.get("fc.weight")
    return Checkpoint(
        form.name,
        "+".join(methods),
        _backbone(named, origin),
        None if head is None else len(head),
        _told(methods, named, plain),
        named,
        keys,
        form.untold + tuple(name for method in methods for name in UNTOLD.get(method, ())),
    )


def _told(methods: list[str], state: State, keys) -> dict:
    """The options of the methods, as far as weights and keys tell them."""
    told = {}
    for method in methods:
        if method in OPTIONS:
            told |= OPTIONS[method](state, keys)
    return told


def _format(keys, origin: str) -> Format:
    for form in FORMATS:
        if _any(form.mark, keys):
            return form
    known, first = ", ".join(form.name for form in FORMATS), ", ".join(list(keys)[:3])
    raise ValueError(f"{origin} is of no known format ({known}): its keys begin {first}.")


def _any(pattern: str, keys) -> bool:
    return any(re.match(pattern, key) for key in keys)


def _renamed(key: str, form: Format) -> str:
    for pattern, replacement in form.renames:
        key = re.sub(pattern, replacement, key)
    return key


def _add_zeros(form: Format, state: State, keys: dict[str, str]):
    """Adds the biases that ours have and theirs do not."""
    for pattern, bias in form.zeros:
        for kernel in [key for key in state if re.match(pattern, key)]:
            name = re.sub(pattern, bias, kernel)
            keys.setdefault(name, keys[kernel])
            state.setdefault(name, np.zeros(len(state[kernel]), "float32"))


def _fold_biases(form: Format, state: State):
    """Moves biases that ours do not have into the mean of the batch norm that follows."""
    for pattern, mean in form.folded:
        for bias in [key for key in state if re.match(pattern, key)]:
            name = re.sub(pattern, mean, bias)
            state[name] = state[name] - state.pop(bias)


def _by_kernels(state: State) -> str:
    """The method of a network whose temporal parts have no names, from its kernels in time."""
    lengths = {key: value.shape[2] for key, value in state.items() if value.ndim == 5}
    long = [key for key, length in lengths.items() if length > 1]
    if not long:
        return "c2d" if lengths else "tsn"
    return "c3d" if all(re.match(r"layer\d\.\d+\.conv1\.", key) for key in long) else "i3d"


def _backbone(state: State, origin: str) -> str:
    """The image model, by its numbers of blocks."""
    if _any(r"inception3a\.", state):
        return "inception_v1"
    blocks = {match.groups() for key in state if (match := re.match(r"layer(\d)\.(\d+)\.", key))}
    numbers = tuple(sum(stage == str(s) for stage, _ in blocks) for s in (1, 2, 3, 4))
    bottleneck = _any(r"layer1\.0\.conv3\.", state)
    if (numbers, bottleneck) not in BLOCKS:
        raise ValueError(
            f"{origin} is a ResNet of {' + '.join(map(str, numbers))} blocks; those here have "
            f"{', '.join(name.removeprefix('tv_resnet') for name in BLOCKS.values())} layers."
        )
    return BLOCKS[numbers, bottleneck]


def _cost_options(state: State, keys) -> dict:
    long = state["conv1.weight"].shape[2] > 1
    return {
        "kind": "a" if _any(r".*\.alpha$", state) else "b",
        "pooling": "code32" if long else "code",
    }


def _c2d_options(state: State, keys) -> dict:
    return {"pooling": "code"}


def _c3d_options(state: State, keys) -> dict:
    return {"pooling": "code", "time_padding": "zero"}


def _tam_options(state: State, keys) -> dict:
    frames = {key.rpartition(".")[2] for key in state if ".tam.frame_" in key}
    return {"blending_frames": len(frames)}


def _nonlocal_options(state: State, keys) -> dict:
    embedded = {} if _any(r".*\.nl\.theta\.", state) else {"mode": "gaussian"}
    return {"sub_sample": _any(r".*\.g\.0\.", keys), **embedded}


def _i3d_options(state: State, keys) -> dict:
    return {"time_padding": "zero", **_reference_pools(state)}


def _s3d_options(state: State, keys) -> dict:
    kernels = [value for key, value in state.items() if re.search(r"conv\d?_t\.weight$", key)]
    return {"depthwise": kernels[0].shape[1] == 1, **_reference_pools(state)}


def _reference_pools(state: State) -> dict:
    return {"pools": "reference"} if _any(r"inception3a\.", state) else {}


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
}
