"""The kernels of TCC over the image: what each position of the grid looks for in time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

import ctm_keras
from tfrecords.disk import full_disk_in_words
from training.analysis.picture_names import picture_names
from training.pictures import names_in_any_script, plain, write
from training.run import Run


def tcc_kernels(model: keras.Model) -> dict[str, np.ndarray]:
    """The kernels of a model's TCC layers.

    Args:
        model: A video model.

    Returns:
        For each TCC layer, by the name of its block, an array `(3, 3, height, width)`: over
        frames (before, the same, after), neighbouring channels and positions.

    Raises:
        ValueError: If the model has none.

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
            f"{model.name} has no TCC layers: they are in CTM and its path tccm (--model ctm)."
        )
    return {
        name: keras.ops.convert_to_numpy(layer.kernel).reshape(3, 3, layer.height, layer.width)
        for name, layer in found.items()
    }


def draw_all(runs: Sequence[Path], out: Path) -> Iterator[str]:
    """Draws the kernels of each TCC layer of runs.

    Args:
        runs: Folders of runs.
        out: Folder for the pictures.

    Returns:
        An iterator of lines for people, one of each PNG as it is written.

    Raises:
        ValueError: If a run has no TCC layers, or two have one folder name.
    """
    for path, run in zip(runs, picture_names(runs), strict=True):
        model = Run.open(path).load_model()
        for name, kernels in tcc_kernels(model).items():
            picture = out / f"{run}-{name}.png"
            with full_disk_in_words(out, "draw again"):
                out.mkdir(parents=True, exist_ok=True)
                draw_kernels(kernels, f"{name} of {run}", picture)
            yield f"Written: {picture}"


@names_in_any_script()
def draw_kernels(kernels: np.ndarray, title: str, path: Path) -> None:
    """Draws one layer's kernels: a map over the image for each of the nine weights.

    Args:
        kernels: `(3, 3, height, width)`, of `tcc_kernels`.
        title: Line above them.
        path: PNG to write.
    """
    figure = Figure(figsize=(7, 7.4), layout="constrained")
    figure.suptitle(plain(title))
    greatest = float(np.abs(kernels).max()) or 1.0
    times, channels = ("frame before", "same frame", "frame after"), ("c - 1", "c", "c + 1")
    all_axes = figure.subplots(3, 3)
    for row, time in enumerate(times):
        for column, channel in enumerate(channels):
            axes = all_axes[row, column]
            shown = axes.imshow(kernels[row, column], cmap="RdBu_r", vmin=-greatest, vmax=greatest)
            axes.set(title=f"{time}, channel {channel}", xticks=[], yticks=[])
            axes.title.set_fontsize(9)
    figure.colorbar(shown, ax=all_axes, shrink=0.6, label="weight")
    write(figure, path, 110)
