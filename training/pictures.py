"""The pictures: confusion matrix, timeline of a long video, clips with their predictions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

LABELLED_CLASSES = 60  # more names than that cannot be read on a matrix


def draw_confusion(confusion: np.ndarray, class_names: Sequence[str], title: str, path: Path):
    """Draws a confusion matrix, each row in shares of its true class.

    Args:
        confusion: Counts `(true class, predicted class)`.
        class_names: One name a row.
        title: Line above it.
        path: PNG to write.
    """
    count = len(class_names)
    shares = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    side = min(4 + 0.3 * count, 24)
    figure = Figure(figsize=(side, side * 0.9), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    axes.set(title=title, xlabel="predicted", ylabel="true")
    if count <= LABELLED_CLASSES:
        axes.set_xticks(range(count), class_names, rotation=90)
        axes.set_yticks(range(count), class_names)
    if count <= 20:
        write_counts(axes, confusion, shares)
    figure.savefig(path, dpi=120)


def write_counts(axes, confusion: np.ndarray, shares: np.ndarray) -> None:
    """Writes each cell's count into it."""
    for (row, column), value in np.ndenumerate(confusion):
        if value:
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(value), ha="center", va="center", color=color, fontsize=8)


def draw_timeline(
    seconds: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    title: str,
    path: Path,
):
    """Draws the probabilities of the five most likely classes over a video.

    Args:
        seconds: The middle of each window, `(windows,)`.
        probabilities: `(windows, num_classes)`.
        class_names: One name a class.
        title: Line above it.
        path: PNG to write.
    """
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    axes = figure.subplots()
    for index in probabilities.max(axis=0).argsort()[::-1][:5]:
        axes.plot(seconds, probabilities[:, index], label=class_names[index], marker=".")
    axes.set(title=title, xlabel="seconds", ylabel="probability", ylim=(0, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path, dpi=120)


def draw_clips(clips: np.ndarray, captions: Sequence[str], path: Path):
    """Draws clips as rows of frames, each with a caption.

    Args:
        clips: `(clips, frames, height, width, 3)`, uint8.
        captions: One line a clip.
        path: PNG to write.
    """
    rows, frames = clips.shape[:2]
    figure = Figure(figsize=(1.2 * frames + 0.2, 1.5 * rows), layout="constrained")
    for axes, caption, clip in zip(figure.subfigures(rows), captions, clips, strict=True):
        axes.suptitle(caption, fontsize=9, ha="left", x=0.01)
        for cell, frame in zip(axes.subplots(1, frames), clip, strict=True):
            cell.imshow(frame)
            cell.axis("off")
    figure.savefig(path, dpi=72)
