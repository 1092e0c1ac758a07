"""One shard, from its videos to its file: the unit of work of threads, processes and clusters.

A worker needs the source, the data set's folder and a `ShardTask`. Whatever is no shard yet lies in
a folder of the attempt's own below `spool`, from where the shard is renamed into place: attempts
that die leave nothing in the data set, and two at the same shard do not meet.
"""

import errno
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrecords.format.record import Failure, VideoEntry
from tfrecords.format.shard_writer import Spooled, publish_shard, write_shard
from tfrecords.sources.file_names import file_of
from tfrecords.storage.files import is_remote
from tfrecords.text import plain
from tfrecords.writing.decoder_pool import BuildError, Decoders, Job
from tfrecords.writing.fingerprint import environment
from tfrecords.writing.plan import Done, PlannedShard

Result = Spooled | Failure


@dataclass(frozen=True)
class ShardTask:
    """A shard to build, as it travels to a worker.

    Args:
        shard: PlannedShard.
        labels: tuple of int, the place of each video's label in the class names.
        root: Path, absolute, the folder that the videos' paths start from.
        out: Path, absolute, the data set's folder.
        spool: Path, absolute, the folder of the worker's machine for what is no shard yet.
        frame: mapping with `short_side`, `quality` and `fps`.
        timeout: float, seconds that a video may go without giving a frame.
        environment: mapping, the versions and the machine that the bytes depend on.
        before: Done or None, an outcome whose hung videos are tried once more.
    """

    shard: PlannedShard
    labels: tuple[int, ...]
    root: Path
    out: Path
    spool: Path
    frame: Mapping[str, Any]
    timeout: float
    environment: Mapping[str, Any]
    before: Done | None = None

    def job(self, place: int, folder: Path) -> Job:
        """What the decoder is asked for the video at a place."""
        return decoder_job(self.root, self.shard.entries[place], folder / str(place), self.frame)


def decoder_job(root: Path, entry: VideoEntry, spool: Path, frame: Mapping[str, Any]) -> Job:
    """What the decoder is asked for a video."""
    path = str(file_of(root, entry.path).absolute())
    return {"path": path, "start": entry.start, "end": entry.end, "spool": str(spool), **frame}


def build_shard(task: ShardTask) -> Done:
    """Builds a shard with a decoding process of its own: what an executor is given.

    Raises:
        BuildError: If this worker's packages would write other bytes.
        OSError: If the disk is full, among others.
    """
    if (here := environment()) != task.environment:
        raise BuildError(
            f"a worker has {here}, this program {task.environment}: install the same versions on "
            "every machine, so that all write the same bytes"
        )
    with Decoders(1, task.timeout) as decoders:
        return decode_and_write(task, decoders)


def decode_and_write(
    task: ShardTask, decoders: Decoders, ended: Callable[[Result], None] = lambda result: None
) -> Done:
    """Decodes the videos of a shard and writes it.

    Args:
        task: ShardTask.
        decoders: Decoders, which may be shared with other shards.
        ended: callable, told of each video as it ends.
    """
    with _attempt(task) as folder:
        results = _try_again(task, decoders, folder) if task.before else {}
        if results and all(isinstance(result, Failure) for result in results.values()):
            return _with_failures(task.before, results.values())
        places = [n for n in range(len(task.shard.entries)) if n not in results]
        futures = {decoders.submit(task.job(n, folder)): n for n in places}
        hung = []
        for future in as_completed(futures):
            place, reply = futures[future], future.result()
            results[place] = _result(task, place, folder, reply)
            hung += [task.shard.entries[place].id] if "hangs" in reply else []
            ended(results[place])
        _check_still_there(folder)
        return _write(task, folder, [results[n] for n in sorted(results)], tuple(sorted(hung)))


def failure(entry: VideoEntry, reason: str) -> Failure:
    """A video of the source as a failure."""
    return Failure(entry.id, plain(entry.path), entry.split, reason)


@contextmanager
def _attempt(task: ShardTask) -> Iterator[Path]:
    folder = task.spool / f"{task.shard.file}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=is_remote(task.out))  # where no worker shares a disk with another
    except FileNotFoundError:
        raise _ended(task.spool) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_again(task: ShardTask, decoders: Decoders, folder: Path) -> dict[int, Result]:
    """The videos that hung, one after the other, before the rest of their shard."""
    places = [n for n, entry in enumerate(task.shard.entries) if entry.id in task.before.hung]
    again = {}
    for place in places:
        reply = decoders.submit(task.job(place, folder)).result()
        if "hangs" in reply:
            reply["error"] += ", and again when it was read alone"
        again[place] = _result(task, place, folder, reply)
    return again


def _with_failures(before: Done, results) -> Done:
    """The same shard, its hung videos' failures as they are now."""
    now = {result.id: result for result in results}
    failures = tuple(now.get(failure.id, failure) for failure in before.failures)
    return before._replace(failures=failures, hung=())


def _result(task: ShardTask, place: int, folder: Path, reply: dict[str, Any]) -> Result:
    entry = task.shard.entries[place]
    if "full" in reply:
        raise OSError(errno.ENOSPC, reply["full"])
    if "error" in reply:
        return failure(entry, reply["error"])
    return Spooled(entry, task.labels[place], folder / str(place), reply)


def _write(task: ShardTask, folder: Path, results: list[Result], hung: tuple[str, ...]) -> Done:
    videos = [result for result in results if isinstance(result, Spooled)]
    failures = tuple(result for result in results if isinstance(result, Failure))
    if not videos:
        return Done(None, 0, failures, hung)
    shard = write_shard(folder / task.shard.file, task.shard.split, videos)
    publish_shard(folder / task.shard.file, task.out)
    frames = sum(len(video.found["timestamps"]) for video in videos)
    reasons = {video.entry.id: video.found.get("not_encoded") for video in videos}
    as_frames = {name: reason for name, reason in reasons.items() if reason}
    jumps = {video.entry.id: video.found["clock_jumps"] for video in videos}
    clock_jumps = {name: times for name, times in jumps.items() if times}
    return Done(shard, frames, failures, hung, as_frames, clock_jumps)


def _check_still_there(folder: Path) -> None:
    """A build that ended takes its spool away: that is no fault of the videos."""
    if not folder.is_dir():
        raise _ended(folder)


def _ended(folder: Path) -> BuildError:
    return BuildError(
        f"{folder} is not there: the build has ended, or this worker does not see the folder of "
        "the data set, which all workers must share"
    )
