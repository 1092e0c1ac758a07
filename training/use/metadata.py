"""What a client of an exported model must know: stored in every exported file, and beside it."""

from typing import Any

import keras

import ctm_keras
from ctm_keras.weights import Origin
from training.evaluate.settings import Settings
from training.view import View

FILE = "metadata.json"


def metadata(
    model: keras.Model, view: View, settings: Settings, class_names: tuple[str, ...]
) -> dict[str, Any]:
    """Describes an exported model with values that JSON supports.

    Args:
        model: A video model.
        view: How its clips are made from videos.
        settings: The evaluation protocol.
        class_names: The classes, in order.

    Returns:
        A dict: `num_frames` and `image_size` of a clip; the fields of `View`; `rate`, the frames
        per second to which videos are resampled first, or None; `evaluation`, the `Settings`;
        `class_names`, `method`, `backbone`, and the `version` of this package.
    """
    _, frames, size, *_ = model.input_shape
    origin = Origin.of(model)
    return {
        "num_frames": frames,
        "image_size": size,
        **view.to_dict(),
        "rate": view.rate,
        "evaluation": settings.to_dict(),
        "class_names": list(class_names),
        "method": origin.method,
        "backbone": origin.backbone,
        "version": ctm_keras.__version__,
    }
