"""The problems that `ctm stats` finds, as sentences."""

from collections.abc import Iterator, Sequence

import numpy as np

from tfrecords.checks.copies import Copy, Video
from tfrecords.checks.dataset_stats import Stats
from tfrecords.text import printable, shorten

EXAMPLES = 5  # copies and groups that the text lists; --json lists all
FEW = 10  # training videos per class below which to warn
UNEVEN = 20  # ratio of the largest class to the smallest above which to warn
LONG = 10  # times the median length
CLIP = 64  # frames of a clip by default, 8 of every 8th


def findings(stats: Stats) -> list[str]:
    """The problems, one sentence each, the worst first."""
    found = [*_copies(stats), *_groups(stats), *_classes(stats), *_videos(stats)]
    if stats.missing or stats.failures:
        found.append(
            f"Left out: {stats.missing:,} listed videos that were missing and {stats.failures:,} "
            "that could not be read. dataset.json lists them."
        )
    return found


def _copies(stats: Stats) -> Iterator[str]:
    copies = stats.copies or ()
    torn = [copy for copy in copies if copy.torn]
    within = [copy for copy in copies if not copy.torn]
    mixed = [copy for copy in copies if len({video.label for video in copy.videos}) > 1]
    if torn:
        yield (
            f"Copies in different splits: {_pairs(torn)}. Scores will be too high. Keep one video "
            "of each pair, or assign both to one group." + _listed(torn)
        )
    if mixed:
        yield f"Copies with different classes: {_pairs(mixed)}." + _listed(mixed)
    if within:
        yield f"Copies within a split: {_pairs(within)}." + _listed(within)
    if stats.blank:
        names = "".join(f"\n      {_name(video)}" for video in stats.blank[:EXAMPLES])
        yield f"Blank videos, all of a single color: {len(stats.blank):,}." + names


def _groups(stats: Stats) -> Iterator[str]:
    if stats.groups:
        lines = [
            f"{group!r}: " + ", ".join(f"{len(ids)} in {split}" for split, ids in own.items())
            for group, own in list(stats.groups.items())[:EXAMPLES]
        ]
        yield (
            f"Groups in several splits: {len(stats.groups):,} of {stats.num_groups:,}. Scores may "
            "be too high. `ctm build` keeps groups together if the source does not set splits."
            + "".join(f"\n      {line}" for line in lines)
        )


def _classes(stats: Stats) -> Iterator[str]:
    for split in stats.rows:
        if none := _named(stats, stats.counts(split) == 0):
            yield f"Classes without videos in {split}: {none}."
    if "train" not in stats.rows:
        return
    train = stats.counts("train")
    if few := _named(stats, (train > 0) & (train < FEW)):
        yield f"Classes with fewer than {FEW} training videos: {few}."
    most, least = int(train.argmax()), int(np.where(train, train, train.max()).argmin())
    if train[most] > UNEVEN * train[least]:
        large, small = (shorten(printable(stats.class_names[n])) for n in (most, least))
        yield (
            f"Imbalanced classes: {train[most]:,} training videos of {large}, "
            f"{train[least]:,} of {small}."
        )


def _videos(stats: Stats) -> Iterator[str]:
    rows = np.concatenate(list(stats.rows.values()))
    ids = [printable(name) for own in stats.ids.values() for name in own]
    frames, rates = rows["frames"], rows["frame_rate"]
    seconds = frames / rates
    if short := int((frames < CLIP).sum()):
        yield (
            f"Videos shorter than the {CLIP} frames of a default clip, which are looped (see "
            f"--interval): {short:,} of {len(rows):,}, down to {frames.min()} frames "
            f"({ids[int(frames.argmin())]})."
        )
    median = float(np.median(seconds))
    if long := int((seconds > LONG * median).sum()):
        yield (
            f"Videos more than {LONG} times longer than the median of {median:.1f} s: {long:,}, "
            f"up to {seconds.max():.0f} s ({ids[int(seconds.argmax())]})."
        )
    if rates.max() > 1.5 * rates.min():
        yield (
            f"Frame rates from {rates.min():.3g} to {rates.max():.3g} per second: clips of the "
            "same number of frames differ in duration. `ctm build --fps` sets one rate."
        )


def _pairs(copies: Sequence[Copy]) -> str:
    identical = sum(copy.identical for copy in copies)
    return f"{len(copies):,} pair{'s' * (len(copies) != 1)}, {identical:,} of them identical"


def _named(stats: Stats, wanted: np.ndarray) -> str:
    """The number of the classes and the names of the first few; empty for none."""
    names = [shorten(printable(stats.class_names[label])) for label in np.flatnonzero(wanted)]
    more = ", ..." if len(names) > EXAMPLES else ""
    return f"{len(names):,} ({', '.join(names[:EXAMPLES])}{more})" if names else ""


def _listed(copies: Sequence[Copy]) -> str:
    lines = [
        f"\n      {_name(copy.videos[0])} = {_name(copy.videos[1])}"
        + (" (identical)" if copy.identical else "")
        for copy in copies[:EXAMPLES]
    ]
    more = len(copies) - EXAMPLES
    return "".join(lines) + (f"\n      and {more:,} more" if more > 0 else "")


def _name(video: Video) -> str:
    return f"{video.split} {printable(video.id)}"
