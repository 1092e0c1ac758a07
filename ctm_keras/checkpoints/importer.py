"""Converts a PyTorch checkpoint to a video model and a `.keras` file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from ..assembly import assemble
from ..methods import check_method
from ..weights.origin import Origin
from .read import read_checkpoint
from .recognize import Checkpoint, matrices, recognize
from .state import import_state


def import_weights(
    path: str | Path,
    to: str | Path | None = None,
    method: str | None = None,
    num_classes: int | None = None,
    class_names: Sequence[str] | None = None,
    num_frames: int | None = None,
    image_size: int = 224,
    allow: Sequence[str] = (),
    channels: str | None = None,
    view: dict[str, Any] | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a video model from a PyTorch checkpoint.

    The project, method and backbone are inferred from the keys. An image model becomes a TSN. The
    file is read as data (`weights_only`); no code in it runs.

    Args:
        path: A checkpoint of torchvision's image models, IBM/action-recognition-pytorch,
            temporal-shift-module, mmaction2, PySlowFast or hikvision's CoST.
        to: `.keras` file to write. It must not exist.
        method: Method of the new model, if it differs from the checkpoint's, which must then be a
            TSN or an image model.
        num_classes: Number of classes. Defaults to the checkpoint's; another number initializes a
            new head.
        class_names: Names of the classes. The model stores them.
        num_frames: Number of frames in a clip, which cannot be inferred. Defaults to 8, for
            SlowFast to 32 or, with variant 16x8, 64.
        image_size: Height and width of a frame in pixels.
        allow: Patterns (`*` and `?`) of keys that may remain unused, such as `"aux*"`.
        channels: Channel order of the network, `"rgb"` or `"bgr"`. Defaults to the project's.
        view: How clips are made from videos; see `view_options`. The model stores it.
        **options: Options of the method that cannot be inferred, and `temporal_pooling=True` (or
            `"avg"`).

    Returns:
        The model. The report of its weights is printed, and `adoption_report` returns it.

    Raises:
        ValueError: If the file cannot be read as data, its network is unknown or of another method,
            a key is unmatched, a weight is missing, or a shape differs.

    Example:
        >>> model = import_weights("resnet50.pth", num_classes=87)  # doctest: +SKIP
    """
    if to is not None:
        _check_target(Path(to))
    state = read_checkpoint(path)
    checkpoint = recognize(state, str(path))
    method = method or checkpoint.method
    _check_method(checkpoint, method, options, path)
    build: dict[str, Any] = {
        "backbone": checkpoint.backbone,
        "num_classes": _number_of_classes(checkpoint, num_classes, class_names, path),
        "class_names": class_names,
        "num_frames": num_frames,
        "image_size": image_size,
        "view": view,
    }
    own = checkpoint.options | options if method == checkpoint.method else {}
    pixels = checkpoint.pixels or Origin(checkpoint.method, checkpoint.backbone).pixels
    own["preprocessing"] = pixels.ordered(channels or pixels.channels)
    model = assemble(checkpoint.method, **build, **own)
    report = import_state(model, state, allow, str(path))
    print(f"{path}: {checkpoint}.\n{report}")
    given = {**options, "channels": channels} if channels else options
    if unknown := [name for name in checkpoint.unknown_options if name not in given]:
        print(f"Not inferred with certainty: {', '.join(unknown)} (--options).")
    if num_frames is None:
        print(f"Frames per clip cannot be inferred; using {model.input_shape[1]} (--num-frames).")
    if method != checkpoint.method:
        model = assemble(method, saved=model, weights=str(path), **build, **options)
    if to is not None:
        save_atomically(model, Path(to))
    return model


def _check_method(checkpoint: Checkpoint, method: str, options: dict, path: str | Path) -> None:
    """Raises ValueError unless the checkpoint is of the method or of a TSN."""
    check_method(method, options, ("channels",))
    if method != checkpoint.method and checkpoint.method != "tsn":
        raise ValueError(
            f"The method for {path} must be {checkpoint.method}, received {method!r}. Omit it "
            "(--model), or use the checkpoint of a TSN or an image model."
        )


def _number_of_classes(
    checkpoint: Checkpoint, count: int | None, names: Sequence[str] | None, path: str | Path
) -> int | None:
    """Returns the requested number of classes, else the checkpoint's."""
    if count is None and names is None and checkpoint.num_classes is None:
        found = [checkpoint.keys[key] for key in matrices(checkpoint.state)]
        among = f" that can be identified among {', '.join(found)}" * bool(found)
        raise ValueError(
            f"{path} has no classifier{among}. Pass the number of classes of a new one "
            "(--num-classes)."
        )
    return checkpoint.num_classes if count is None and names is None else count


def _check_target(path: Path) -> None:
    if path.suffix != ".keras":
        raise ValueError(f"to must be a .keras file, received {path}.")
    if path.exists():
        raise ValueError(f"{path} already exists. Choose another file or remove it.")


def save_atomically(model: keras.Model, path: Path) -> None:
    """Writes a model; an existing file is replaced, never half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part.keras")
    try:
        model.save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
