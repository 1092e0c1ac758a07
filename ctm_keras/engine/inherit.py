"""Weights that a layer takes from the layer that it replaces."""

import keras


def inherit(layer: keras.layers.Layer, replaced: keras.layers.Layer) -> None:
    """Gives a layer the weights of the layer that it replaces, unless it is newly initialized."""
    if newly_initialized(layer, replaced):
        return
    if adopts(layer, replaced):
        layer.adopt(replaced)
    elif layer.name == replaced.name:
        for target, value in zip(layer.weights, replaced.weights, strict=True):
            target.assign(value)


def adopts(layer: keras.Layer, replaced: keras.Layer) -> bool:
    """Returns whether a layer replaces one of another type and converts its weights."""
    return hasattr(layer, "adopt") and type(layer) is not type(replaced)


def newly_initialized(layer: keras.Layer, replaced: keras.Layer) -> bool:
    """Returns whether a layer replaces one of another type and cannot use its weights."""
    return getattr(layer, "newly_initialized", False) and type(layer) is not type(replaced)
