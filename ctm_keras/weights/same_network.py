"""Whether the network of a file is the one that its weights are for, layer by layer."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import keras

from ..engine.folding import Fold, Unfold
from .origin import Origin, is_noted, is_temporal, settings


def check_backbone(
    path: str | Path, model: keras.Model, saved: keras.Model, odd_layers: list[keras.Layer]
) -> None:
    """Raises ValueError if the image models differ; where none is noted, by their layers."""
    ours, theirs = Origin.of(model).image_model, Origin.of(saved).image_model
    odd = [x.name for x in odd_layers if not is_temporal(x)]
    if ours != theirs and (theirs or odd):
        raise ValueError(
            f"The weights in {path} are of another backbone: {len(odd)} layers stand on one side "
            f"only ({_some(odd)}). Build the model with {theirs or 'the backbone of the file'}."
        )


def check_layers(path: str | Path, model: keras.Model, saved: keras.Model) -> None:
    """Raises ValueError if the networks differ in what has no weights."""
    if found := list(_differences(model, saved)):
        options = _different_options(model, saved)
        raise ValueError(
            f"{path} holds a network that was built otherwise: "
            f"{_some([*options.values(), *found], len(options) + 3)}. "
            f"{_remedy(model, saved, options)}"
        )


def _remedy(model: keras.Model, saved: keras.Model, differ: Iterable[str]) -> str:
    """What to do about options: leave out what was given, or give what the file cannot tell."""
    ours, theirs = Origin.of(model), Origin.of(saved)
    if given := [name for name in differ if name in ours.options]:
        return f"Leave {', '.join(given)} out to take the values of the file, or give those values."
    if not (is_noted(saved) or differ) and ours.method == theirs.method and theirs.untold:
        return (
            "The file does not note its options: give those that it was built with, of "
            f"{', '.join(theirs.untold)}."
        )
    own = ", ".join(f"{name}={value!r}" for name, value in theirs.options.items())
    return f"Build the model with the options of the file{': ' * bool(own)}{own}."


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + " ..." * (len(names) > most)


def _differences(model: keras.Model, saved: keras.Model) -> Iterator[str]:
    """In what the layers of a saved model differ from those of a model, in words.

    Of models of one method each layer counts; of others, the temporal ones that both have.
    """
    same = Origin.of(saved).method == Origin.of(model).method
    ours, theirs = ({layer.name: layer for layer in m.layers} for m in (model, saved))
    for name in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(name), theirs.get(name)
        if type(one) is type(other):
            if is_temporal(one):
                yield from _different_values(one, other)
        elif same and not isinstance(one or other, Fold | Unfold):
            yield f"{name} is {_kind(other)}, here {_kind(one)}"


def _different_options(model: keras.Model, saved: keras.Model) -> dict[str, str]:
    """The options in which a saved model of the same method differs from a model, in words."""
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
        n: f"{n} is {there}, here {here}" for n, (there, here) in pairs.items() if here != there
    }


def _different_values(one: keras.Layer, other: keras.Layer) -> Iterator[str]:
    """The settings in which a layer differs from one of the same kind."""
    ours, theirs = settings(one), settings(other)
    for key in ours:
        if ours[key] != theirs.get(key):
            yield f"{key} of {one.name} is {theirs.get(key)!r}, here {ours[key]!r}"


def _kind(layer: keras.Layer) -> str:
    return "missing" if layer is None else f"a {type(layer).__name__}"
