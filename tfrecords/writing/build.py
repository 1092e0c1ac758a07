"""Converts labeled videos to verified shards, in parallel, resumable, robust to bad videos."""

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
    """Convert labeled videos into shards, an index for each, and dataset.json.

    Calling a stopped build again resumes it. The result has the same bytes as that of an
    uninterrupted build. A video that cannot be read is left out and reported with the reason.

    The source is a folder with one subfolder of videos per class. Class folders may contain folders
    of the splits train, val and test, or be inside them. Or the source is a CSV file with the
    columns path and label, and optionally split, group, start and end (in seconds), in any order.
    Without a group column, all segments of a file form one group, which stays in one split. With a
    format, the source is the folder of videos of a published data set. Its videos are found by the
    names in its lists. Listed videos that are missing are counted and do not stop the build.

    Args:
        source: Folder of class folders, or CSV file with the columns path and label.
        out: Folder for the data set, also s3:// and gs://, to which each finished shard is
            uploaded.
        format: Name of a published data set or list format; `ctm build --format help` lists them.
            None is a folder of class folders or a CSV file.
        annotations: Folder of the format's lists, or one list; None is the source itself.
        split_number: Which of several published splits to use, from 1.
        short_side: Length in pixels to scale the shorter side of each frame to; None keeps the
            size.
        quality: JPEG quality, 1 to 100, with 4:2:0 chroma subsampling.
        store: "frames" stores JPEGs. "video" stores the encoded video in its original size, which
            takes a tenth of the space and more time to read. A video stays encoded only after its
            decoding is verified bit for bit; others are stored as JPEGs and reported.
        fps: Frames per second to resample to; None keeps the frames of each video.
        split_column: CSV column with the split; None is the column split.
        val: Values of the split column that form the validation split.
        test: Values of the split column that form the test split.
        val_fraction: Fraction of each class for validation if the source does not set splits.
        test_fraction: Fraction of each class for testing if the source does not set splits.
        group_column: CSV column with groups to keep in one split; None is the column group.
        group_pattern: Regular expression that finds the group in a path, for example `_g([0-9]+)_`.
        seed: Seed of the random division into splits.
        shards: Number of shards per split; None is one per 32 videos, at most 512.
        workers: Number of decoder processes; None is one per processor core.
        executor: Another `concurrent.futures` executor. Its workers build whole shards, each with
            a decoder process. They must see the source and `out` under the same paths.
        dask: Address of a Dask scheduler whose workers build the shards: tcp://host:8786.
        timeout: Seconds without a new frame after which a video counts as hanging.
        max_failures: Fraction of the videos that may fail before the build stops.
        progress: Whether to show a progress bar.
        estimate: Whether to only estimate the time and the disk space of the build, from a sample
            of twenty videos.

    Returns:
        A `Manifest`, the content of dataset.json; with `estimate` an `Estimate`.

    Raises:
        SourceError: If the source cannot be used.
        BuildError: If an option is out of range, `out` contains another data set, files of the
            source changed since they were read, too many videos failed, or the executor lost its
            workers.
        FullDisk: If the disk is full, or clearly too small before the build starts.
        StorageError: If the server of a remote `out` does not respond.

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
        tqdm.write(f"{folder} is complete. Nothing to do." + remaining(manifest, folder))
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
            "from 1 to 4096",
        ),
        (not 1 <= quality <= 100, "quality", quality, "from 1 to 100"),
        (store not in ("frames", "video"), "store", store, "frames or video"),
        (fps is not None and not 0 < fps <= 1000, "fps", fps, "above 0 and at most 1000"),
        (shards is not None and not 1 <= shards <= 99999, "shards", shards, "from 1 to 99999"),
        (workers is not None and workers < 1, "workers", workers, "1 or more"),
        (timeout <= 0, "timeout", timeout, "above 0"),
        (not 0 <= max_failures <= 1, "max_failures", max_failures, "from 0 to 1"),
    ]
    for is_wrong, name, value, expected in wrong:
        if is_wrong:
            raise BuildError(f"{name} must be {expected}, received {value}.")


def _inside(source: AnyPath, out: AnyPath) -> list[str]:
    if is_remote(out) or not source.is_dir() or source.resolve() not in absolute(out).parents:
        return []
    return [f"{out} is inside the source. The next build will search it for videos too."]


def _check_folders(source: AnyPath, out: AnyPath) -> None:
    if is_remote(source):
        raise SourceError(
            f"SOURCE must be a local folder, received {source}. Copy the videos, or mount the "
            "folder on this machine. Only --out may be remote."
        )
    if is_remote(out) and out.protocol in WITHOUT_LISTING:
        raise BuildError(f"--out must be writable, received {out}, which is read-only.")
    if is_file(out):
        raise BuildError(f"--out must be a folder, received the file {out}.")
    if absolute(out) == source.resolve():
        raise BuildError(f"--out must differ from the source, received {out}.")
