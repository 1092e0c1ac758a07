"""The picture of `ctm stats`: classes, lengths, frame rates, and copies side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from tfrecords.checks import Copy, Stats, Video
from tfrecords.reading import Split, read_frames
from tfrecords.text import LONGEST_NAME
from training.pictures.charts import names_in_any_script, plain, subfigures, write

MOST_NAMES = 60  # more names are illegible
MOST_COPIES = 4  # pairs that are drawn
MOST_BINS = 30  # in the histogram of lengths
LEAST_SPAN = {"x": 2.0, "y": 0.4}  # of the axes: frames per second, width / height
MOMENTS = (0.25, 0.5, 0.75)  # frames of a copy that are drawn, as fractions of its length


@names_in_any_script()
def draw_stats(stats: Stats, path: Path) -> None:
    """Draws the statistics of a data set.

    Args:
        stats: Result of `tfrecords.stats`.
        path: PNG to write.
    """
    copies = _different(stats.copies or ())[:MOST_COPIES]
    height = min(2.5 + 0.18 * min(len(stats.class_names), MOST_NAMES), 12)
    figure = Figure(figsize=(13, height + 2.2 * len(copies)), layout="constrained")
    heights = [height] + [2.2] * len(copies)
    parts = subfigures(figure, 1 + len(copies), 1, height_ratios=heights)
    classes, lengths, rates = parts[0].subplots(1, 3, width_ratios=[2, 1, 1])
    _draw_classes(stats, classes)
    parts[0].legend(loc="outside lower left", ncols=len(stats.rows))
    _draw_lengths(stats, lengths)
    _draw_rates(stats, rates)
    for part, copy in zip(parts[1:], copies, strict=True):
        _draw_copy(stats, copy, part)
    write(figure, path, 100)


def _different(copies: Sequence[Copy]) -> list[Copy]:
    """The first pairs that share no video with each other."""
    seen: set[Video] = set()
    found = []
    for copy in copies:
        if seen.isdisjoint(copy.videos):
            found.append(copy)
            seen.update(copy.videos)
    return found


def _draw_classes(stats: Stats, axes: Axes) -> None:
    """Draws bars of the classes, the largest at the top; many bars form a curve."""
    counts = np.stack([stats.counts(split) for split in stats.rows])
    order = np.argsort(counts.sum(0), kind="stable")
    places, left = np.arange(len(order)), np.zeros(len(order), int)
    for split, own in zip(stats.rows, counts[:, order], strict=True):
        axes.barh(places, own, left=left, label=split, height=0.8 if len(order) < 200 else 1)
        left += own
    if len(order) <= MOST_NAMES:
        axes.set_yticks(places, [plain(stats.class_names[label]) for label in order], fontsize=8)
    axes.set(title=f"{len(order):,} classes", xlabel="videos", ylim=(-0.6, len(order) - 0.4))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_lengths(stats: Stats, axes: Axes) -> None:
    seconds = [stats.seconds(split) for split in stats.rows]
    low, high = np.quantile(np.concatenate(seconds), [0, 0.99])
    margin = 0 if high - low > 1 else 0.5
    count = min(MOST_BINS, max(5, round(sum(map(len, seconds)) ** 0.5)))
    bins = np.linspace(low - margin, high + margin, count + 1)
    axes.hist([own.clip(bins[0], bins[-1]) for own in seconds], bins.tolist(), stacked=True)
    axes.set(title="length, the longest 1% at the end", xlabel="seconds", ylabel="videos")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_rates(stats: Stats, axes: Axes) -> None:
    """Plots each video by its frame rate, without rounding noise, and its aspect ratio."""
    for rows in stats.rows.values():
        rates = rows["frame_rate"].round(2)
        axes.scatter(rates, rows["width"] / rows["height"], s=12, alpha=0.4)
    for name, least in LEAST_SPAN.items():
        _widen(axes, name, least)
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.set(title="frame rate and shape", xlabel="frames per second", ylabel="width / height")


def _widen(axes: Axes, name: str, least: float) -> None:
    """Gives an axis a minimum span, so that nearly equal values look equal."""
    low, high = getattr(axes, f"get_{name}lim")()
    more = max(0.0, least - (high - low)) / 2
    getattr(axes, f"set_{name}lim")(low - more, high + more)


def _draw_copy(stats: Stats, copy: Copy, part: SubFigure) -> None:
    """Draws frames of both videos next to each other."""
    how = "identical" if copy.identical else f"motion {copy.motion:.2f}, picture {copy.picture:.3f}"
    part.suptitle(f"copies ({how})", fontsize=9, x=0.01, ha="left")
    for half, video in zip(subfigures(part, 1, 2), copy.videos, strict=True):
        half.suptitle(f"{video.split} {plain(video.id[-LONGEST_NAME:])}", fontsize=8)
        cells = half.subplots(1, len(MOMENTS))
        for cell, frame in zip(cells, _frames(stats, video), strict=True):
            cell.imshow(frame)
            cell.axis("off")


def _frames(stats: Stats, video: Video) -> list[np.ndarray]:
    place = stats.ids[video.split].index(video.id)
    count = int(stats.rows[video.split]["frames"][place])
    wanted = np.array([int(moment * count) for moment in MOMENTS])
    return read_frames(Split(stats.folder, video.split), place, wanted)
