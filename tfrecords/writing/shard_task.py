"""Builds one shard from its videos: the unit of work of threads, processes and clusters.

A worker needs the source, the data set's folder and a `ShardTask`. Each attempt writes its files to
its own folder under `spool` and then renames the shard into place. So failed attempts leave no
files in the data set, and two attempts at one shard do not conflict.
"""

import errno
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfrecords.format.decoded import FrameOptions, Job, Reply
from tfrecords.format.record import Failure, VideoEntry
from tfrecords.format.shard_writer import Spooled, publish_shard, write_shard
from tfrecords.sources.file_names import file_of
from tfrecords.storage.files import AnyPath, is_remote
from tfrecords.text import plain
from tfrecords.writing.decoder_pool import BuildError, Decoders
from tfrecords.writing.fingerprint import environment
from tfrecords.writing.plan import Done, PlannedShard

Result = Spooled | Failure


@dataclass(frozen=True)
class ShardTask:
    """A shard to build, as it is sent to a worker.

    Args:
        shard: The shard.
        labels: Index of each video's class in the class names.
        root: Absolute path of the folder that relative paths start from.
        out: Absolute path of the data set's folder.
        spool: Absolute path of the worker's local folder for unfinished files.
        frame: How frames are made.
        timeout: Seconds without a new frame after which a video counts as hanging.
        environment: The versions and the machine that the bytes depend on.
        before: An earlier result whose hung videos are retried.
    """

    shard: PlannedShard
    labels: tuple[int, ...]
    root: Path
    out: AnyPath
    spool: Path
    frame: FrameOptions
    timeout: float
    environment: Mapping[str, Any]
    before: Done | None = None

    def job(self, place: int, folder: Path) -> Job:
        """The decoder's job for the video at an index."""
        return decoder_job(self.root, self.shard.entries[place], folder / str(place), self.frame)


def decoder_job(root: Path, entry: VideoEntry, spool: Path, frame: FrameOptions) -> Job:
    """The decoder's job for a video."""
    path = str(file_of(root, entry.path).absolute())
    return Job(path, str(spool), frame, entry.start, entry.end)


def build_shard(task: ShardTask) -> Done:
    """Builds a shard with its own decoder process; executors run this function.

    Raises:
        BuildError: If the versions of this worker's packages differ.
        OSError: If the disk is full, among others.
    """
    if (here := environment()) != task.environment:
        raise BuildError(
            f"All workers must have {task.environment}, received {here}. Install the same versions "
            "on every machine, so that all write the same bytes."
        )
    with Decoders(1, task.timeout) as decoders:
        return decode_and_write(task, decoders)


def decode_and_write(
    task: ShardTask, decoders: Decoders, ended: Callable[[Result], None] = lambda result: None
) -> Done:
    """Decodes the videos of a shard and writes it.

    Args:
        task: The shard to build.
        decoders: Decoders, which may be shared with other shards.
        ended: Called with the result of each video.
    """
    with _attempt(task) as folder:
        results = _try_again(task, task.before, decoders, folder) if task.before else {}
        again = [result for result in results.values() if isinstance(result, Failure)]
        if task.before and results and len(again) == len(results):
            return _with_failures(task.before, again)
        places = [n for n in range(len(task.shard.entries)) if n not in results]
        futures = {decoders.submit(task.job(n, folder)): n for n in places}
        hung = []
        for future in as_completed(futures):
            place, reply = futures[future], future.result()
            results[place] = _result(task, place, folder, reply)
            hung += [task.shard.entries[place].id] if reply.hangs else []
            ended(results[place])
        _check_still_there(folder)
        return _write(task, folder, [results[n] for n in sorted(results)], tuple(sorted(hung)))


def failure(entry: VideoEntry, reason: str) -> Failure:
    """The failure of a video."""
    return Failure(entry.id, plain(entry.path), entry.split, reason)


@contextmanager
def _attempt(task: ShardTask) -> Iterator[Path]:
    folder = task.spool / f"{task.shard.file}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=is_remote(task.out))  # workers of a remote build share no disk
    except FileNotFoundError:
        raise _ended(task.spool) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_again(
    task: ShardTask, before: Done, decoders: Decoders, folder: Path
) -> dict[int, Result]:
    """Retries the videos that hung, one at a time, before the rest of their shard."""
    places = [n for n, entry in enumerate(task.shard.entries) if entry.id in before.hung]
    again = {}
    for place in places:
        reply = decoders.submit(task.job(place, folder)).result()
        if reply.hangs:
            reply = replace(reply, error=f"{reply.error}, also when read alone")
        again[place] = _result(task, place, folder, reply)
    return again


def _with_failures(before: Done, results: Iterable[Failure]) -> Done:
    """The same shard with updated failures of its hung videos."""
    now = {result.id: result for result in results}
    failures = tuple(now.get(failure.id, failure) for failure in before.failures)
    return before._replace(failures=failures, hung=())


def _result(task: ShardTask, place: int, folder: Path, reply: Reply) -> Result:
    entry = task.shard.entries[place]
    if reply.full:
        raise OSError(errno.ENOSPC, reply.full)
    if not reply.decoded:
        return failure(entry, reply.error)
    return Spooled(entry, task.labels[place], folder / str(place), reply.decoded)


def _write(task: ShardTask, folder: Path, results: list[Result], hung: tuple[str, ...]) -> Done:
    videos = [result for result in results if isinstance(result, Spooled)]
    failures = tuple(result for result in results if isinstance(result, Failure))
    if not videos:
        return Done(None, 0, failures, hung)
    shard = write_shard(folder / task.shard.file, task.shard.split, videos)
    publish_shard(folder / task.shard.file, task.out)
    frames = sum(len(video.found.timestamps) for video in videos)
    as_frames = {v.entry.id: v.found.not_encoded for v in videos if v.found.not_encoded}
    clock_jumps = {v.entry.id: v.found.clock_jumps for v in videos if v.found.clock_jumps}
    return Done(shard, frames, failures, hung, as_frames, clock_jumps)


def _check_still_there(folder: Path) -> None:
    """Raises if the build ended and removed the spool, which is no failure of the videos."""
    if not folder.is_dir():
        raise _ended(folder)


def _ended(folder: Path) -> BuildError:
    return BuildError(
        f"{folder} is missing: the build has ended, or this worker cannot access the folder of the "
        "data set, which all workers must share."
    )
