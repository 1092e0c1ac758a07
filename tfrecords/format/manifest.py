"""dataset.json: what a data set holds; written last, so that its presence says "finished"."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tfrecords.format.manifest_check import NOTES, check_content
from tfrecords.format.record import Failure
from tfrecords.storage.files import (
    AnyPath,
    as_path,
    is_file,
    is_folder,
    is_remote,
    read_bytes,
    write_bytes,
)
from tfrecords.text import printable

FORMAT = "ctm-keras/1"
FILE = "dataset.json"
UNFINISHED = ".unfinished"


class BadManifest(ValueError):  # noqa: N818
    """A dataset.json that is missing or cannot be trusted; the message names it and the remedy."""


@dataclass(frozen=True)
class Shard:
    """One shard of a data set.

    Args:
        file: Name of the file.
        split: Split of its videos.
        videos: Ids of its videos, in order.
        bytes: Size of the file.
        sha256: Hash of the file.
        index_sha256: Hash of its index.

    Example:
    >>> tfrecords.read_manifest("data/mine").all_shards[0].split
    'train'
    """

    file: str
    split: str
    videos: tuple[str, ...]
    bytes: int
    sha256: str
    index_sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of dataset.json.

    Args:
        class_names: The classes; a label is a place in it.
        frame: Mapping with `short_side` (pixels or None), `quality` (JPEG), `store` (`"frames"` or
            `"video"`) and `fps` (or None).
        splits: Mapping from a split to its numbers of `videos` and `frames`, and of `missing`.
        all_shards: Sorted by file.
        failures: Failures, sorted by id.
        missing: Mapping from a split to the ids of videos that the source's lists name and that
            were not there.
        groups: Mapping from a video's id to its group, where it has one: the scene, the source
            video, the person that must not stand in two splits; of a segment its file.
        as_frames: Mapping from a video's id to the reason why it is stored as JPEGs in a data set
            that keeps encoded videos.
        clock_jumps: Mapping from a video's id to the times, in seconds, at which the clock of its
            file jumps; the frames continue there without a pause.
        versions: Mapping from a package to the version that built the data set.
        machine: The processor type.
        source: What was asked for.

    Raises:
        ValueError: By `shards`, `ids` and `num_videos`, if there is no such split.

    Example:
    >>> manifest = tfrecords.read_manifest("data/mine")
    >>> manifest.num_videos("val")
    12
    """

    class_names: tuple[str, ...]
    frame: Mapping[str, Any]
    splits: Mapping[str, Mapping[str, int]]
    all_shards: tuple[Shard, ...]
    failures: tuple[Failure, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    as_frames: Mapping[str, str] = field(default_factory=dict)
    clock_jumps: Mapping[str, Sequence[float]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)

    def shards(self, split: str) -> tuple[Shard, ...]:
        """The shards of a split, in order."""
        if split not in self.splits:
            raise ValueError(
                f"the data set has no split {split!r}; it has {', '.join(self.splits)}"
            )
        return tuple(shard for shard in self.all_shards if shard.split == split)

    def ids(self, split: str) -> tuple[str, ...]:
        """The videos' ids of a split, shard after shard."""
        return tuple(video for shard in self.shards(split) for video in shard.videos)

    def num_videos(self, split: str) -> int:
        """The number of videos of a split."""
        return len(self.ids(split))

    @property
    def hash(self) -> str:
        """sha256 over the shards' hashes and the class names: the identity of the data."""
        parts = [*self.class_names, *(shard.sha256 for shard in self.all_shards)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_manifest(folder: str | AnyPath) -> Manifest:
    """Reads DIR/dataset.json.

    Args:
        folder: The data set; `s3://bucket/folder` and the like are read from there.

    Returns:
        A `Manifest`.

    Raises:
        BadManifest: If the file is missing or is not, by its checksum, what `ctm build` wrote.
        StorageError: If the server of a remote folder does not answer or denies access.

    Example:
    >>> tfrecords.read_manifest("data/mine").class_names
    ('down', 'left', 'right', 'up')
    """
    path = as_path(folder) / FILE
    content = _read_content(path)
    try:
        check_content(content)
        shards = tuple(
            Shard(**{**shard, "videos": tuple(shard["videos"])}) for shard in content.pop("shards")
        )
        failures = tuple(Failure(**failure) for failure in content.pop("failures"))
        names = tuple(content.pop("class_names"))
        missing = {split: tuple(ids) for split, ids in content.pop("missing", {}).items()}
        del content["format"]
        return Manifest(names, all_shards=shards, failures=failures, missing=missing, **content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadManifest(
            f"{path} is damaged ({type(error).__name__}: {error}): build the data set again"
        ) from None


def write_manifest(folder: str | AnyPath, manifest: Manifest) -> None:
    """Writes DIR/dataset.json, whole or not at all."""
    content = {"format": FORMAT, **asdict(manifest)}
    content["shards"] = content.pop("all_shards")
    for name in NOTES:
        if not content[name]:
            del content[name]
    write_json(as_path(folder) / FILE, {**content, "checksum": checksum(content)})


def _read_content(path: AnyPath) -> dict:
    """The JSON object of a dataset.json of this format, as it was written."""
    if not is_file(path):
        raise BadManifest(_missing(path.parent))
    try:
        content = json.loads(read_bytes(path))
        right = isinstance(content, dict) and content.pop("checksum", None) == checksum(content)
    except (ValueError, RecursionError) as error:
        raise BadManifest(f"{path} is not JSON ({error}): build the data set again") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise BadManifest(f"{path} has the format {found!r}, this program reads {FORMAT!r}")
    if not right:
        raise BadManifest(
            f"{path} was changed after the build, its checksum is not right: build the data set "
            "again"
        )
    return content


def named(ids: Sequence[str], most: int = 5) -> str:
    """The first of many ids, to be printed, and how many more there are."""
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return ", ".join(map(printable, ids[:most])) + more


def checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_json(path: AnyPath, content: Any) -> None:
    """Writes a JSON file so that it is there whole or not at all, also after a power cut."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode())


def _missing(folder: AnyPath) -> str:
    if not is_remote(folder) and not folder.is_dir():
        return f"{folder} is no folder: build it with `ctm build SOURCE --out {folder}`"
    if is_folder(folder / UNFINISHED):
        return (
            f"{folder} holds an unfinished build and no {FILE}: run the same `ctm build` command "
            "again, it goes on where it stopped"
        )
    return f"{folder} has no {FILE}: build it with `ctm build SOURCE --out {folder}`"
