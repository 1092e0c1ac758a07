"""Where weights come from: ImageNet, a file of this project; and what became of them."""

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from ..engine.head import AverageScores
from ..names import class_difference
from ..temporal.ctm import TCC, tcc_layers
from .origin import Origin, is_temporal, pixels_of, set_pixels
from .same_network import check_backbone, check_layers

HEAD = "scores"


@dataclass(frozen=True)
class AdoptionReport:
    """What became of the weights that a model was given.

    Args:
        source: `"imagenet"`, `"video"` (a video model of this project), the name of the project
            that a PyTorch checkpoint is of, or None.
        adopted: layers that took their weights.
        new: layers that start afresh.
        unused: layers whose weights found no place.
        head_started: whether a new head was started for other classes.
        interpolated: the TCC kernels that were interpolated, with both sizes.
        class_difference: in what the file's classes differ from the model's.
        left_out: layers without weights that only the file's network has, of another method.
        kept: what the file says of its network besides, and this one has, too.
        changed: what this network has otherwise: frames, image size.
    """

    source: str | None = None
    adopted: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    head_started: bool = False
    interpolated: tuple[str, ...] = ()
    class_difference: str = ""
    left_out: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.source is None:
            return f"All {len(self.new)} layers with weights start afresh."
        origin = {"imagenet": "ImageNet", "video": "a video model"}.get(self.source, self.source)
        lines = [f"Weights of {origin}: {len(self.adopted)} layers adopted."]
        lines += [f"{what}: {', '.join(names)}." for what, names in self._named() if names]
        if self.head_started:
            why = f" ({self.class_difference})" if self.class_difference else ""
            lines.append(f"The classes differ from the file's{why}: a new head was started.")
        return "\n".join(lines)

    def _named(self):
        return (
            ("New", self.new),
            ("Unused", self.unused),
            ("TCC kernels interpolated", self.interpolated),
            ("Left out, as the method is another", self.left_out),
            ("As in the file", self.kept),
            ("Other than in the file", self.changed),
        )


def adoption_report(model: keras.Model) -> AdoptionReport:
    """What became of the weights that a video model was built with.

    Args:
        model: a video model. One that was loaded from a file adopted all of that file.
    """
    report = getattr(model, "_adoption", None)
    if report is not None:
        return report
    return AdoptionReport("video", tuple(layer.name for layer in model.layers if layer.weights))


def load_weights(
    model: keras.Model, path: str | Path, interpolate_tcc: bool = False
) -> AdoptionReport:
    """Gives a video model the weights of a `.keras` file of this project, by layer name.

    Temporal layers that the file lacks start afresh, and those of the file that the model lacks
    stay unused, if the methods differ; a layer that stands instead of an image layer of the file
    is made of its weights (I3D's are inflated). Other classes start a new head. Pixels are scaled
    as the file's model scales them. Everything else must be alike: layers without weights, too.

    Args:
        model: the video model.
        path: the file, as `model.save` writes it.
        interpolate_tcc: whether TCC kernels of another image size are interpolated.

    Returns:
        What was adopted, new, unused, started and interpolated.

    Raises:
        ValueError: if the file is none of this project's, or its network is another.
    """
    return adopt(model, read_video_model(path), path, interpolate_tcc)


def adopt(model: keras.Model, saved: keras.Model, path, interpolate_tcc: bool) -> AdoptionReport:
    """`load_weights`, of a model that was read already."""
    new_head = not _same_classes(_head(model), _head(saved))
    sources = {layer.name: layer for layer in saved.layers if layer.weights}
    targets = {layer.name: layer for layer in model.layers if layer.weights}
    new = [name for name in targets if name not in sources]
    unused = [name for name in sources if name not in targets]
    check_backbone(path, model, saved, [targets[n] for n in new] + [sources[n] for n in unused])
    check_layers(path, model, saved)
    new += [n for n in targets if n in sources and _starts_afresh(targets[n], sources[n])]
    adopted = [n for n in targets if n not in new and not (n == HEAD and new_head)]
    inflated = [n for n in adopted if _stands_instead(targets[n], sources[n])]
    same = [n for n in adopted if n not in inflated]
    pairs = [pair for n in same for pair in _pair(path, targets[n], sources[n], interpolate_tcc)]
    for target, value, _ in pairs:
        target.assign(value)
    for name in inflated:
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
    """What the layers without weights are to both: left out, kept and changed."""
    ours = {layer.name for layer in model.layers}
    left_out = [x.name for x in saved.layers if is_temporal(x) and not x.weights]
    origin, theirs = Origin.of(model), Origin.of(saved)
    kept = dict(theirs.options) if theirs.is_of(origin.method) else {}
    if pixels_of(saved) != origin.pixels:
        kept["preprocessing"] = pixels_of(saved)
    sizes = {"num_frames": 1, "image_size": 2}
    both = {n: (model.input_shape[i], saved.input_shape[i]) for n, i in sizes.items()}
    return (
        tuple(name for name in left_out if name not in ours),
        tuple(f"{name}={value!r}" for name, value in kept.items()),
        tuple(f"{name}={own}, not {other}" for name, (own, other) in both.items() if own != other),
    )


def read_video_model(path: str | Path) -> keras.Model:
    """Loads a video model of this project from a `.keras` file.

    Raises:
        ValueError: if there is no such file, or it is not one of this project's.
    """
    path = Path(path)
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is damaged: it is no whole .keras file.")
    if not path.is_file() or path.suffix != ".keras":
        raise ValueError(
            f"{path} is not a .keras file: weights come from a file that a model of this project "
            "was saved to (RUN/model.keras), from 'imagenet', or are None."
        )
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a Keras model: {error}") from error
    if not isinstance(model.layers[-1], AverageScores):
        raise ValueError(f"{path} holds a Keras model, but not a video model of this project.")
    return model


def inherit(layer: keras.layers.Layer, replaced: keras.layers.Layer):
    """Gives a layer the weights of the one that it stands instead of, if they are meant for it."""
    if _starts_afresh(layer, replaced):
        return
    if _stands_instead(layer, replaced):
        layer.adopt(replaced)
    elif layer.name == replaced.name:
        for target, value, _ in _pair(None, layer, replaced):
            target.assign(value)


def _stands_instead(layer, other) -> bool:
    """Whether a layer takes the place of one of another kind, and knows how to use its weights."""
    return hasattr(layer, "adopt") and type(layer) is not type(other)


def _starts_afresh(layer, other) -> bool:
    """Whether a layer takes the place of one of another kind, but has no use for its weights."""
    return getattr(layer, "starts_afresh", False) and type(layer) is not type(other)


def _head(model: keras.Model) -> tuple[list[str] | None, int]:
    return model.layers[-1].class_names, model.output_shape[-1]


def _same_classes(ours, theirs) -> bool:
    (our_names, our_count), (their_names, their_count) = ours, theirs
    return our_count == their_count and (None in (our_names, their_names) or ours == theirs)


def _difference(ours, theirs) -> str:
    """In what class names differ where both are known."""
    return class_difference(theirs, ours, "the file", "the model") if ours and theirs else ""


def _pair(path, target, source, interpolate_tcc=False):
    """The variables of a layer with the values for them, interpolated where asked for."""
    ours, theirs = list(target.weights), list(source.weights)
    grids = {id(tcc.kernel): tcc for layer in (target, source) for tcc in tcc_layers(layer)}
    if len(ours) != len(theirs):
        raise ValueError(
            f"Layer {target.name!r} has {len(ours)} weights, {path or source.name} has "
            f"{len(theirs)}: the options of the layer differ (paths, for a CTM block)."
        )
    for variable, other in zip(ours, theirs, strict=True):
        if variable.shape == other.shape:
            yield variable, other.numpy() if hasattr(other, "numpy") else np.array(other), None
        elif id(variable) in grids and id(other) in grids:
            yield _resized(path, variable, grids[id(variable)], grids[id(other)], interpolate_tcc)
        else:
            raise ValueError(
                f"{variable.path} has the shape {tuple(variable.shape)}, but {path or other.path} "
                f"has {tuple(other.shape)} there. Build the model as the weights' one was built."
            )


def _resized(path, variable, ours: TCC, theirs: TCC, interpolate_tcc: bool):
    sizes = f"{theirs.height} x {theirs.width} to {ours.height} x {ours.width}"
    if not interpolate_tcc:
        raise ValueError(
            f"{variable.path} has a kernel for each of {ours.height} x {ours.width} positions, "
            f"but {path} was trained with {theirs.height} x {theirs.width}. Build the model with "
            "the image size of the file, or pass interpolate_tcc=True (--interpolate-tcc) to "
            "interpolate the kernels."
        )
    kernel = keras.ops.convert_to_numpy(theirs.kernel)
    value = resize_grid(kernel, (theirs.height, theirs.width), (ours.height, ours.width))
    return variable, value, f"{variable.path} from {sizes}"


def resize_grid(kernel: np.ndarray, old: tuple[int, int], new: tuple[int, int]) -> np.ndarray:
    """Interpolates a grid of kernels bilinearly, as an image is resized (half-pixel centres).

    Args:
        kernel: `(rows, columns, height * width, 1)`.
        old: height and width of the grid.
        new: height and width wanted.
    """
    down, across = (_linear(a, b) for a, b in zip(old, new, strict=True))
    grid = kernel.reshape(*kernel.shape[:2], *old)
    grid = np.einsum("yh,ijhw,xw->ijyx", down, grid, across)
    return grid.reshape(*kernel.shape[:2], -1, 1).astype(kernel.dtype)


def _linear(old: int, new: int) -> np.ndarray:
    """The matrix `(new, old)` that interpolates a line."""
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    return np.stack([np.interp(centres, np.arange(old), row) for row in np.eye(old)], axis=1)


def explain_download(error: Exception, backbone: str) -> ValueError | None:
    """The error for ImageNet weights that could not be fetched, if that is what happened."""
    text = str(error)
    if not (isinstance(error, OSError) or "URL fetch failure" in text):
        return None
    url = next(iter(re.findall(r"https?://\S+?(?=:?\s|$)", text)), None)
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    name = url.rsplit("/", 1)[-1] if url else f"ImageNet weights of {backbone}"
    return ValueError(
        f"The ImageNet weights of {backbone} could not be fetched ({text}). "
        f"Keras wanted {url or 'to download them'} and keeps such files in {cache}. Without a "
        f"network, fetch {name} elsewhere and put it there, or pass weights=None "
        "(--weights none) or a .keras file."
    )
