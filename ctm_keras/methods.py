"""The table of temporal methods."""

import inspect
from collections.abc import Callable

from .engine.anatomy import Anatomy
from .engine.graft import Graft
from .names import unknown_name
from .temporal.aggregation import avg_aggregation, conv_aggregation, max_aggregation
from .temporal.c2d import c2d
from .temporal.c3d import c3d
from .temporal.cost import cost
from .temporal.ctm import ctm
from .temporal.i3d import i3d
from .temporal.i3d_3x1x1 import i3d_3x1x1
from .temporal.nonlocal_block import nonlocal_block
from .temporal.pooling import MODES
from .temporal.pooling import temporal_pooling as pool_frames
from .temporal.s3d import s3d
from .temporal.slowfast import frames_of_variant, slowfast
from .temporal.stm import stm
from .temporal.tam import tam
from .temporal.tsm import tsm
from .temporal.tsn import tsn

# Recipes: each returns the layers to graft onto an image model, with their sites.
METHODS: dict[str, Callable[..., list[Graft]]] = {
    "tsn": tsn,
    "ctm": ctm,
    "cost": cost,
    "c2d": c2d,
    "c3d": c3d,
    "stm": stm,
    "i3d": i3d,
    "i3d_3x1x1": i3d_3x1x1,
    "s3d": s3d,
    "tam": tam,
    "tsm": tsm,
    "conv": conv_aggregation,
    "avg": avg_aggregation,
    "max": max_aggregation,
    "nonlocal": nonlocal_block,
}

# Networks that are not grafted: SlowFast's two pathways differ in width from any image model.
NETWORKS: dict[str, Callable] = {"slowfast": slowfast}


def list_models() -> dict[str, str]:
    """Returns the methods that `build_video_model` supports, each with a one-line description.

    Example:
        >>> list_models()["tsm"]
        'Shifted channels before the first convolution of residual branches; no weights.'
    """
    methods = METHODS | NETWORKS
    return {
        name: (inspect.getdoc(method) or "").partition("\n")[0] for name, method in methods.items()
    }


def default_frames(method: str, options: dict) -> int:
    """Returns the default number of frames in a clip: 8, or that of SlowFast's variant."""
    if method in NETWORKS:
        return frames_of_variant(options.get("variant", "4x16"))
    return 8


def check_method(method: str, options: dict, also: tuple[str, ...] = ()) -> None:
    """Raises ValueError if the method, one of its options or an option's value is invalid.

    Args:
        method: Temporal method.
        options: Options to check, including `temporal_pooling`.
        also: Other arguments of the caller, to suggest for a misspelled name.
    """
    parameters = options_of(method)
    for name, value in options.items():
        if name == "temporal_pooling":
            _check_pooling(value)
        elif name not in parameters:
            raise unknown_name(
                f"option of {method}", name, [*parameters, "temporal_pooling", *also]
            )
        elif parameters[name].annotation is bool:
            check_switch(name, value)


def _check_pooling(value: object) -> None:
    """Raises ValueError if a value of the option `temporal_pooling` is invalid."""
    if not isinstance(value, bool) and value not in MODES:
        raise ValueError(
            f"temporal_pooling must be True, False, 'max' or 'avg', received {value!r}."
        )


def options_of(method: str) -> dict[str, inspect.Parameter]:
    """Returns the options of a method, without `temporal_pooling`, which all methods have."""
    shared = ("anatomy", "clip", "backbone", "temporal_pooling")
    return {
        name: parameter
        for recipe in _recipes(method)
        for name, parameter in inspect.signature(recipe).parameters.items()
        if name not in shared
    }


def check_switch(name: str, value: object) -> None:
    """Raises ValueError if a value is not a bool."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, received {value!r}.")


def _recipes(method: str) -> list[Callable]:
    """Returns the recipes of a method, or of several methods joined by `+`."""
    methods = METHODS | NETWORKS
    if method in methods:
        return [methods[method]]
    names = str(method).split("+")
    for name in names:
        if name in NETWORKS:
            raise ValueError(
                f"{name} is a whole network and must be the only method, received {method!r}."
            )
        if name not in METHODS:
            raise unknown_name("method", name, methods)
    if len(set(names)) < len(names):
        raise ValueError(f"Each method must appear only once, received {method!r}.")
    return [METHODS[name] for name in names]


def _options(recipe: Callable) -> list[str]:
    return list(inspect.signature(recipe).parameters)


def _in_every_block(recipe: Callable) -> bool:
    """Returns whether the only value of a recipe's option `stages` is `"head"`."""
    stages = inspect.signature(recipe).parameters.get("stages")
    return stages is not None and stages.annotation == str | None


def grafts_of(
    method: str, anatomy: Anatomy, temporal_pooling: bool | str, options: dict
) -> list[Graft]:
    """Returns the grafts of a method, followed by those of temporal pooling if requested.

    Recipes that reduce the number of frames in their own way take `temporal_pooling` themselves.
    """
    grafts: list[Graft] = []
    pooled: bool | str = False
    recipes = _recipes(method)
    for recipe in recipes:
        own = {name: value for name, value in options.items() if name in _options(recipe)}
        if len(recipes) > 1 and own.get("stages") != "head" and _in_every_block(recipe):
            own.pop("stages", None)  # they are those of the other method
        if "temporal_pooling" in _options(recipe):
            own["temporal_pooling"] = pooled = temporal_pooling
        grafts += recipe(anatomy, **own)
    poolings = pool_frames(anatomy, temporal_pooling) if temporal_pooling and not pooled else []
    return grafts + poolings
