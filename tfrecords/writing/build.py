"""Labeled videos to verified shards: parallel, resumable, one bad video costs one video."""

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from tfrecords.format.decoded import FrameOptions
from tfrecords.format.manifest import Manifest, write_manifest
from tfrecords.sources.class_order import class_notes, numeric_order, sorted_names
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published import read_format
from tfrecords.sources.published.missing import missing_by_split, missing_notes
from tfrecords.sources.splits import assign_splits
from tfrecords.storage.disk_space import full_disk_in_words
from tfrecords.storage.files import WITHOUT_LISTING, AnyPath, absolute, as_path, is_file, is_remote
from tfrecords.storage.local_copies import workshop
from tfrecords.text import plain, printable
from tfrecords.writing.dask_cluster import dask_executor
from tfrecords.writing.decoder_pool import BuildError, available_cores, terminated_like_interrupted
from tfrecords.writing.estimate import Estimate
from tfrecords.writing.fingerprint import digest, fingerprints
from tfrecords.writing.plan import plan_shards
from tfrecords.writing.resume import Journal, finished
from tfrecords.writing.scheduler import Run
from tfrecords.writing.summary import manifest_of, remaining, report


def build(
    source: str | Path,
    /,
    out: str | Path,
    *,
    format: str | None = None,
    annotations: str | Path | None = None,
    split_number: int | None = None,
    short_side: int | None = 256,
    quality: int = 95,
    store: Literal["frames", "video"] = "frames",
    fps: float | None = None,
    split_column: str | None = None,
    val: Sequence[str] = (),
    test: Sequence[str] = (),
    val_fraction: float = 0.2,
    test_fraction: float = 0.0,
    group_column: str | None = None,
    group_pattern: str | None = None,
    seed: int = 0,
    shards: int | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    timeout: float = 120.0,
    max_failures: float = 0.1,
    progress: bool = True,
    estimate: bool = False,
) -> Manifest | Estimate:
    """Turns labeled videos into shards with an index each and dataset.json.

    A build that was stopped goes on where it stopped when it is called again, and ends with the
    same bytes. A video that cannot be read is left out, named with its reason.

    A source is a folder with one sub-folder of videos per class, which may hold folders of the
    splits train, val and test, or stand in them; or a CSV file whose first line names the columns
    path and label, and where wanted split, group, start and end (in seconds), in any order. Without
    a group, the segments of a file are one, which stays in one split. With a format,
    it is the folder of videos of a published data set, found there by the names in its lists; what
    the lists name and is not there is counted as missing and does not stop the build.

    Args:
        source: Folder of class folders, or CSV file with the columns path and label.
        out: Folder for the data set, also s3:// and gs://, where shard after shard is uploaded.
        format: Published data set or list, of those that `ctm build --format help` explains; None
            is a folder of class folders or a CSV file.
        annotations: Folder of the format's lists, or one list; None is the source itself.
        split_number: Which of several published splits, from 1.
        short_side: Pixels that the shorter side of each frame is scaled to; None keeps the size.
        quality: JPEG quality, 1 to 100, with 4:2:0 colors.
        store: Frames keeps JPEGs; video keeps the encoded video as it is, which takes a tenth of
            the space and more time to read; its size stays, too. A video that cannot be kept so
            without changing a pixel is stored as JPEGs, and named.
        fps: Frames a second to resample to; None keeps each video's own frames.
        split_column: Column of the CSV that tells the split; None takes its column split.
        val: Values of the split column that make the validation split.
        test: Values of the split column that make the test split.
        val_fraction: Share of each class for validation, where the source names no splits.
        test_fraction: Share of each class for the test, where the source names no splits.
        group_column: Column of the CSV whose groups are not divided; None takes its column group.
        group_pattern: Regular expression that finds the group in a path, for example "_g([0-9]+)_".
        seed: Another division into splits.
        shards: Shards of each split; None takes one for 32 videos, at most 512.
        workers: Processes that decode; None takes one per processor core.
        executor: Another `concurrent.futures` executor. Its workers build whole shards, each
            with a process that decodes; they must see the source and `out` under the same names.
        dask: Address of a Dask scheduler, whose workers do the same: tcp://host:8786.
        timeout: Seconds that a video may go without giving a frame before it counts as hanging.
        max_failures: Share of the videos that may fail before the build stops.
        progress: Whether to show a progress bar.
        estimate: Build nothing: say from a sample of twenty videos how long it will take and how
            much disk it needs.

    Returns:
        A `Manifest`, the content of dataset.json; with `estimate` an `Estimate`.

    Raises:
        SourceError: If the source cannot be used.
        BuildError: If an option is out of range, `out` holds another data set, files of the source
            changed since they were read, too many videos failed, or the executor's workers are
            lost.
        FullDisk: If the disk is full, or plainly too small before it starts.
        StorageError: If the server of a remote `out` does not answer.

    Example:
    >>> manifest = tfrecords.build("videos", "data/new", val_fraction=0.2, progress=False)
    data/new: 4 classes, train 40 videos (1,280 frames), val 8 videos (256 frames)
    >>> manifest.class_names
    ('down', 'left', 'right', 'up')
    """
    folder = as_path(out)
    frame = FrameOptions(short_side, quality, store, fps)
    _check_options(frame, quality, shards, workers, timeout, max_failures)
    _check_folders(as_path(source), folder)
    columns = {"split_column": split_column, "group_column": group_column}
    found = read_format(format, source, annotations, split_number, **columns)
    division: dict[str, Any] = {
        "val": [val] if isinstance(val, str) else [str(value) for value in val],
        "test": [test] if isinstance(test, str) else [str(value) for value in test],
        "val_fraction": val_fraction,
        "test_fraction": test_fraction,
        "group_pattern": group_pattern,
        "seed": seed,
    }
    listed, notes = assign_splits(found.entries, root=found.root, **division)
    entries = [entry for entry in listed if entry.id not in found.missing]
    missing = missing_by_split(listed, found.missing)
    names = found.class_names or sorted_names(entry.label for entry in entries)
    notes = [*found.notes, *notes, *missing_notes(listed, entries, missing), *class_notes(names)]
    for note in (*notes, *_inside(as_path(source), folder)):
        tqdm.write(printable(note))
    asked = {
        "options": {**vars(frame), "shards": shards, **division, **columns}
        | ({"format": format, "split_number": split_number} if format else {})
        | ({} if found.class_names else numeric_order(names)),
        "entries": digest([*map(asdict, entries), *found.class_names, *sorted(found.missing)]),
    }
    files = fingerprints(found.root, entries)
    whole = {**asked, "files": digest(files)}
    origin = {"source": plain(str(source)), "asked": whole}
    if manifest := finished(folder, whole):
        tqdm.write(f"{folder} is complete: nothing to do." + remaining(manifest, folder))
        return manifest
    plan = plan_shards(entries, shards)
    workers = workers or available_cores()
    remedy = "run the same command again to resume it"
    guards = full_disk_in_words(workshop(folder), remedy), terminated_like_interrupted()
    engine = dask_executor(dask, workers) if dask else nullcontext((executor, workers))
    journal = Journal(folder, asked, files)
    run = Run(plan, names, found.root, frame, journal, timeout, max_failures, progress)
    with guards[0], guards[1], engine as (executor, workers):
        if estimate:
            return run.estimate(workers)
        with journal:
            done = run.run(executor, workers)
            manifest = manifest_of(plan, done, names, vars(frame), origin, missing)
            write_manifest(folder, manifest)
            journal.remove()
    report(manifest, folder)
    return manifest


def _check_options(
    frame: FrameOptions,
    quality: int,
    shards: int | None,
    workers: int | None,
    timeout: float,
    max_failures: float,
) -> None:
    short_side, store, fps = frame.short_side, frame.store, frame.fps
    wrong: list[tuple[bool, str, object, str]] = [
        (
            short_side is not None and not 1 <= short_side <= 4096,
            "short_side",
            short_side,
            "1..4096",
        ),
        (not 1 <= quality <= 100, "quality", quality, "1..100"),
        (store not in ("frames", "video"), "store", store, "frames or video"),
        (fps is not None and not 0 < fps <= 1000, "fps", fps, "above 0, at most 1000"),
        (shards is not None and not 1 <= shards <= 99999, "shards", shards, "1..99999"),
        (workers is not None and workers < 1, "workers", workers, "1 or more"),
        (timeout <= 0, "timeout", timeout, "above 0"),
        (not 0 <= max_failures <= 1, "max_failures", max_failures, "a share, 0..1"),
    ]
    for is_wrong, name, value, expected in wrong:
        if is_wrong:
            raise BuildError(f"{name} is {value}, expected {expected}")


def _inside(source: AnyPath, out: AnyPath) -> list[str]:
    if is_remote(out) or not source.is_dir() or source.resolve() not in absolute(out).parents:
        return []
    return [f"{out} lies inside the source: the next build looks for videos in it, too"]


def _check_folders(source: AnyPath, out: AnyPath) -> None:
    if is_remote(source):
        raise SourceError(
            f"{source} is on a server, and videos are read from disk: copy them, or mount the "
            "folder on this machine; only --out may be remote"
        )
    if is_remote(out) and out.protocol in WITHOUT_LISTING:
        raise BuildError(f"{out} can only be read; --out names a folder that can be written")
    if is_file(out):
        raise BuildError(f"{out} is a file; --out names a folder for the data set")
    if absolute(out) == source.resolve():
        raise BuildError(f"{out} is the source itself: choose another --out")
