"""Estimates the time and the disk space of a build from a sample of its videos.

It assumes that the cost of a video is proportional to the size of its file, or to its length if a
list cuts segments out of files. The sample gives the factor and its error.
"""

import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrecords.format.record import Failure, VideoEntry
from tfrecords.sources.file_names import file_of
from tfrecords.sources.splits import stable_hash
from tfrecords.storage.disk_space import FullDisk, free_bytes
from tfrecords.storage.files import AnyPath, is_remote
from tfrecords.storage.local_copies import workshop
from tfrecords.text import counted, sized, timed
from tfrecords.writing.decoder_pool import Decoders
from tfrecords.writing.plan import listing
from tfrecords.writing.shard_task import ShardTask, decoder_job, failure

SAMPLE = 20
PLENTY = 100  # free bytes per byte of the source that surely suffice


@dataclass(frozen=True)
class Estimate:
    """An estimate of the rest of a build.

    Args:
        out: The data set's folder.
        videos: Number of videos that are not in a shard yet.
        sampled: Number of videos in the decoded sample.
        failures: Videos of the sample that could not be read.
        workers: Number of decoder processes.
        seconds: Time that the build will take.
        bytes: Size of the shards.
        spool: Additional bytes that are needed while the build runs.
        error: Relative error of `bytes` (two standard errors).
        free: Free bytes on the disk.
    """

    out: AnyPath
    videos: int
    sampled: int
    failures: tuple[Failure, ...]
    workers: int
    seconds: float
    bytes: int
    spool: int
    error: float
    free: int

    @property
    def failed(self) -> int:
        """The number of videos in the sample that could not be read."""
        return len(self.failures)

    def __str__(self) -> str:
        videos, sample = counted(self.videos, "video"), f"From {counted(self.sampled, 'video')}"
        failed = f"\n{self.failed} of them could not be read:" if self.failures else ""
        failed += listing(self.failures)
        if self.failed == self.sampled:
            return f"{videos}: time and size are unknown.\n({sample}.){failed}"
        return (
            f"{videos} with {counted(self.workers, 'worker')}: about "
            f"{timed(self.seconds)}, {sized(self.bytes)} of shards and up to {sized(self.spool)} "
            f"more while it runs; {sized(self.free)} are free on the disk of "
            f"{workshop(self.out)}.\n({sample}; the size may be off by {self.error:.0%}.){failed}"
        )

    def check_disk(self) -> None:
        """Raises `FullDisk` if the shards clearly do not fit. A server always has space."""
        needed = self.spool if is_remote(self.out) else self.bytes
        if needed * (1 - self.error) > self.free:
            raise FullDisk(
                f"The disk of {workshop(self.out)} is too small: {counted(self.videos, 'video')} "
                f"will need about {sized(needed)} (estimated from {self.sampled} of them, "
                f"with an error of {self.error:.0%}), {sized(self.free)} are free. Free "
                "some space, set --out to a larger disk, or make smaller frames with --short-side "
                "and --quality."
            )


def estimate(tasks: Sequence[ShardTask], workers: int, most: int = SAMPLE) -> Estimate:
    """Estimates the rest of a build by decoding a sample. Leaves no files.

    Args:
        tasks: Tasks, at least one.
        workers: Number of decoder processes.
        most: Maximum size of the sample.
    """
    entries = [entry for task in tasks for entry in task.shard.entries]
    entries.sort(key=lambda entry: stable_hash(entry.id))
    sample, weights = entries[:most], _weights(tasks[0].root, entries)
    own = weights[: len(sample)]
    seconds, sizes, failures = _decode(tasks[0], sample, workers)
    factor = weights.sum() / own.sum()
    size = sizes.sum() * factor
    return Estimate(
        out=tasks[0].out,
        videos=len(entries),
        sampled=len(sample),
        failures=failures,
        workers=workers,
        seconds=float(seconds.sum() * factor / workers),
        bytes=int(size),
        spool=int(size * min(1, (workers + 1) / len(tasks))),
        error=_error(sizes, own, len(entries)),
        free=free_bytes(tasks[0].spool),
    )


def check_disk(tasks: Sequence[ShardTask], workers: int) -> None:
    """Stops a build before it starts if the disk is clearly too small.

    If the free space is 100 times the size of the source, this decodes nothing, otherwise a tenth
    of the videos, at most twenty.

    Raises:
        FullDisk: If the shards do not fit.
    """
    entries = [entry for task in tasks for entry in task.shard.entries]
    if not entries:
        return
    source = sum(_bytes(path) for path in {file_of(tasks[0].root, entry.path) for entry in entries})
    if free_bytes(tasks[0].spool) < PLENTY * source:
        estimate(tasks, workers, min(SAMPLE, math.ceil(len(entries) / 10))).check_disk()


def _decode(
    task: ShardTask, sample: Sequence[VideoEntry], workers: int
) -> tuple[np.ndarray, np.ndarray, tuple[Failure, ...]]:
    """The duration and size in bytes of each video, and the failures."""
    seconds, sizes, failed = np.zeros(len(sample)), np.zeros(len(sample)), []
    with tempfile.TemporaryDirectory() as folder, Decoders(workers, task.timeout) as decoders:
        spools = [Path(folder, str(number)) for number in range(len(sample))]
        futures = {}
        for number, (entry, spool) in enumerate(zip(sample, spools, strict=True)):
            job = decoder_job(task.root, entry, spool, task.frame)
            futures[decoders.submit(job)] = number
        for future in as_completed(futures):
            number, reply = futures[future], future.result()
            if reply.full:
                raise FullDisk(
                    f"The disk of {folder} has no space for one decoded video. Free some space."
                )
            seconds[number] = task.timeout if reply.seconds is None else reply.seconds
            if not reply.decoded:
                failed.append(failure(sample[number], reply.error))
            else:
                sizes[number] = spools[number].stat().st_size
                spools[number].unlink()
    return seconds, sizes, tuple(sorted(failed, key=lambda failure: failure.id))


def _weights(root: Path, entries: Sequence[VideoEntry]) -> np.ndarray:
    """The quantity to which the cost of each video is assumed proportional."""
    spans = [entry.end - (entry.start or 0) for entry in entries if entry.end is not None]
    if len(spans) == len(entries):
        return np.array(spans)
    if any(entry.start is not None or entry.end is not None for entry in entries):
        return np.ones(len(entries))
    return np.array([max(1.0, _bytes(file_of(root, entry.path))) for entry in entries])


def _bytes(path: AnyPath) -> int:
    try:
        files = path.iterdir() if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files)
    except (OSError, ValueError):  # a video that is missing
        return 0


def _error(found: np.ndarray, weights: np.ndarray, total: int) -> float:
    """Two standard errors of a ratio estimate, relative to it."""
    number = len(found)
    if not found.any():
        return 1.0
    if number == total:
        return 0.0
    if number == 1:
        return 0.5
    rest = found - found.sum() / weights.sum() * weights
    variance = (rest**2).sum() / (number - 1) / number * (1 - number / total)
    return min(1.0, 2 * math.sqrt(variance) / float(found.mean()))
