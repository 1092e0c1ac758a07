"""Importance of appearance and motion in a CoST network."""

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from ..temporal.cost import VIEWS, CoST
from ..types import Tensor

BATCH_SIZE = 8


def view_importance(
    model: keras.Model, data: np.ndarray | Iterable | None = None, by_class: bool = False
) -> dict[str, np.ndarray]:
    """Importance of the views H-W, T-W and T-H in each CoST layer: their mean coefficients.

    Args:
        model: A video model with CoST layers.
        data: Clips to average over: an array `(clips, frames, height, width, 3)` or an iterable of
            batches, with or without labels. CoST(a) needs no data: its coefficients are weights.
        by_class: Whether to average over each class; `data` must have labels.

    Returns:
        A dict from the name of each CoST layer, in the order of the network, to the means of the
        three views, which sum to one. With `by_class` they are an array `(classes, 3)`; classes
        without clips are NaN.

    Raises:
        ValueError: If the model has no CoST layers, CoST(b) has no data, or `by_class` is used
            without labels or with CoST(a), whose coefficients are the same for all classes.

    Example:
        >>> model = build_video_model("cost", "tiny", 4, image_size=64, weights=None)
        >>> view_importance(model, np.zeros((1, 8, 64, 64, 3), "uint8")).keys()
        dict_keys(['conv3_block1_1_conv', 'conv4_block2_1_conv', 'conv4_block4_1_conv'])

    Reference:
        Section 4.5, Figures 7 and 8 of the paper.
    """
    found = [layer for layer in model.layers if isinstance(layer, CoST)]
    if not found:
        raise ValueError(f"{model.name} has no CoST layers. Build a model with the method 'cost'.")
    if all(layer.kind == "a" for layer in found):
        if by_class:
            raise ValueError(
                "by_class must be False for CoST(a), received True. Its coefficients are weights, "
                "the same for all classes."
            )
        return {layer.name: _mean_over_channels(layer.coefficients(None))[0] for layer in found}
    if data is None:
        raise ValueError(
            "data must be clips for CoST(b), received None. It predicts its coefficients from the "
            "clips."
        )
    rows, labels = _importances(model, found, data)
    means = _of_classes(rows, labels, model.output_shape[-1]) if by_class else rows.mean(axis=1)
    return dict(zip([layer.name for layer in found], means, strict=True))


def _importances(model: keras.Model, found: list[CoST], data: Any) -> tuple[np.ndarray, tuple]:
    """Returns the coefficients of each layer and clip, `(layers, clips, 3)`, and all labels."""
    inner = keras.Model(model.input, [layer.input for layer in found])
    batches = [(_importance(inner, found, clips), labels) for clips, labels in _batches(data)]
    if not batches:
        raise ValueError("data must have at least one clip, received none.")
    rows, labels = zip(*batches, strict=True)
    return np.concatenate(rows, axis=1), labels


def _of_classes(rows: np.ndarray, labels: tuple, classes: int) -> np.ndarray:
    """Returns the mean over each class, `(layers, classes, 3)`; NaN for classes without clips."""
    if any(own is None for own in labels):
        raise ValueError(
            "data must have labels for by_class, received none. Pass batches of clips and labels."
        )
    own = np.concatenate([np.asarray(of_batch) for of_batch in labels])
    means = np.full((len(rows), classes, len(VIEWS)), np.nan)
    for label in np.unique(own):
        means[:, label] = rows[:, own == label].mean(axis=1)
    return means


def _importance(inner: keras.Model, found: list[CoST], clips: Any) -> np.ndarray:
    """Returns the coefficients of each layer and clip of a batch, `(layers, clips, 3)`."""
    inputs = inner(ops.convert_to_tensor(clips, "float32"), training=False)
    rows = [
        _mean_over_channels(layer.coefficients(x)) for layer, x in zip(found, inputs, strict=True)
    ]
    return np.stack([np.broadcast_to(row, (len(clips), len(VIEWS))) for row in rows])


def _mean_over_channels(coefficients: Tensor) -> np.ndarray:
    return ops.convert_to_numpy(ops.mean(ops.cast(coefficients, "float32"), axis=-1))


def _batches(data: Any) -> Iterator:
    """Yields the clips and labels of each batch; labels are None without labels."""
    if hasattr(data, "shape"):
        data = [data[i : i + BATCH_SIZE] for i in range(0, len(data), BATCH_SIZE)]
    for batch in data:
        yield batch[:2] if isinstance(batch, (tuple, list)) else (batch, None)
