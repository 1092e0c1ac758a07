"""Class activation maps: where and when a video model sees a class."""

from typing import Any

import keras
import numpy as np
from keras import ops


def class_activation_maps(
    model: keras.Model, clips: np.ndarray, classes: np.ndarray | list[int] | None = None
) -> np.ndarray:
    """Class activation maps: the contribution of each position of each frame to a class score.

    The mean of a map over frames and positions plus the bias of the class is the class score.
    Evidence against the class is negative.

    Args:
        model: A video model.
        clips: Array `(clips, frames, height, width, 3)`.
        classes: A class for each clip. Defaults to the class with the highest score.

    Returns:
        A float32 array `(clips, frames, rows, columns)`, with the size of the last feature maps.
        Temporal pooling reduces the number of frames.

    Raises:
        ValueError: If the model averages its maps before the head, as SlowFast does, or if
            `classes` is not one valid class per clip.

    Example:
        >>> model = build_video_model("tsn", "tiny", 4, image_size=64, weights=None)
        >>> class_activation_maps(model, np.zeros((2, 8, 64, 64, 3), "uint8")).shape
        (2, 8, 8, 8)

    Reference:
        Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016.
    """
    pool, scores = (model.get_layer(name) for name in ("head_pool", "scores"))
    if pool.input.shape[1:3] == (1, 1):
        raise ValueError(
            f"The model must keep feature maps up to its head, received {model.name}, which "
            "averages them before."
        )
    inner = keras.Model(model.input, [pool.input, model.output])
    maps, logits = inner(ops.convert_to_tensor(clips, "float32"), training=False)
    classes = _classes(classes, ops.convert_to_numpy(logits))
    kernel = ops.take(scores.kernel, classes, axis=1)  # (channels, clips)
    maps = ops.reshape(ops.cast(maps, "float32"), (len(clips), -1, *maps.shape[1:]))
    return ops.convert_to_numpy(ops.einsum("bthwc,cb->bthw", maps, kernel))


def _classes(classes: Any, logits: np.ndarray) -> np.ndarray:
    """Returns a class for each clip."""
    if classes is None:
        return logits.argmax(axis=1)
    classes = np.asarray(classes)
    if (
        classes.shape != logits.shape[:1]
        or not ((classes >= 0) & (classes < logits.shape[1])).all()
    ):
        raise ValueError(
            f"classes must be a number from 0 to {logits.shape[1] - 1} for each of {len(logits)} "
            f"clips, received {classes.tolist()}."
        )
    return classes
