"""The table of methods: what each grafts onto an image model, or builds without one."""

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
    """The methods that `build_video_model` knows, each with a line about it.

    Example:
        >>> list_models()["tsm"]
        'Shifted channels before the first convolution of residual branches; no weights.'
    """
    methods = METHODS | NETWORKS
    return {
        name: (inspect.getdoc(method) or "").partition("\n")[0] for name, method in methods.items()
    }


def default_frames(method: str, options: dict) -> int:
    """The frames of a clip where nothing is said: 8; SlowFast's own, as its variant says."""
    if method in NETWORKS:
        return frames_of_variant(options.get("variant", "4x16"))
    return 8


def check_method(method: str, options: dict, besides: tuple[str, ...] = ()) -> None:
    """Raises ValueError if there is no such method, or it has no such option or value.

    Args:
        method: Temporal method.
        options: Options to check, `temporal_pooling` among them.
        besides: Other names that the caller takes, which may have been misspelled.
    """
    parameters = options_of(method)
    for name, value in options.items():
        if name == "temporal_pooling":
            _check_pooling(value)
        elif name not in parameters:
            raise unknown_name(
                f"option of {method}", name, [*parameters, "temporal_pooling", *besides]
            )
        elif parameters[name].annotation is bool:
            check_switch(name, value)


def _check_pooling(value: object) -> None:
    """Raises ValueError unless frames are pooled as the option `temporal_pooling` can say."""
    if not isinstance(value, bool) and value not in MODES:
        raise ValueError(f"`temporal_pooling` is True, False, 'max' or 'avg'; received {value!r}.")


def options_of(method: str) -> dict[str, inspect.Parameter]:
    """The options that a method has besides `temporal_pooling`, which each has."""
    shared = ("anatomy", "clip", "backbone", "temporal_pooling")
    return {
        name: parameter
        for recipe in _recipes(method)
        for name, parameter in inspect.signature(recipe).parameters.items()
        if name not in shared
    }


def check_switch(name: str, value: object) -> None:
    """Raises ValueError unless an option that is on or off is told so."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` is True or False; received {value!r}.")


def _recipes(method: str) -> list[Callable]:
    """The recipes of a method; several methods stand together, joined by `+`."""
    methods = METHODS | NETWORKS
    if method in methods:
        return [methods[method]]
    names = str(method).split("+")
    for name in names:
        if name in NETWORKS:
            raise ValueError(f"{name} is a network of its own: it stands with no other method.")
        if name not in METHODS:
            raise unknown_name("method", name, methods)
    if len(set(names)) < len(names):
        raise ValueError(f"Methods stand together once each; received {method!r}.")
    return [METHODS[name] for name in names]


def _options(recipe: Callable) -> list[str]:
    return list(inspect.signature(recipe).parameters)


def grafts_of(
    method: str, anatomy: Anatomy, temporal_pooling: bool | str, options: dict
) -> list[Graft]:
    """The grafts of a method, with the temporal poolings last where they are asked for.

    A recipe that knows another way to reduce the frames takes `temporal_pooling` itself.
    """
    grafts: list[Graft] = []
    pooled: bool | str = False
    for recipe in _recipes(method):
        own = {name: value for name, value in options.items() if name in _options(recipe)}
        if "temporal_pooling" in _options(recipe):
            own["temporal_pooling"] = pooled = temporal_pooling
        grafts += recipe(anatomy, **own)
    poolings = pool_frames(anatomy, temporal_pooling) if temporal_pooling and not pooled else []
    return grafts + poolings
