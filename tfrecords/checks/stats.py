"""`ctm stats`: what a data set holds, and what in it makes scores too good or training poor."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.checks.copies import Copy, Video, all_copies
from tfrecords.checks.stats_report import json_of, text_of
from tfrecords.format.manifest import read_manifest
from tfrecords.reading.split import Split
from tfrecords.sources.groups import groups_of, torn_groups


@dataclass(frozen=True)
class Stats:
    """What `stats` found; `str` of it is for people.

    Args:
        folder: str, the data set.
        class_names: tuple of str.
        rows: mapping from a split to its videos, an array of the index's rows.
        ids: mapping from a split to its videos' ids.
        copies: tuple of `Copy`, those in different splits first; None where none were looked for.
        blank: tuple of `Video`, which show one colour.
        groups: mapping from a group that stands in several splits to these and their videos' ids.
        num_groups: int, groups in all.
        missing: int, videos that the source's lists name and that were not there.
        failures: int, videos that could not be read.
    """

    folder: str
    class_names: tuple[str, ...]
    rows: Mapping[str, np.ndarray]
    ids: Mapping[str, tuple[str, ...]]
    copies: tuple[Copy, ...] | None
    blank: tuple[Video, ...]
    groups: Mapping[str, Mapping[str, list[str]]]
    num_groups: int
    missing: int
    failures: int

    def counts(self, split: str) -> np.ndarray:
        """The videos of each class in a split."""
        return np.bincount(self.rows[split]["label"], minlength=len(self.class_names))

    def seconds(self, split: str) -> np.ndarray:
        """The length of each video of a split."""
        return self.rows[split]["frames"] / self.rows[split]["frame_rate"]

    def __str__(self) -> str:
        return text_of(self)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return json_of(self)


def stats(data: str | Path, copies: bool = True, progress: bool = True) -> Stats:
    """Looks over a data set: classes, lengths, sizes, copies and groups across splits.

    Copies are found by their pictures (see `tfrecords.checks.video_hashes`): of each video eight
    frames are read, and more of those that look like another's.

    Args:
        data: str or Path, the folder with dataset.json.
        copies: bool, whether to look for copies, which reads frames.
        progress: bool, whether to show a progress bar on a terminal.

    Returns:
        `Stats`.

    Raises:
        ValueError: If the data set does not exist or is damaged.

    Example:
    >>> found = tfrecords.stats("data/mine")
    >>> [copy.videos for copy in found.copies if copy.torn]
    []
    """
    manifest = read_manifest(data)
    splits = [Split(data, name) for name, n in manifest.splits.items() if n["videos"]]
    videos = [(split, name) for split in manifest.splits for name in manifest.ids(split)]
    groups = groups_of((name for _, name in videos), manifest.groups)
    pairs, blank = all_copies(splits, progress) if copies else (None, ())
    return Stats(
        folder=str(data),
        class_names=manifest.class_names,
        rows={split.name: split.videos for split in splits},
        ids={split.name: split.ids for split in splits},
        copies=pairs,
        blank=blank,
        groups=torn_groups((groups.get(name), split, name) for split, name in videos),
        num_groups=len(set(groups.values())),
        missing=sum(map(len, manifest.missing.values())),
        failures=len(manifest.failures),
    )
