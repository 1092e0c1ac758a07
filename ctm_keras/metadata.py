"""What a video model stores besides its weights: its class names, and how its clips are made."""

from typing import Any

import keras

from .engine.head import AverageScores
from .names import unknown_name

VIEW = (
    "sampling",
    "interval",
    "scale",
    "short_side",
    "resampled",
    "fps",
    "seconds",
    "protocol",
)


def class_names(model: keras.Model) -> list[str] | None:
    """Returns the class names of a video model, in the order of its logits.

    Args:
        model: A video model, built or loaded.

    Returns:
        The class names, or None if the model was built without them.

    Raises:
        ValueError: If the model is not a video model of this project.

    Example:
        >>> names = ["left", "right"]
        >>> model = build_video_model("tsn", "tiny", class_names=names, image_size=64, weights=None)
        >>> class_names(model)
        ['left', 'right']
    """
    names = _head(model).class_names
    return None if names is None else list(names)


def view_options(model: keras.Model) -> dict[str, Any] | None:
    """Returns how the clips of a video model are made from videos, as in its training.

    The number of frames and their size are those of `model.input_shape`.

    Args:
        model: A video model, built or loaded.

    Returns:
        None if the model does not store it, else a dict with some of these keys:

        - `sampling`: `"dense"` (frames at a fixed distance) or `"segments"` (one frame from each of
          equal segments).
        - `interval`: Distance between the frames of a dense clip, in frames of the video.
        - `scale`: Smallest and largest short side of a frame for a crop of 224 pixels, in
          proportion for other sizes.
        - `short_side`: Short side to which frames are scaled when they are read, or None.
        - `resampled`: Whether videos are first resampled to `fps` frames per second.
        - `fps`: Frames per second of the videos; unless `resampled`, their median.
        - `seconds`: Time that a clip spans; with `"segments"`, the median duration of the videos.
        - `protocol`: Name of the evaluation protocol.

    Raises:
        ValueError: If the model is not a video model of this project.

    Example:
        >>> view = {"sampling": "dense", "interval": 4, "fps": 25.0}
        >>> model = build_video_model("tsn", "tiny", 2, image_size=64, weights=None, view=view)
        >>> view_options(model)
        {'sampling': 'dense', 'interval': 4, 'fps': 25.0}
    """
    view = _head(model).view
    return None if view is None else dict(view)


def view_for(
    requested: dict[str, Any] | None, saved: keras.Model | None, num_frames: int
) -> dict[str, Any] | None:
    """Returns the view of a new model: the requested one, else that of the file of its weights.

    Args:
        requested: The view, or None.
        saved: Model whose weights to load, or None. Its view is ignored if its frames differ.
        num_frames: Number of frames of the new model.

    Raises:
        ValueError: If the requested view is not a dict or has an unknown key.
    """
    if requested is None:
        same = saved is not None and saved.input_shape[1] == num_frames
        return view_options(saved) if same else None
    if not isinstance(requested, dict):
        raise ValueError(f"view must be a dict of {', '.join(VIEW)}, received {requested!r}.")
    for name in requested:
        if name not in VIEW:
            raise unknown_name("key of view", name, VIEW)
    return requested


def _head(model: keras.Model) -> AverageScores:
    """Returns the last layer of a video model."""
    head = model.layers[-1]
    if not isinstance(head, AverageScores):
        raise ValueError(f"model must be a video model of this project, received {model.name!r}.")
    return head
