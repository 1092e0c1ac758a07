"""dataset.json: the contents of a data set. It is written last, so it marks a finished build."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tfrecords.format.manifest_check import NOTES, check_content
from tfrecords.format.record import Failure
from tfrecords.format.split_name import SplitName
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
    """A dataset.json is missing or invalid. The message names the file and the remedy."""


@dataclass(frozen=True)
class Shard:
    """One shard of a data set.

    Args:
        file: Name of the file.
        split: Split of its videos.
        videos: Ids of its videos, in order.
        bytes: Size of the file.
        sha256: Hash of the file.
        index_sha256: Hash of the index file.

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
        class_names: Class names, in label order.
        frame: Mapping with `short_side` (pixels or None), `quality` (JPEG), `store` (`"frames"` or
            `"video"`) and `fps` (or None).
        splits: Mapping from a split to its numbers of `videos`, `frames` and `missing`.
        all_shards: The shards, sorted by file.
        failures: The videos that could not be read, sorted by id.
        missing: Mapping from a split to the ids of videos that the source lists but that were
            missing.
        groups: Mapping from a video's id to its group, if it has one: the scene, source video or
            person that must not be in two splits, or the file of a segment.
        as_frames: Mapping from a video's id to the reason why it is stored as JPEGs in a data set
            of encoded videos.
        clock_jumps: Mapping from a video's id to the times in seconds at which the clock of its
            file jumps. The frames continue there without a pause.
        versions: Mapping from a package to the version that built the data set.
        machine: The processor type.
        source: The source and the options of the build.

    Raises:
        ValueError: If `shards`, `ids` or `num_videos` receives an unknown split or a fold.

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
        """The shards of a split, or of several such as `"train+val"`, in order."""
        name = SplitName.parse(split)
        if name.folds:
            raise ValueError(
                "split must be without a fold here, since dataset.json has no labels, received "
                f"{split!r}. Use `tfrecords.clips` to read a fold."
            )
        for own in name.splits:
            if own not in self.splits:
                within = f" in {split!r}" if own != split else ""
                known = ", ".join(self.splits)
                raise ValueError(f"split must be one of {known}, received {own!r}{within}.")
        return tuple(s for own in name.splits for s in self.all_shards if s.split == own)

    def ids(self, split: str) -> tuple[str, ...]:
        """The ids of the videos of a split or several, shard by shard."""
        return tuple(video for shard in self.shards(split) for video in shard.videos)

    def num_videos(self, split: str) -> int:
        """The number of videos of a split or several."""
        return len(self.ids(split))

    @property
    def hash(self) -> str:
        """The sha256 of the shards' hashes and the class names, which identifies the data."""
        parts = [*self.class_names, *(shard.sha256 for shard in self.all_shards)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_manifest(folder: str | AnyPath) -> Manifest:
    """Reads DIR/dataset.json.

    Args:
        folder: The data set, or its URL such as `s3://bucket/folder`.

    Returns:
        A `Manifest`.

    Raises:
        BadManifest: If the file is missing, or its checksum shows that it was changed.
        StorageError: If the server of a remote folder does not respond or denies access.

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
            f"{path} is damaged ({type(error).__name__}: {error}). Build the data set again."
        ) from None


def write_manifest(folder: str | AnyPath, manifest: Manifest) -> None:
    """Writes DIR/dataset.json atomically."""
    content = {"format": FORMAT, **asdict(manifest)}
    content["shards"] = content.pop("all_shards")
    for name in NOTES:
        if not content[name]:
            del content[name]
    write_json(as_path(folder) / FILE, {**content, "checksum": checksum(content)})


def _read_content(path: AnyPath) -> dict:
    """The JSON object of a dataset.json; checks its format and its checksum."""
    if not is_file(path):
        raise BadManifest(_missing(path.parent))
    try:
        content = json.loads(read_bytes(path))
        right = isinstance(content, dict) and content.pop("checksum", None) == checksum(content)
    except (ValueError, RecursionError) as error:
        raise BadManifest(f"{path} is not JSON ({error}). Build the data set again.") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise BadManifest(f"The format of {path} must be {FORMAT!r}, received {found!r}.")
    if not right:
        raise BadManifest(
            f"{path} was changed after the build: its checksum is wrong. Build the data set again."
        )
    return content


def named(ids: Sequence[str], most: int = 5) -> str:
    """The first few of many ids and the number of the others, for printing."""
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return ", ".join(map(printable, ids[:most])) + more


def checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_json(path: AnyPath, content: Any) -> None:
    """Writes a JSON file atomically and durably."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode())


def _missing(folder: AnyPath) -> str:
    if not is_remote(folder) and not folder.is_dir():
        return f"{folder} is not a folder. Build it with `ctm build SOURCE --out {folder}`."
    if is_folder(folder / UNFINISHED):
        return (
            f"{folder} has an unfinished build and no {FILE}. Run the same `ctm build` command "
            "again to resume it."
        )
    return f"{folder} has no {FILE}. Build it with `ctm build SOURCE --out {folder}`."
