"""Loads the weights of a `.keras` file of this project into a video model, by layer name."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np

from ..engine.inherit import adopts, newly_initialized
from ..names import class_difference
from ..temporal.ctm import tcc_layers
from .files import read_video_model
from .origin import Origin, is_temporal, pixels_of, set_pixels
from .report import AdoptionReport
from .same_network import check_backbone, check_layers
from .tcc_grid import resized

HEAD = "scores"

Head: TypeAlias = tuple[list[str] | None, int]  # the class names and the number of classes


def load_weights(
    model: keras.Model, path: str | Path, interpolate_tcc: bool = False
) -> AdoptionReport:
    """Loads the weights of a `.keras` file of this project into a video model, by layer name.

    If the methods differ, temporal layers that are missing in the file are newly initialized, and
    those that are missing in the model are unused. A layer that replaces an image layer converts
    its weights (I3D inflates them). If the classes differ, the head is newly initialized. The
    preprocessing is that of the file. Everything else must match, including layers without weights.

    Args:
        model: The video model.
        path: A file written by `model.save`.
        interpolate_tcc: Whether to interpolate TCC kernels of a different image size.

    Returns:
        The report of adopted, new, unused and interpolated weights.

    Raises:
        ValueError: If the file is not a model of this project or its network differs.

    Example:
        >>> tsn = build_video_model("tsn", "tiny", 4, image_size=64, weights=None)
        >>> tsn.save("tsn.keras")
        >>> tsm = build_video_model("tsm", "tiny", 4, image_size=64, weights=None)
        >>> load_weights(tsm, "tsn.keras").head_started
        Weights of a video model: 31 layers adopted.
        False
    """
    return adopt(model, read_video_model(path), path, interpolate_tcc)


def adopt(
    model: keras.Model, saved: keras.Model, path: str | Path, interpolate_tcc: bool
) -> AdoptionReport:
    """`load_weights` from a model that is already loaded."""
    new_head = not _same_classes(_head(model), _head(saved))
    sources = {layer.name: layer for layer in saved.layers if layer.weights}
    targets = {layer.name: layer for layer in model.layers if layer.weights}
    new = [name for name in targets if name not in sources]
    unused = [name for name in sources if name not in targets]
    check_backbone(path, model, saved, [targets[n] for n in new] + [sources[n] for n in unused])
    check_layers(path, model, saved)
    new += [n for n in targets if n in sources and newly_initialized(targets[n], sources[n])]
    adopted = [n for n in targets if n not in new and not (n == HEAD and new_head)]
    converted = [n for n in adopted if adopts(targets[n], sources[n])]
    same = [n for n in adopted if n not in converted]
    pairs = [pair for n in same for pair in _pair(path, targets[n], sources[n], interpolate_tcc)]
    for target, value, _ in pairs:
        target.assign(value)
    for name in converted:
        targets[name].adopt(sources[name])
    set_pixels(model, pixels_of(saved))
    report = AdoptionReport(
        "video",
        tuple(adopted),
        tuple(new + [HEAD] * new_head),
        tuple(unused),
        new_head,
        tuple(note for _, _, note in pairs if note),
        _difference(_head(model)[0], _head(saved)[0]),
        *_network(model, saved),
    )
    model._adoption = report
    print(report)
    return report


def _network(model: keras.Model, saved: keras.Model) -> tuple[tuple[str, ...], ...]:
    """Returns the layers without weights that are left out, and settings kept and changed."""
    ours = {layer.name for layer in model.layers}
    left_out = [x.name for x in saved.layers if is_temporal(x) and not x.weights]
    origin, theirs = Origin.of(model), Origin.of(saved)
    kept = dict(theirs.options) if theirs.method == origin.method else {}
    if pixels_of(saved) != origin.pixels:
        kept["preprocessing"] = pixels_of(saved)
    sizes = {"num_frames": 1, "image_size": 2}
    both = {n: (model.input_shape[i], saved.input_shape[i]) for n, i in sizes.items()}
    return (
        tuple(name for name in left_out if name not in ours),
        tuple(f"{name}={value!r}" for name, value in kept.items()),
        tuple(f"{name}={own}, not {other}" for name, (own, other) in both.items() if own != other),
    )


def _head(model: keras.Model) -> Head:
    return model.layers[-1].class_names, model.output_shape[-1]


def _same_classes(ours: Head, theirs: Head) -> bool:
    (our_names, our_count), (their_names, their_count) = ours, theirs
    return our_count == their_count and (None in (our_names, their_names) or ours == theirs)


def _difference(ours: list[str] | None, theirs: list[str] | None) -> str:
    """Describes how class names differ, if both are known."""
    return class_difference(theirs, ours, "the file", "the model") if ours and theirs else ""


def _pair(
    path: str | Path, target: keras.Layer, source: keras.Layer, interpolate_tcc: bool = False
) -> Iterator[tuple[keras.Variable, np.ndarray, str | None]]:
    """Yields the variables of a layer with their values and a note if interpolated."""
    ours, theirs = list(target.weights), list(source.weights)
    grids = {id(tcc.kernel): tcc for layer in (target, source) for tcc in tcc_layers(layer)}
    if len(ours) != len(theirs):
        raise ValueError(
            f"Layer {target.name!r} of {path or source.name} must have {len(ours)} weights, "
            f"received {len(theirs)}. Build the model with the options of the file (paths, for a "
            "CTM block)."
        )
    for variable, other in zip(ours, theirs, strict=True):
        if variable.shape == other.shape:
            yield variable, other.numpy() if hasattr(other, "numpy") else np.array(other), None
        elif id(variable) in grids and id(other) in grids:
            yield resized(path, variable, grids[id(variable)], grids[id(other)], interpolate_tcc)
        else:
            raise ValueError(
                f"{variable.path} of {path or other.path} must have the shape "
                f"{tuple(variable.shape)}, received {tuple(other.shape)}. Build the model with the "
                "options of the file."
            )
