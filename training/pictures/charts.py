"""Charts and pictures: confusion matrix, timeline of a long video, clips with captions."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.font_manager import fontManager

from tfrecords.text import LONGEST_NAME, printable, shorten

FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
)
LABELED_CLASSES = 60  # more names are illegible on a matrix


@contextmanager
def names_in_any_script() -> Iterator[None]:
    """Draws with those installed fonts that cover names in many scripts."""
    installed = {font.name for font in fontManager.ttflist}
    families = [name for name in FONTS if name in installed]
    with matplotlib.rc_context({"font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@names_in_any_script()
def draw_confusion(
    confusion: np.ndarray, class_names: Sequence[str], title: str, path: Path
) -> None:
    """Draws a confusion matrix, each row as fractions of its true class.

    Args:
        confusion: Counts `(true class, predicted class)`.
        class_names: The classes, in order.
        title: Title of the picture.
        path: PNG to write.
    """
    count = len(class_names)
    fractions = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    names = [plain(name) for name in class_names]
    margin = 0.08 * max(map(len, names)) if count <= LABELED_CLASSES else 0
    side = min(3 + 0.3 * count, 22) + margin
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="fraction of the true class", shrink=0.8)
    axes.set(title=plain(title), xlabel="predicted", ylabel="true")
    if count <= LABELED_CLASSES:
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
    if count <= 20:
        _write_counts(axes, confusion, fractions)
    write(figure, path, 120)


def plain(text: str) -> str:
    """A name shortened and escaped, so that matplotlib shows every character literally."""
    text = shorten(printable(text))
    return (" " + text if text.startswith("_") else text).replace("$", r"\$")


def end_of(folder: str) -> str:
    """The end of a long path, which contains the name of a run."""
    return folder if len(folder) <= LONGEST_NAME else "…" + folder[1 - LONGEST_NAME :]


def write(figure: Figure, path: Path, dpi: int) -> None:
    """Writes a PNG file atomically."""
    part = path.with_name(path.name + ".part")
    figure.savefig(part, dpi=dpi, format="png")
    os.replace(part, path)


def _write_counts(axes: Axes, confusion: np.ndarray, fractions: np.ndarray) -> None:
    """Writes the count into each cell."""
    for (row, column), value in np.ndenumerate(confusion):
        if value:
            color = "white" if fractions[row, column] > 0.5 else "black"
            axes.text(column, row, str(value), ha="center", va="center", color=color, fontsize=8)


@names_in_any_script()
def draw_timeline(
    seconds: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    title: str,
    path: Path,
) -> None:
    """Draws the probabilities of the five most likely classes over a video.

    Args:
        seconds: The middle of each window, `(windows,)`.
        probabilities: Class probabilities, `(windows, num_classes)`.
        class_names: The classes, in order.
        title: Title of the picture.
        path: PNG to write.
    """
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    axes = figure.subplots()
    for index in probabilities.max(axis=0).argsort()[::-1][:5]:
        axes.plot(seconds, probabilities[:, index], label=plain(class_names[index]), marker=".")
    axes.set(title=plain(title), xlabel="seconds", ylabel="probability", ylim=(0, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    write(figure, path, 120)


@names_in_any_script()
def draw_clips(clips: np.ndarray, captions: Sequence[str], path: Path) -> None:
    """Draws clips as rows of frames, each with a caption.

    Args:
        clips: `(clips, frames, height, width, 3)`, uint8.
        captions: One line per clip.
        path: PNG to write.
    """
    rows, frames = clips.shape[:2]
    figure = Figure(figsize=(1.2 * frames + 0.2, 1.5 * rows), layout="constrained")
    for axes, caption, clip in zip(subfigures(figure, rows, 1), captions, clips, strict=True):
        axes.suptitle(_plain_line(caption), fontsize=9, ha="left", x=0.01)
        for cell, frame in zip(axes.subplots(1, frames), clip, strict=True):
            cell.imshow(frame)
            cell.axis("off")
    write(figure, path, 72)


@names_in_any_script()
def draw_gains(gains: Mapping[str, np.ndarray], class_names: Sequence[str], path: Path) -> None:
    """Draws the gains of models over TSN in each class, sorted by the gain of the first model.

    Args:
        gains: The gains of each model, `(num_classes,)`, NaN for a class without videos.
        class_names: The classes, in order.
        path: PNG to write.
    """
    known = ~np.isnan(next(iter(gains.values()), np.zeros(len(class_names))))
    order = [c for c in np.argsort(-next(iter(gains.values()))) if known[c]] if gains else []
    figure = Figure(figsize=(max(6, min(24, 0.25 * len(order) + 3)), 4.5), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(1, len(gains))
    for place, (name, gain) in enumerate(gains.items()):
        offsets = np.arange(len(order)) + (place - (len(gains) - 1) / 2) * width
        axes.bar(offsets, gain[order], width, label=plain(end_of(name)))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(ylabel="gain in top-1 over TSN", xlabel="classes, by the gain of the first model")
    if len(order) <= LABELED_CLASSES:
        axes.set_xticks(range(len(order)), [plain(class_names[c]) for c in order], rotation=90)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    write(figure, path, 120)


@names_in_any_script()
def draw_schedule(epochs: np.ndarray, rates: Sequence[float], title: str, path: Path) -> None:
    """Plots a learning rate over the epochs.

    Args:
        epochs: Positions in the training, in epochs.
        rates: The learning rate at each position.
        title: Title of the picture.
        path: PNG to write.
    """
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(epochs, rates)
    axes.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    axes.set_title(_plain_line(title), fontsize=9)
    write(figure, path, 120)


def subfigures(figure: FigureBase, rows: int, columns: int, **layout: Any) -> np.ndarray:
    """The parts of a figure, as a flat array."""
    return np.ravel(np.asarray(figure.subfigures(rows, columns, **layout), object))


def _plain_line(text: str) -> str:
    """A line escaped so that matplotlib shows every character literally."""
    return printable(text).replace("$", r"\$")
