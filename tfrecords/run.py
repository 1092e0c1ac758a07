"""One run of a build: decodes what is not done yet and seals shard after shard."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tfrecords.journal import Done
from tfrecords.pool import BuildError, Job, decode_all
from tfrecords.schema import Failure, VideoEntry
from tfrecords.shards import Spooled, write_shard
from tfrecords.sources import plain
from tfrecords.splits import SPLITS, stable_hash
from tfrecords.worker import FULL

VIDEOS_PER_SHARD = 32  # about 256 MB of ten-second clips
MOST_SHARDS = 512
LISTED = 20  # failures shown at the end; dataset.json has all


@dataclass(frozen=True)
class PlannedShard:
    """A shard before it is written: its file, its split and its videos in order."""

    file: str
    split: str
    entries: tuple[VideoEntry, ...]


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


class Run:
    """Decodes what is not done yet, and seals each shard when its last video has ended."""

    def __init__(self, plan, names, root, frame, journal, max_failures, progress):
        self.plan, self.root, self.frame, self.journal = plan, root, frame, journal
        self.labels = {name: label for label, name in enumerate(names)}
        self.total = sum(len(shard.entries) for shard in plan)
        self.most = math.floor(max_failures * self.total + 1e-9)
        self.max_failures = max_failures
        self.done = {shard.file: journal.load(shard.file) for shard in plan}
        self.ended: dict[str, dict[int, Spooled | Failure]] = {}
        self.failures = [f for done in self.done.values() if done for f in done.failures]
        self.seals: list[tuple[str, Future]] = []
        ready = sum(len(s.entries) for s in plan if self.done[s.file])
        self.bar = tqdm(total=self.total, initial=ready, unit="video", disable=not progress)

    def run(self, workers: int, timeout: float) -> dict[str, Done]:
        self._missing_files()
        results = decode_all(self._jobs(), workers, timeout)
        sealer = ThreadPoolExecutor(1, thread_name_prefix="sealer")
        with self.bar, sealer, contextlib.closing(results):
            for job, reply in results:
                self._end(job, reply, sealer)
                self._collect(most_pending=2)
            self._collect(most_pending=0)
        return self.done

    def _missing_files(self) -> None:
        """Stops before any work where the paths are wrong as a whole."""
        left = [
            entry for shard in self.plan if not self.done[shard.file] for entry in shard.entries
        ]
        missing = [entry for entry in left if not (self.root / entry.path).exists()]
        if len(missing) > self.most:
            self.failures += [_failure(entry, "the file is missing") for entry in missing]
            self._stop()

    def _jobs(self) -> Iterator[Job]:
        for shard in self.plan:
            if self.done[shard.file]:
                continue
            self.ended[shard.file] = {}
            for place, entry in enumerate(shard.entries):
                yield {
                    "shard": shard,
                    "place": place,
                    "path": str((self.root / entry.path).absolute()),
                    "start": entry.start,
                    "end": entry.end,
                    "spool": str(self.journal.spool / f"{shard.file}.{place}"),
                    **self.frame,
                }

    def _end(self, job: Job, reply: dict[str, Any], sealer: ThreadPoolExecutor) -> None:
        shard, place = job["shard"], job["place"]
        entry, ended = shard.entries[place], self.ended[shard.file]
        if "full" in reply:
            raise OSError(next(iter(FULL)), reply["full"])
        if "error" in reply:
            ended[place] = _failure(entry, reply["error"])
            self.failures.append(ended[place])
            if len(self.failures) > self.most:
                self._stop()
        else:
            label = self.labels[entry.label]
            ended[place] = Spooled(entry, label, Path(job["spool"]), reply)
        self.bar.set_postfix(failed=len(self.failures), refresh=False)
        self.bar.update()
        if len(ended) == len(shard.entries):
            del self.ended[shard.file]
            self.seals.append((shard.file, sealer.submit(self._seal, shard, ended)))

    def _seal(self, shard: PlannedShard, ended: dict[int, Spooled | Failure]) -> Done:
        results = [ended[place] for place in sorted(ended)]
        videos = [result for result in results if isinstance(result, Spooled)]
        failures = tuple(result for result in results if isinstance(result, Failure))
        written = (
            write_shard(self.journal.out / shard.file, shard.split, videos) if videos else None
        )
        done = Done(written, sum(len(v.found["lengths"]) for v in videos), failures)
        self.journal.save(shard.file, done)
        for video in videos:
            video.spool.unlink()
        return done

    def _collect(self, most_pending: int) -> None:
        while self.seals and (self.seals[0][1].done() or len(self.seals) > most_pending):
            file, seal = self.seals.pop(0)
            self.done[file] = seal.result()

    def _stop(self) -> None:
        self.journal.forget_failures()
        raise BuildError(
            f"stopped: {len(self.failures)} of {self.total} videos failed, more than "
            f"--max-failures {self.max_failures:g} allows. {listing(self.failures)}\nRepair them, "
            "or allow more, and run the same command again: it goes on where it stopped"
        )


def _failure(entry: VideoEntry, reason: str) -> Failure:
    return Failure(entry.id, plain(entry.path), entry.split, reason)


def listing(failures: Sequence[Failure]) -> str:
    """Failures for people, one a line."""
    lines = [f"\n  {failure.path}: {failure.reason}" for failure in failures[:LISTED]]
    more = len(failures) - LISTED
    return "".join(lines) + (f"\n  and {more} more" if more > 0 else "")
