"""Batch norm in training: fixed for fine-tuning, synchronised over devices."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The batch norm layers of a model, in the order of its graph, the stem's first."""
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def freeze_batch_norm(model: keras.Model, resumed: bool = False) -> list[str]:
    """Fixes every batch norm but the first (the stem's), for fine-tuning a video model.

    A fixed layer uses its moving statistics and learns neither scale nor offset.

    Args:
        model: A video model with trained weights.
        resumed: Whether the trained weights come later, from a run's saved state.

    Returns:
        The names of the fixed layers.

    Raises:
        ValueError: If a scale is still all zero, as the last batch norm of a new CTM path
            is: fixed, it would keep the path at zero for ever.

    Reference:
        CTM, section 4.2 ("All the BN layers are fixed except the first one").
    """
    frozen = batch_norms(model)[1:]
    for layer in frozen:
        if layer.scale and not resumed and not keras.ops.any(layer.gamma):
            raise ValueError(
                f"Batch norm cannot be fixed: the scale of {layer.name!r} is still zero, so its "
                "path would never learn. Fixing is for fine-tuning a trained video model: give "
                "its file as --weights, or train without --freeze-bn."
            )
    for layer in frozen:
        layer.trainable = False
    return [layer.moving_mean.path.rpartition("/")[0] for layer in frozen]


@contextmanager
def synchronized(model: keras.Model, value: bool) -> Iterator[None]:
    """Switches the synchronisation of batch norm over devices for the time of a block.

    Saved models must carry False: Keras refuses True on JAX and PyTorch.
    """
    layers = batch_norms(model)
    before = [layer.synchronized for layer in layers]
    for layer in layers:
        layer.synchronized = value
    try:
        yield
    finally:
        for layer, old in zip(layers, before, strict=True):
            layer.synchronized = old
