"""What a layer takes from the one that it stands instead of."""

import keras


def inherit(layer: keras.layers.Layer, replaced: keras.layers.Layer) -> None:
    """Gives a layer the weights of the one that it stands instead of, if they are meant for it."""
    if starts_afresh(layer, replaced):
        return
    if stands_instead(layer, replaced):
        layer.adopt(replaced)
    elif layer.name == replaced.name:
        for target, value in zip(layer.weights, replaced.weights, strict=True):
            target.assign(value)


def stands_instead(layer: keras.Layer, other: keras.Layer) -> bool:
    """Whether a layer takes the place of one of another kind, and knows how to use its weights."""
    return hasattr(layer, "adopt") and type(layer) is not type(other)


def starts_afresh(layer: keras.Layer, other: keras.Layer) -> bool:
    """Whether a layer takes the place of one of another kind, but has no use for its weights."""
    return getattr(layer, "starts_afresh", False) and type(layer) is not type(other)
