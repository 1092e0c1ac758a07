"""`ctm analyze --kernels`: draws the kernels of TCC layers over the image."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

import ctm_keras
from tfrecords.storage import full_disk_in_words
from training.analysis.picture_names import picture_names
from training.pictures.charts import names_in_any_script, plain, write
from training.run_folder import Run


def tcc_kernels(model: keras.Model) -> dict[str, np.ndarray]:
    """The kernels of a model's TCC layers.

    Args:
        model: A video model.

    Returns:
        For each TCC layer, by the name of its block, an array `(3, 3, height, width)`. The axes
        are frames (previous, same, next), neighboring channels, and positions.

    Raises:
        ValueError: If the model has no TCC layers.

    Reference:
        Equation 1 of arXiv 2002.03152.
    """
    found = {
        layer.path.split("/")[0]: layer
        for layer in model._flatten_layers()
        if isinstance(layer, ctm_keras.TCC)
    }
    if not found:
        raise ValueError(
            f"{model.name} has no TCC layers. Give a CTM with its path tccm (--model ctm)."
        )
    return {
        name: keras.ops.convert_to_numpy(layer.kernel).reshape(3, 3, layer.height, layer.width)
        for name, layer in found.items()
    }


def draw_all(runs: Sequence[Path], out: Path) -> Iterator[str]:
    """Draws the kernels of all TCC layers of runs.

    Args:
        runs: Folders of runs.
        out: Folder for the pictures.

    Returns:
        An iterator of lines to print, one for each PNG when it is written.

    Raises:
        ValueError: If a run has no TCC layers, or two runs have the same folder name.
    """
    for path, run in zip(runs, picture_names(runs), strict=True):
        model = Run.open(path).load_model()
        for name, kernels in tcc_kernels(model).items():
            picture = out / f"{run}-{name}.png"
            with full_disk_in_words(out, "draw again"):
                out.mkdir(parents=True, exist_ok=True)
                draw_kernels(kernels, f"{name} of {run}", picture)
            yield f"Written: {picture} ({summary(kernels)})"


def differences(kernels: np.ndarray) -> np.ndarray:
    """The differences of the weights from their mean over the image, same shape.

    A new TCC has the same kernel at all positions; the differences arise in training. Differences
    below the rounding error of float32 are set to 0.
    """
    found = kernels - kernels.mean(axis=(2, 3), keepdims=True, dtype=np.float64)
    rounding = 8 * np.finfo(np.float32).eps * np.abs(kernels).max()
    return np.where(np.abs(found) > rounding, found, 0.0)


def summary(kernels: np.ndarray) -> str:
    """The largest difference between positions of a layer, as text."""
    greatest = np.abs(differences(kernels)).max()
    if not greatest:
        return "the same kernel at every position so far"
    fraction = greatest / np.abs(kernels).max()
    return f"differences from the mean: up to {greatest:.2g}, {fraction:.1%} of the largest weight"


@names_in_any_script()
def draw_kernels(kernels: np.ndarray, title: str, path: Path) -> None:
    """Draws a layer's kernels: the mean of each of the nine weights, and differences from it.

    Args:
        kernels: One result of `tcc_kernels`, `(3, 3, height, width)`.
        title: Title of the picture.
        path: PNG to write.
    """
    figure = Figure(figsize=(7, 7.6), layout="constrained")
    figure.suptitle(f"{plain(title)}\n{summary(kernels)}", fontsize=10)
    shown, means = differences(kernels), kernels.mean(axis=(2, 3))
    greatest = np.abs(shown).max() or 1.0
    times, channels = ("frame before", "same frame", "frame after"), ("c - 1", "c", "c + 1")
    all_axes = figure.subplots(3, 3)
    for (row, column), mean in np.ndenumerate(means):
        axes, scale = all_axes[row, column], {"vmin": -greatest, "vmax": greatest}
        image = axes.imshow(shown[row, column], cmap="RdBu_r", **scale)
        axes.set(xticks=[], yticks=[], xlabel=f"mean {mean:+.3f}")
        axes.set_title(f"{times[row]}, channel {channels[column]}", fontsize=9)
    if shown.any():
        figure.colorbar(image, ax=all_axes, shrink=0.6, label="weight minus its mean")
    write(figure, path, 110)
