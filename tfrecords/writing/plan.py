"""What a build is going to do and has done, shard by shard."""

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
LISTED = 20  # failures shown at the end; dataset.json has all


@dataclass(frozen=True)
class PlannedShard:
    """A shard before it is written: its file, its split and its videos in order."""

    file: str
    split: str
    entries: tuple[VideoEntry, ...]


class Done(NamedTuple):
    """A finished shard (None where all its videos failed), its frames and its failures.

    `hung` are the ids of failures that ran into the timeout and were not tried again yet;
    `as_frames` tells of videos that could not stay encoded why they are stored as JPEGs;
    `clock_jumps` lists when, in seconds, the clocks of videos jump.
    """

    shard: Shard | None
    frames: int
    failures: tuple[Failure, ...]
    hung: tuple[str, ...] = ()
    as_frames: Mapping[str, str] = {}
    clock_jumps: Mapping[str, Sequence[float]] = {}


def plan_shards(entries: Sequence[VideoEntry], shards: int | None) -> list[PlannedShard]:
    """Deals the videos of each split to its shards, in the order of their ids' hashes."""
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
    """Failures for people, one a line."""
    lines = [f"\n  {printable(f'{own.path}: {own.reason}')}" for own in failures[:LISTED]]
    more = len(failures) - LISTED
    return "".join(lines) + (f"\n  and {more} more" if more > 0 else "")
