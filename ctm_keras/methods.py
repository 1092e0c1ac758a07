"""The table of methods: what each grafts onto an image model, or builds without one."""

import inspect
from collections.abc import Callable

from .anatomy import Anatomy
from .graft import Graft
from .names import unknown_name
from .temporal._pooling import temporal_pooling as pool_frames
from .temporal.aggregation import avg_aggregation, conv_aggregation, max_aggregation
from .temporal.c2d import c2d
from .temporal.c3d import c3d
from .temporal.cost import cost
from .temporal.ctm import ctm
from .temporal.i3d import i3d
from .temporal.i3d_3x1x1 import i3d_3x1x1
from .temporal.nonlocal_block import nonlocal_block
from .temporal.s3d import s3d
from .temporal.slowfast import slowfast
from .temporal.stm import stm
from .temporal.tam import tam
from .temporal.tsm import tsm
from .temporal.tsn import tsn

# A recipe says which layers stand where in an image model.
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

# A network is built whole: its two pathways have other widths than any image model.
NETWORKS: dict[str, Callable] = {"slowfast": slowfast}


def list_models() -> dict[str, str]:
    """The methods that `build_video_model` knows, each with a line about it."""
    methods = METHODS | NETWORKS
    return {name: inspect.getdoc(method).splitlines()[0] for name, method in methods.items()}


def check_method(method: str, options: dict):
    """Raises ValueError if there is no such method, or it has no such option."""
    recipes = _recipes(method)
    shared = ("anatomy", "clip", "backbone", "temporal_pooling")
    valid = [name for recipe in recipes for name in _options(recipe) if name not in shared]
    for name in options:
        if name not in valid:
            raise unknown_name(f"option of {method}", name, valid or ["none"])


def _recipes(method: str) -> list[Callable]:
    """The recipes of a method; several methods stand together, joined by `+`."""
    methods = METHODS | NETWORKS
    if method in methods:
        return [methods[method]]
    for name in str(method).split("+"):
        if name not in METHODS:
            raise unknown_name("method", name, methods)
    return [METHODS[name] for name in method.split("+")]


def _options(recipe: Callable) -> list[str]:
    return list(inspect.signature(recipe).parameters)


def grafts_of(method: str, anatomy: Anatomy, temporal_pooling: bool, options: dict) -> list[Graft]:
    """The grafts of a method, with the temporal poolings last where they are asked for.

    A recipe that knows another way to reduce the frames takes `temporal_pooling` itself.
    """
    grafts, pooled = [], False
    for recipe in _recipes(method):
        own = {name: value for name, value in options.items() if name in _options(recipe)}
        if "temporal_pooling" in _options(recipe):
            own["temporal_pooling"] = pooled = temporal_pooling
        grafts += recipe(anatomy, **own)
    return grafts + (pool_frames(anatomy) if temporal_pooling and not pooled else [])
