"""Statistics of a data set: the classes, lengths, copies and groups of its splits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tfrecords.checks.copies import Copy, Video


@dataclass(frozen=True)
class Stats:
    """Statistics of a data set.

    Args:
        folder: The data set.
        class_names: Class names, in label order.
        rows: Mapping from a split to its videos, an array of the index's rows.
        ids: Mapping from a split to its videos' ids.
        copies: The copies, those in different splits first; None if they were not searched for.
        blank: The videos of a single color.
        groups: Mapping from a group in several splits to a mapping from these splits to the ids of
            its videos.
        num_groups: Total number of groups.
        missing: Number of videos that the source lists but that were missing.
        failures: Number of videos that could not be read.
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
        """The number of videos of each class in a split."""
        return np.bincount(self.rows[split]["label"], minlength=len(self.class_names))

    def seconds(self, split: str) -> np.ndarray:
        """The length of each video of a split in seconds."""
        return self.rows[split]["frames"] / self.rows[split]["frame_rate"]
