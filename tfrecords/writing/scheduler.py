"""A run of a build: submits the unfinished shards and records the finished ones."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from tfrecords.format.decoded import FrameOptions
from tfrecords.format.manifest import named
from tfrecords.format.record import Failure
from tfrecords.sources.file_names import file_of
from tfrecords.text import counted
from tfrecords.writing.decoder_pool import BuildError, Decoders
from tfrecords.writing.estimate import Estimate, check_disk, estimate
from tfrecords.writing.fingerprint import environment
from tfrecords.writing.plan import Done, PlannedShard, listing
from tfrecords.writing.resume import Journal
from tfrecords.writing.shard_task import ShardTask, build_shard, decode_and_write, failure

Submit = Callable[[ShardTask], Future]
tqdm.get_lock()  # imports multiprocessing now: a Ctrl-C during an import can be lost


class TooManyFailures(BuildError):  # noqa: N818
    """More videos failed than `max_failures` allows."""


class Run:
    """Builds the unfinished shards.

    Args:
        plan: The shards.
        names: The class names, in label order.
        root: The folder that relative paths start from.
        frame: How frames are made.
        journal: The state of the build.
        timeout: Seconds without a new frame after which a video counts as hanging.
        max_failures: Fraction of the videos that may fail.
        progress: Whether to show a progress bar.
    """

    def __init__(
        self,
        plan: Sequence[PlannedShard],
        names: Sequence[str],
        root: Path,
        frame: FrameOptions,
        journal: Journal,
        timeout: float,
        max_failures: float,
        progress: bool,
    ):
        self.plan, self.journal, self.max_failures = plan, journal, max_failures
        self.labels = {name: label for label, name in enumerate(names)}
        self.root, self.frame, self.timeout = root.absolute(), frame, timeout
        self.environment = environment()
        self.total = sum(len(shard.entries) for shard in plan)
        self.progress = progress
        self.done: dict[str, Done] = {}
        self.failures: list[Failure] = []

    def run(self, executor: Executor | None, workers: int) -> dict[str, Done]:
        """Builds with an executor or, if it is None, with own processes."""
        self.by_shard = executor is not None
        way: AbstractContextManager[Submit] = self._decode_here(workers)
        if executor is not None:
            way = nullcontext(lambda task: executor.submit(build_shard, task))
        self._load()
        try:
            self._missing_files()
            check_disk(list(self._tasks()), workers)
            self.journal.begin()
            with self._bar() as self.bar, way as submit:
                self._build(self._tasks(), submit)
                self._try_again(submit)
        except TooManyFailures:
            self.journal.forget_failures()
            raise
        return self.done

    def estimate(self, workers: int) -> Estimate:
        """Estimates the rest of the build and writes nothing."""
        if self.journal.recorded():
            self.journal.compare()
        self._load()
        tasks = list(self._tasks())
        if not tasks:
            raise BuildError(
                f"All shards of {self.journal.out} are written. Build without --estimate to finish."
            )
        found = estimate(tasks, workers)
        tqdm.write(str(found))
        found.check_disk()
        return found

    def _load(self) -> None:
        """Loads the results of earlier runs."""
        self.done = {s.file: done for s in self.plan if (done := self.journal.load(s.file))}
        self.failures = [f for done in self.done.values() for f in done.failures]

    def _bar(self) -> tqdm:
        ready = sum(len(shard.entries) for shard in self.plan if shard.file in self.done)
        return tqdm(total=self.total, initial=ready, unit="video", disable=not self.progress)

    def _missing_files(self) -> None:
        """Stops before any work if too many files are missing, as when all paths are wrong."""
        left = [entry for task in self._tasks() for entry in task.shard.entries]
        missing = [entry for entry in left if not file_of(self.root, entry.path).exists()]
        found = [*self.failures, *(failure(entry, "the file is missing") for entry in missing)]
        self._check_failures(found)

    def _tasks(self) -> Iterator[ShardTask]:
        return (self._task(shard) for shard in self.plan if shard.file not in self.done)

    def _try_again(self, submit: Submit) -> None:
        """Retries the shards with videos that exceeded the timeout, while nothing else runs."""
        hung: list[str] = []
        failed: set[str] = set()
        for shard in self.plan:
            if (before := self.done[shard.file]).hung:
                task = replace(self._task(shard), before=before)
                self._build([task], submit)
                hung += before.hung
                failed |= {failure.id for failure in self.done[shard.file].failures}
        if read := [name for name in hung if name not in failed]:
            tqdm.write(
                f"{counted(len(read), 'video')} exceeded the timeout, but not at the second "
                f"attempt: {named(read)}"
            )

    def _task(self, shard: PlannedShard) -> ShardTask:
        labels = tuple(self.labels[entry.label] for entry in shard.entries)
        return ShardTask(
            shard,
            labels,
            self.root,
            self.journal.out.absolute(),
            self.journal.spool.absolute(),
            self.frame,
            self.timeout,
            self.environment,
        )

    @contextmanager
    def _decode_here(self, workers: int) -> Iterator[Submit]:
        """Threads that share a pool of decoders: the next shard decodes while one is written."""
        threads = ThreadPoolExecutor(workers + 1, "shard")
        with threads, Decoders(workers, self.timeout) as decoders:
            yield lambda task: threads.submit(
                decode_and_write, task, decoders, partial(self._ended, task)
            )

    def _build(self, tasks: Iterable[ShardTask], submit: Submit) -> None:
        futures: dict[Future, ShardTask] = {}
        try:
            for task in tasks:
                futures[submit(task)] = task
            for future in as_completed(futures):
                self._record(futures.pop(future), future.result())
                del future  # a cluster recomputes held futures when their worker is lost
        except (CancelledError, BrokenExecutor) as error:
            reason = str(error) or "its tasks were canceled"
            raise BuildError(
                f"The executor lost its workers ({reason}). Run the same command again to "
                "resume it."
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def _record(self, task: ShardTask, done: Done) -> None:
        if self.by_shard:
            for video in (*done.failures, *(done.shard.videos if done.shard else ())):
                self._ended(task, video)
        if done.shard and not self.journal.there(done.shard):
            raise BuildError(
                f"{done.shard.file} in {self.journal.out} is not the shard that a worker wrote. "
                "All workers must share the data set's folder, and no other build may write to it."
            )
        self.journal.save(task.shard.file, done)
        self.done[task.shard.file] = done

    def _ended(self, task: ShardTask, result: object) -> None:
        """Counts a finished video; called from any thread."""
        if task.before:
            return
        if isinstance(result, Failure):
            self.failures.append(result)
            self._check_failures(self.failures)
        with self.bar.get_lock():
            self.bar.set_postfix(failed=len(self.failures), refresh=False)
            self.bar.update()

    def _check_failures(self, failures: Sequence[Failure]) -> None:
        if len(failures) > math.floor(self.max_failures * self.total + 1e-9):
            raise TooManyFailures(
                f"Stopped: {len(failures)} of {self.total} videos failed, more than "
                f"--max-failures {self.max_failures:g} allows.{listing(failures)}\nRepair "
                "them, or allow more, then run the same command again to resume it."
            )
