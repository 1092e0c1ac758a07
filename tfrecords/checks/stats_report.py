"""The report of `ctm stats`: the problems, then tables; as text and as JSON."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfrecords.checks.copies import Copy
from tfrecords.checks.dataset_stats import Stats
from tfrecords.checks.findings import findings
from tfrecords.text import printable, shorten

ROWS = 40  # classes in the table
HEADS = ("seconds (min, median, max)", "frames per second", "pixels")


class StatsReport(Stats):
    """The result of `stats`. `str` formats it for printing."""

    def __str__(self) -> str:
        videos = ", ".join(f"{split} {len(rows):,}" for split, rows in self.rows.items())
        head = f"{self.folder}: {len(self.class_names):,} classes, videos: {videos}"
        found = [f"  ! {line}" for line in findings(self)] or ["  No problems found."]
        blocks = [[head], found, _split_table(self), _class_table(self)]
        return "\n\n".join("\n".join(block) for block in blocks)

    def as_json(self) -> dict[str, Any]:
        """The whole report, for programs."""
        copies = self.copies
        return {
            "data": self.folder,
            "findings": findings(self),
            "splits": {split: _numbers(self, split) for split in self.rows},
            "classes": [
                {"name": name, "videos": {s: int(self.counts(s)[label]) for s in self.rows}}
                for label, name in enumerate(self.class_names)
            ],
            "copies": copies if copies is None else [_copy(copy) for copy in copies],
            "blank": [video._asdict() for video in self.blank],
            "groups": {"count": self.num_groups, "in_several_splits": self.groups},
            "missing": self.missing,
            "failures": self.failures,
        }


def _split_table(stats: Stats) -> list[str]:
    rows = [["split", "videos", "frames", "hours", *HEADS]]
    for split in stats.rows:
        n = _numbers(stats, split)
        rows.append([
            split, f"{n['videos']:,}", f"{n['frames']:,}", f"{n['seconds']['sum'] / 3600:.2f}",
            ", ".join(f"{n['seconds'][key]:.1f}" for key in ("least", "median", "most")),
            _most(n["frame_rates"]), _most(n["sizes"]),
        ])  # fmt: skip
    return _table(rows)


def _class_table(stats: Stats) -> list[str]:
    splits, labels = list(stats.rows), range(len(stats.class_names))
    counts = {split: stats.counts(split) for split in splits}
    rows = [["class", *splits]]
    total = np.sum(list(counts.values()), axis=0)
    order = sorted(labels, key=lambda k: (total[k], k)) if len(labels) > ROWS else list(labels)
    shown = order[: ROWS // 2] + order[-(ROWS // 2) :] if len(labels) > ROWS else order
    names = [shorten(printable(name)) for name in stats.class_names]
    rows += [[names[k], *(f"{counts[s][k]:,}" for s in splits)] for k in shown]
    note = [f"(the {ROWS // 2} smallest and the {ROWS // 2} largest classes)"]
    return _table(rows) + (note if len(labels) > ROWS else [])


def _numbers(stats: Stats, split: str) -> dict[str, Any]:
    rows, seconds = stats.rows[split], stats.seconds(split)
    return {
        "videos": len(rows),
        "frames": int(rows["frames"].sum()),
        "seconds": {
            "sum": float(seconds.sum()),
            "least": float(seconds.min()),
            "median": float(np.median(seconds)),
            "most": float(seconds.max()),
        },
        "frame_rates": _shares(f"{rate:.4g}" for rate in rows["frame_rate"].tolist()),
        "sizes": _shares(f"{w}x{h}" for w, h in rows[["width", "height"]].tolist()),
    }


def _shares(values: Iterable[str]) -> dict[str, int]:
    """The count of each value, the most frequent first."""
    return dict(Counter(values).most_common())


def _most(shares: dict[str, int], most: int = 3) -> str:
    """The most frequent values."""
    more = len(shares) - most
    return ", ".join(list(shares)[:most]) + (f" and {more:,} more" if more > 0 else "")


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows)
    return ["  ".join(row) for row in cells]


def _copy(copy: Copy) -> dict[str, Any]:
    return {
        "videos": [video._asdict() for video in copy.videos],
        "identical": copy.identical,
        "motion": copy.motion,
        "picture": copy.picture,
    }
