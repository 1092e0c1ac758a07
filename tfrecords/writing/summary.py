"""The results of a build: the content of dataset.json, and the printed summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

from tfrecords.format.manifest import Manifest, Shard, named
from tfrecords.sources.split_words import SPLITS
from tfrecords.storage.files import AnyPath
from tfrecords.text import counted
from tfrecords.writing.decoder_pool import BuildError
from tfrecords.writing.fingerprint import environment
from tfrecords.writing.plan import Done, PlannedShard, listing


def manifest_of(
    plan: Sequence[PlannedShard],
    done: Mapping[str, Done],
    names: tuple[str, ...],
    frame: Mapping[str, Any],
    source: Mapping[str, Any],
    missing: Mapping[str, tuple[str, ...]],
) -> Manifest:
    """The content of dataset.json."""
    written = [(d, d.shard) for d in (done[shard.file] for shard in plan) if d.shard]
    splits = {}
    for split in SPLITS:
        own = [(d, shard) for d, shard in written if shard.split == split]
        if own:
            videos = sum(len(shard.videos) for _, shard in own)
            splits[split] = {"videos": videos, "frames": sum(d.frames for d, _ in own)}
            splits[split] |= {"missing": len(missing[split])} if split in missing else {}
    failures = [failure for shard in plan for failure in done[shard.file].failures]
    if "train" not in splits:
        raise BuildError(f"None of the training videos could be read.{listing(failures)}")
    return Manifest(
        class_names=names,
        frame=frame,
        splits=splits,
        all_shards=tuple(sorted((shard for _, shard in written), key=lambda shard: shard.file)),
        failures=tuple(sorted(failures, key=lambda failure: failure.id)),
        missing=missing,
        groups=_groups(plan, [shard for _, shard in written]),
        as_frames={name: why for d, _ in written for name, why in sorted(d.as_frames.items())},
        clock_jumps={n: when for d, _ in written for n, when in sorted(d.clock_jumps.items())},
        source=source,
        **environment(),
    )


def _groups(plan: Sequence[PlannedShard], written: Sequence[Shard]) -> dict[str, str]:
    written_ids = {video for shard in written for video in shard.videos}
    entries = (entry for shard in plan for entry in shard.entries)
    return {entry.id: entry.group for entry in entries if entry.group and entry.id in written_ids}


def report(manifest: Manifest, out: AnyPath) -> None:
    """Prints the contents of a data set and the videos that were left out."""
    counts = ", ".join(
        f"{split} {counted(n['videos'], 'video')} ({counted(n['frames'], 'frame')})"
        for split, n in manifest.splits.items()
    )
    tqdm.write(f"{out}: {len(manifest.class_names)} classes, {counts}")
    if manifest.failures:
        tqdm.write(
            f"{counted(len(manifest.failures), 'video')} failed and were left out."
            + listing(manifest.failures)
        )
    if manifest.as_frames:
        names = [f"{name} ({reason})" for name, reason in manifest.as_frames.items()]
        count = "1 video is" if len(names) == 1 else f"{len(names):,} videos are"
        tqdm.write(f"{count} stored as JPEG frames: {named(names)}")
    if manifest.clock_jumps:
        names = [f"{name} (at {_seconds(when)})" for name, when in manifest.clock_jumps.items()]
        count = "1 video has" if len(names) == 1 else f"{len(names):,} videos have"
        tqdm.write(
            f"{count} a clock that jumps, as in joined recordings. Frames continue there without a "
            f"pause: {named(names)}"
        )


def _seconds(times: Sequence[float]) -> str:
    more = f" and {len(times) - 3} more" if len(times) > 3 else ""
    return ", ".join(f"{time:.2f} s" for time in times[:3]) + more


def remaining(manifest: Manifest, out: AnyPath) -> str:
    """The failed videos of a finished data set and how to retry them."""
    if not manifest.failures:
        return ""
    return (
        f" {counted(len(manifest.failures), 'failure')} left. To retry them, repair the files and "
        f"choose another --out, or remove {out} first.{listing(manifest.failures)}"
    )
