"""`ctm import-records`: makes a folder of links to foreign shards, indexes and dataset.json."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from tfrecords.foreign.class_names import Classes, choose_classes, read_classes
from tfrecords.foreign.find_shards import find_shards, incomplete
from tfrecords.foreign.scan_shard import Scanned, scan_shard, set_labels
from tfrecords.foreign.video_ids import name_videos
from tfrecords.format.index import INDEX
from tfrecords.format.manifest import Manifest, Shard, write_manifest
from tfrecords.format.record import Failure
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.split_words import SPLITS
from tfrecords.storage.files import sync_folder
from tfrecords.text import counted, plain, printable
from tfrecords.writing.plan import listing
from tfrecords.writing.resume import environment


def import_records(
    source: str | Path,
    /,
    out: str | Path,
    *,
    train: Sequence[str] = (),
    val: Sequence[str] = (),
    test: Sequence[str] = (),
    classes: str | Path | None = None,
    max_failures: float = 0.1,
    progress: bool = True,
) -> Manifest:
    """Register shards of other programs as a data set without rewriting them.

    It supports shards of DMVR, TF Model Garden, Scenic and MediaSequence: uncompressed TFRecord
    files of SequenceExamples with JPEG frames in image/encoded and one label each. It reads them
    once, verifies all checksums, and does not move them: the folder contains a link to each shard
    and the index of its frames. A record that is not such a video is left out and reported with the
    reason.

    Args:
        source: Folder of the shards, which is searched recursively, or one shard.
        out: New folder for the data set.
        train: Shards of the training split, as patterns such as "train/*", instead of the words
            train, val and test (training, validate, ...) in their names.
        val: Shards of the validation split, as patterns.
        test: Shards of the test split, as patterns.
        classes: Class names in label order: a text file with one per line, or JSON. None uses those
            in the records.
        max_failures: Fraction of the records, and of their bytes, that may fail.
        progress: Whether to show a progress bar.

    Returns:
        A `Manifest`, the content of dataset.json.

    Raises:
        SourceError: If the shards cannot be used, or `out` is not new.

    Example:
        >>> manifest = tfrecords.import_records("kinetics", "data/k400")  # doctest: +SKIP
        >>> manifest.num_videos("val")  # doctest: +SKIP
        19881
    """
    if "://" in f"{source}{out}":
        raise SourceError("Shards and --out must be local, received a URL. Copy the shards first.")
    source, out = Path(source), Path(out)
    if not 0 <= max_failures <= 1:
        raise SourceError(f"max_failures must be from 0 to 1, received {max_failures}.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SourceError(
            f"--out must be empty, received {out}. Choose another --out, or remove it first."
        )
    names = read_classes(Path(classes)) if classes else None
    shards = find_shards(source, {"train": train, "val": val, "test": test})
    asked = {"train": train, "val": val, "test": test, "classes": names}
    with _staged(out) as folder:
        scanned = _scan(source, shards, folder, progress)
        _check_failures(scanned, max_failures)
        failures = [failure for shard in scanned for failure in shard.failures]
        scanned = [shard for shard in scanned if shard.videos]
        found = choose_classes([(v.number, v.text) for s in scanned for v in s.videos], names)
        origin = {"source": plain(str(source)), "asked": asked}
        manifest = _manifest(folder, scanned, found, failures, origin)
        write_manifest(folder, manifest)
    for note in [*(n for paths in shards.values() for n in incomplete(paths)), *found.notes]:
        tqdm.write(printable(note))
    tqdm.write(_summary(manifest, out))
    return manifest


@contextlib.contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A folder next to `out` that is renamed to `out` on success and removed otherwise."""
    folder = out.absolute().with_name(f".{out.absolute().name}.importing")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
        os.rename(folder, out)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _scan(
    source: Path, shards: dict[str, list[Path]], folder: Path, progress: bool
) -> list[Scanned]:
    paths = [(split, path) for split in SPLITS for path in shards.get(split, ())]
    root, found = source if source.is_dir() else source.parent, []
    total = sum(path.stat().st_size for _, path in paths)
    with tqdm(total=total, unit="B", unit_scale=True, disable=None if progress else True) as bar:
        for number, (split, path) in enumerate(paths):
            name = plain(path.relative_to(root).as_posix())
            found.append(scan_shard(path, name, split, folder / f"{number}.scanned"))
            bar.update(found[-1].size)
    return found


def _check_failures(scanned: Sequence[Scanned], most: float) -> None:
    failures = [failure for shard in scanned for failure in shard.failures]
    videos = sum(len(shard.videos) for shard in scanned)
    lost, size = sum(shard.lost for shard in scanned), sum(shard.size for shard in scanned)
    if not videos:
        raise SourceError(f"No record of the shards is a video with a label.{listing(failures)}")
    if len(failures) > most * (videos + len(failures)) or lost > most * size:
        raise SourceError(
            f"Stopped: {len(failures)} of {videos + len(failures)} records failed, "
            f"{lost / size:.0%} of all bytes, more than --max-failures {most:g} allows."
            f"{listing(failures)}"
        )


def _manifest(
    folder: Path,
    scanned: Sequence[Scanned],
    classes: Classes,
    failures: list[Failure],
    source: dict[str, Any],
) -> Manifest:
    ids, groups = name_videos(scanned)
    written, origins = [], {}
    labels, names = iter(classes.labels), iter(ids)
    for split in SPLITS:
        own = [shard for shard in scanned if shard.split == split]
        for number, shard in enumerate(own):
            link = folder / f"{split}-{number:05d}-of-{len(own):05d}.tfrecord"
            link.symlink_to(shard.path.resolve())
            sha256 = set_labels(
                shard.index_file, link.with_suffix(INDEX), [next(labels) for _ in shard.videos]
            ).hex()
            index_sha256 = hashlib.sha256(link.with_suffix(INDEX).read_bytes()).hexdigest()
            videos = tuple(next(names) for _ in shard.videos)
            written.append(Shard(link.name, split, videos, shard.size, sha256, index_sha256))
            origins[link.name] = shard.name
    for leftover in folder.glob("*.scanned"):
        leftover.unlink()
    return Manifest(
        class_names=tuple(classes.names),
        frame=_frame([video for shard in scanned for video in shard.videos]),
        splits=_counts(scanned),
        all_shards=tuple(sorted(written, key=lambda shard: shard.file)),
        failures=tuple(sorted(failures, key=lambda failure: failure.id)),
        groups=groups,
        source={**source, "imported": origins},
        **environment(),
    )


def _frame(videos: Sequence) -> dict[str, Any]:
    """The common properties of the videos, with which `ctm predict` prepares other videos."""
    sides = {min(video.height, video.width) for video in videos}
    rates = [video.frame_rate for video in videos]
    rate = median(rates)
    alike = all(abs(own - rate) <= 0.02 * rate for own in rates)
    return {
        "short_side": sides.pop() if len(sides) == 1 else None,
        "quality": None,
        "store": "frames",
        "fps": round(rate, 2) if alike else None,
    }


def _counts(scanned: Sequence[Scanned]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for split in SPLITS:
        videos = [video for shard in scanned if shard.split == split for video in shard.videos]
        if videos:
            counts[split] = {"videos": len(videos), "frames": sum(v.num_frames for v in videos)}
    return counts


def _summary(manifest: Manifest, out: Path) -> str:
    counts = ", ".join(
        f"{split} {counted(n['videos'], 'video')} ({counted(n['frames'], 'frame')})"
        for split, n in manifest.splits.items()
    )
    failed = f"\n{counted(len(manifest.failures), 'record')} failed and were left out."
    return f"{out}: {len(manifest.class_names)} classes, {counts}" + (
        failed + listing(manifest.failures) if manifest.failures else ""
    )
