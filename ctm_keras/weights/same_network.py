"""Checks that the network of a file matches a model, layer by layer."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import keras

from ..engine.folding import Fold, Unfold
from .origin import Origin, is_noted, is_temporal, settings


def check_backbone(
    path: str | Path, model: keras.Model, saved: keras.Model, odd_layers: list[keras.Layer]
) -> None:
    """Raises ValueError if the image models differ; compares layers if a name is unknown."""
    ours, theirs = Origin.of(model).image_model, Origin.of(saved).image_model
    odd = [x.name for x in odd_layers if not is_temporal(x)]
    if ours != theirs and (theirs or odd):
        raise ValueError(
            f"The backbone of {path} must be {ours or 'that of the model'}, received "
            f"{theirs or 'another one'}: {len(odd)} layers are in one of them only "
            f"({_some(odd)}). Build the model with {theirs or 'the backbone of the file'}."
        )


def check_layers(path: str | Path, model: keras.Model, saved: keras.Model) -> None:
    """Raises ValueError if the networks differ in layers or settings without weights."""
    if found := list(_differences(model, saved)):
        options = _different_options(model, saved)
        raise ValueError(
            f"The network of {path} differs from the model: "
            f"{_some([*options.values(), *found], len(options) + 3)}. "
            f"{_remedy(model, saved, options)}"
        )


def _remedy(model: keras.Model, saved: keras.Model, differ: Iterable[str]) -> str:
    """Returns the remedy: omit options that were set, or set those that the file does not store."""
    ours, theirs = Origin.of(model), Origin.of(saved)
    if given := [name for name in differ if name in ours.options]:
        return f"Omit {', '.join(given)} to use the values of the file, or pass those values."
    unknown = theirs.unknown_options
    if not (is_noted(saved) or differ) and ours.method == theirs.method and unknown:
        return (
            "The file does not store its options. Pass those that it was built with, among "
            f"{', '.join(unknown)}."
        )
    own = ", ".join(f"{name}={value!r}" for name, value in theirs.options.items())
    return f"Build the model with the options of the file{': ' * bool(own)}{own}."


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + " ..." * (len(names) > most)


def _differences(model: keras.Model, saved: keras.Model) -> Iterator[str]:
    """Describes how the layers of a saved model differ from those of a model.

    If the methods differ, only the temporal layers that both models have are compared.
    """
    same = Origin.of(saved).method == Origin.of(model).method
    ours, theirs = ({layer.name: layer for layer in m.layers} for m in (model, saved))
    for name in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(name), theirs.get(name)
        if type(one) is type(other):
            if is_temporal(one):
                yield from _different_values(one, other)
        elif same and not isinstance(one or other, Fold | Unfold):
            yield f"{name} is {_kind(other)}, in the model {_kind(one)}"


def _different_options(model: keras.Model, saved: keras.Model) -> dict[str, str]:
    """Describes the options in which a saved model of the same method differs from a model."""
    ours, theirs = Origin.of(model), Origin.of(saved)
    if theirs.method != ours.method:
        return {}
    known = theirs.options | (ours.options if is_noted(saved) else {})
    pairs = {
        name: [
            repr(o.options[name]) if name in o.options else "the default" for o in (theirs, ours)
        ]
        for name in known
    }
    return {
        name: f"{name} is {other}, in the model {own}"
        for name, (other, own) in pairs.items()
        if own != other
    }


def _different_values(one: keras.Layer, other: keras.Layer) -> Iterator[str]:
    """Describes the settings in which a layer differs from one of the same type."""
    ours, theirs = settings(one), settings(other)
    for key in ours:
        if ours[key] != theirs.get(key):
            yield f"{key} of {one.name} is {theirs.get(key)!r}, in the model {ours[key]!r}"


def _kind(layer: keras.Layer) -> str:
    return "missing" if layer is None else f"a {type(layer).__name__}"
