"""The plan of a build and its results, shard by shard."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tfrecords.format.manifest import Shard
from tfrecords.format.record import Failure, VideoEntry
from tfrecords.sources.split_words import SPLITS
from tfrecords.sources.splits import stable_hash
from tfrecords.text import printable

VIDEOS_PER_SHARD = 32  # about 256 MB of ten-second clips
MOST_SHARDS = 512
LISTED = 20  # failures to print; dataset.json lists all


@dataclass(frozen=True)
class PlannedShard:
    """A shard to write: its file, its split and its videos in order."""

    file: str
    split: str
    entries: tuple[VideoEntry, ...]


class Done(NamedTuple):
    """A finished shard (None if all its videos failed), its number of frames and its failures.

    `hung` are the ids of failures that exceeded the timeout and were not retried yet. `as_frames`
    maps the id of a video that could not stay encoded to the reason why it is stored as JPEGs.
    `clock_jumps` maps the id of a video to the times in seconds at which its clock jumps.
    """

    shard: Shard | None
    frames: int
    failures: tuple[Failure, ...]
    hung: tuple[str, ...] = ()
    as_frames: Mapping[str, str] = {}
    clock_jumps: Mapping[str, Sequence[float]] = {}


def plan_shards(entries: Sequence[VideoEntry], shards: int | None) -> list[PlannedShard]:
    """Distributes the videos of each split over its shards, in the order of their ids' hashes."""
    plan = []
    for split in SPLITS:
        own = [entry for entry in entries if entry.split == split]
        own.sort(key=lambda entry: stable_hash(entry.id))
        count = min(shards or min(math.ceil(len(own) / VIDEOS_PER_SHARD), MOST_SHARDS), len(own))
        for i in range(count):
            part = own[i * len(own) // count : (i + 1) * len(own) // count]
            name = f"{split}-{i:05d}-of-{count:05d}.tfrecord"
            plan.append(PlannedShard(name, split, tuple(part)))
    return plan


def listing(failures: Sequence[Failure]) -> str:
    """Formats failures for printing, one per line."""
    lines = [f"\n  {printable(f'{own.path}: {own.reason}')}" for own in failures[:LISTED]]
    more = len(failures) - LISTED
    return "".join(lines) + (f"\n  and {more} more" if more > 0 else "")
