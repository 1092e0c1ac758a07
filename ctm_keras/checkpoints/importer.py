"""From the file of a PyTorch checkpoint to a video model, and to a `.keras` file."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from ..methods import check_method
from ..models import build_video_model
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
    **options: Any,
) -> keras.Model:
    """Builds the video model that a PyTorch checkpoint is of, with its weights.

    The keys tell the project, the method and the backbone. An image model becomes a TSN. The
    file is read as data (`weights_only`); nothing in it is run.

    Args:
        path: A checkpoint of torchvision's image models, IBM/action-recognition-pytorch,
            temporal-shift-module, mmaction2, PySlowFast or hikvision's CoST.
        to: `.keras` file to write; it must not exist.
        method: Another method to start from a TSN's or image model's weights.
        num_classes: Number of classes (default: the checkpoint's); others start a new head.
        class_names: Names of the classes; they are kept in the model.
        num_frames: Frames of a clip, which no key tells (default: 8; for SlowFast 32, or 64 for
            16x8).
        image_size: Height and width of a frame in pixels.
        allow: Patterns (`*` and `?`) of keys that may be left over, as `"aux*"`.
        channels: Order in which the network reads the colors, `"rgb"` or `"bgr"` (default: as
            other networks of the project).
        **options: Options that keys do not tell: `temporal_pooling=True` (or `"avg"`), and those of
            the method.

    Returns:
        The model; what became of the weights is printed and is its `adoption_report`.

    Raises:
        ValueError: If the file cannot be read as data, is of no known network or of another
            method, a weight has no place or no value, or a shape differs.

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
    }
    own = checkpoint.options | options if method == checkpoint.method else {}
    pixels = checkpoint.pixels or Origin(checkpoint.method, checkpoint.backbone).pixels
    own["preprocessing"] = pixels.ordered(channels or pixels.channels)
    model = build_video_model(checkpoint.method, weights=None, **build, **own)
    report = import_state(model, state, allow, str(path))
    print(f"{path}: {checkpoint}.\n{report}")
    given = {**options, "channels": channels} if channels else options
    if untold := [name for name in checkpoint.untold if name not in given]:
        print(f"Its keys do not tell for certain: {', '.join(untold)} (--options).")
    if num_frames is None:
        print(f"Nor the frames of a clip: {model.input_shape[1]} were taken (--num-frames).")
    if method != checkpoint.method:
        model = _graft(model, method, build, options)
    if to is not None:
        _save(model, Path(to))
    return model


def _check_method(checkpoint: Checkpoint, method: str, options: dict, path: str | Path) -> None:
    """Another method can start from the weights of a TSN only."""
    check_method(method, options, ("channels",))
    if method != checkpoint.method and checkpoint.method != "tsn":
        raise ValueError(
            f"{path} holds a network of the method {checkpoint.method}, not {method}: leave the "
            "method (--model) out, or take the checkpoint of a TSN or an image model."
        )


def _number_of_classes(
    checkpoint: Checkpoint, count: int | None, names: Sequence[str] | None, path: str | Path
) -> int | None:
    """The classes asked for, else the checkpoint's."""
    if count is None and names is None and checkpoint.num_classes is None:
        found = [checkpoint.keys[key] for key in matrices(checkpoint.state)]
        among = f" that is one layer of a known name among {', '.join(found)}" * bool(found)
        raise ValueError(
            f"{path} has no classifier{among}: say how many classes the new one has "
            "(--num-classes)."
        )
    return checkpoint.num_classes if count is None and names is None else count


def _graft(tsn: keras.Model, method: str, build: dict, options: dict) -> keras.Model:
    """A model of another method that starts from a TSN's weights."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "tsn.keras"
        tsn.save(weights)
        return build_video_model(method, weights=weights, **build, **options)


def _check_target(path: Path) -> None:
    if path.suffix != ".keras":
        raise ValueError(f"{path} is to be a .keras file: give it that ending.")
    if path.exists():
        raise ValueError(f"{path} exists already: name another file, or remove it.")


def _save(model: keras.Model, path: Path) -> None:
    """Writes a model, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part.keras")
    try:
        model.save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
