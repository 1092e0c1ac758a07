"""What a data set holds, in numbers: the classes, lengths, copies and groups of its splits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tfrecords.checks.copies import Copy, Video


@dataclass(frozen=True)
class Stats:
    """What a data set holds.

    Args:
        folder: The data set.
        class_names: The classes, in order.
        rows: Mapping from a split to its videos, an array of the index's rows.
        ids: Mapping from a split to its videos' ids.
        copies: Those in different splits first; None where none were looked for.
        blank: Which show one colour.
        groups: Mapping from a group that stands in several splits to these and their videos' ids.
        num_groups: Groups in all.
        missing: Videos that the source's lists name and that were not there.
        failures: Videos that could not be read.
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
