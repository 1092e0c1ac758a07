"""Where and when in a clip a video model sees a class."""

from typing import Any

import keras
import numpy as np
from keras import ops


def class_activation_maps(
    model: keras.Model, clips: np.ndarray, classes: np.ndarray | list[int] | None = None
) -> np.ndarray:
    """What each position of each frame adds to the score of a class.

    The mean of a map over frames and positions, and the bias of the class, are its score: nothing
    is left out, and what speaks against the class is below zero.

    Args:
        model: A video model.
        clips: Array `(clips, frames, height, width, 3)`.
        classes: A class for each clip; by default the one with the best score.

    Returns:
        float32 array `(clips, frames, rows, columns)`, of as many frames, rows and columns as the
        last feature maps have: temporal pooling leaves fewer frames.

    Raises:
        ValueError: If the model keeps no maps up to its scores, as SlowFast, or there is not one
            class for each clip.

    Example:
        >>> model = build_video_model("tsn", "tiny", 4, image_size=64, weights=None)
        >>> class_activation_maps(model, np.zeros((2, 8, 64, 64, 3), "uint8")).shape
        (2, 8, 8, 8)

    Reference:
        Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016.
    """
    pool, scores = (model.get_layer(name) for name in ("head_pool", "scores"))
    if pool.input.shape[1:3] == (1, 1):
        raise ValueError(f"{model.name} averages its maps before its head: it has none to show.")
    inner = keras.Model(model.input, [pool.input, model.output])
    maps, logits = inner(ops.convert_to_tensor(clips, "float32"), training=False)
    classes = _classes(classes, ops.convert_to_numpy(logits))
    kernel = ops.take(scores.kernel, classes, axis=1)  # (channels, clips)
    maps = ops.reshape(ops.cast(maps, "float32"), (len(clips), -1, *maps.shape[1:]))
    return ops.convert_to_numpy(ops.einsum("bthwc,cb->bthw", maps, kernel))


def _classes(classes: Any, logits: np.ndarray) -> np.ndarray:
    """A class for each clip."""
    if classes is None:
        return logits.argmax(axis=1)
    classes = np.asarray(classes)
    if (
        classes.shape != logits.shape[:1]
        or not ((classes >= 0) & (classes < logits.shape[1])).all()
    ):
        raise ValueError(
            f"`classes` are one of 0 to {logits.shape[1] - 1} for each of {len(logits)} clips; "
            f"received {classes.tolist()}."
        )
    return classes
