"""Verifies a data set: every checksum, every count, and a sample of frames."""

import hashlib
import itertools
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from tfrecords.checks.verify_report import VerifyReport
from tfrecords.format.index import ShardIndex, index_path, read_index
from tfrecords.format.manifest import FILE, BadManifest, Manifest, Shard, read_manifest
from tfrecords.format.tfrecord_file import RecordFile
from tfrecords.reading.crops import decode
from tfrecords.storage.files import AnyPath, as_path, file_size, is_file, is_remote, names
from tfrecords.storage.local_copies import local_copy
from tfrecords.storage.retry import StorageError
from tfrecords.video.packets import Pieces, render

NAMED = 5  # damaged videos that a message lists


def verify(folder: str | Path, sample: int = 100, progress: bool = True) -> VerifyReport:
    """Checks every checksum and count of a data set, and decodes a sample of its frames.

    It reports damage and does not raise it.

    Args:
        folder: Folder that `ctm build` wrote, or its URL (s3://, gs://, https://), from which
            every shard is downloaded.
        sample: Number of frames to decode, spread evenly over all frames.
        progress: Whether to show a progress bar on a terminal.

    Returns:
        A `VerifyReport`.

    Raises:
        BadManifest: If the folder has no finished data set.
        StorageError: If the server of a remote folder does not respond.

    Example:
        >>> tfrecords.verify("data/mine").ok
        True
    """
    return _verified(as_path(folder), sample, progress)


def _verified(folder: AnyPath, sample: int, progress: bool) -> VerifyReport:
    try:
        manifest = read_manifest(folder)
    except BadManifest as error:
        if not is_file(folder / FILE) or not names(folder, "*.tfrecord"):
            raise  # not our data set: a report would advise removing it
        return VerifyReport(str(folder), (str(error),))
    problems: list[str] = []
    imported = "imported" in manifest.source
    checks = [
        _Check(folder, shard, len(manifest.class_names), imported) for shard in manifest.all_shards
    ]
    every = max(1, sum(n["frames"] for n in manifest.splits.values()) // max(1, sample))
    frames = 0
    for check in tqdm(checks, unit="shard", disable=None if progress else True):
        check.run(range(-frames % every, 1 << 62, every) if sample > 0 else range(0))
        frames += check.frames
        problems += check.problems
    problems += _counts(folder, manifest, checks)
    sound = [check for check in checks if not check.problems]
    return VerifyReport(
        str(folder),
        tuple(problems),
        len(checks),
        sum(check.videos for check in sound),
        sum(check.frames for check in sound),
        sum(check.decoded for check in checks),
        tuple(itertools.chain(*manifest.missing.values())),
        tuple(failure.id for failure in manifest.failures),
        "ctm import-records" if imported else "ctm build",
    )


class _Check:
    """The check of one shard and its index."""

    def __init__(self, folder: AnyPath, shard: Shard, classes: int, imported: bool):
        self.path, self.shard, self.classes = folder / shard.file, shard, classes
        self.imported = imported  # foreign shards may contain records that are not videos
        self.index: ShardIndex | None = None
        self.problems: list[str] = []
        self.decoded = 0

    def run(self, sample: range) -> None:
        try:
            self._index()
            self._shard(sample)
        except StorageError:
            raise  # this does not mean damage
        except (OSError, ValueError) as error:
            self.problems.append(str(error))

    @property
    def videos(self) -> int:
        """The number of videos in the shard, 0 without a valid index."""
        return len(self.index.videos) if self.index else 0

    @property
    def frames(self) -> int:
        """The number of frames in the shard, 0 without a valid index."""
        return self.index.num_frames if self.index else 0

    def _index(self) -> None:
        path = index_path(self.path)
        if not is_file(path):
            self.problems.append(f"{path} is missing.")
            return
        with local_copy(path) as file:
            if _sha256(file) != self.shard.index_sha256:
                self.problems.append(
                    f"{path} is damaged: it differs from the index that was built."
                )
                return
            self.index = read_index(file)
        labels = self.index.videos["label"]
        if len(self.index.videos) != len(self.shard.videos) or self.index.shard_size != (
            self.shard.bytes
        ):
            self.problems.append(f"{path} and {FILE} disagree about {self.shard.file}.")
        elif len(labels) and not 0 <= labels.min() <= labels.max() < self.classes:
            self.problems.append(f"{path} has a label outside the {self.classes} classes.")

    def _shard(self, sample: range) -> None:
        if not is_file(self.path):
            torn = not is_remote(self.path) and self.path.is_symlink()  # a registered shard
            gone = f": {os.readlink(str(self.path))} no longer exists" if torn else ""
            self.problems.append(f"{self.path} is missing{gone}.")
            return
        size = file_size(self.path)
        if size != self.shard.bytes:
            how = "truncated" if size < self.shard.bytes else "too long"
            self.problems.append(
                f"{self.path} is {how}: it has {size} bytes, expected {self.shard.bytes} according "
                f"to {FILE}."
            )
            return
        with local_copy(self.path) as file:
            self.problems += self._damage(file, sample)

    def _damage(self, path: Path, sample: range) -> Iterator[str]:
        """The damage in the content of the shard, which is the local file `path`."""
        bad = list(self._bad_videos(path, self.index, sample)) if self.index else []
        if bad:
            more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
            yield f"{self.path} is damaged in the videos {', '.join(bad[:NAMED])}{more}."
            return
        file = RecordFile(path)
        sound = [not record.reason for record in file.records(keep=False)]
        if file.sha256.hex() != self.shard.sha256:
            yield f"{self.path} is damaged outside its frames: its sha256 differs."
        elif not self.imported and sound != [True] * len(self.shard.videos):
            yield f"{self.path} does not contain {len(self.shard.videos)} valid records."

    def _bad_videos(self, path: Path, index: ShardIndex, sample: range) -> Iterator[str]:
        """The ids of videos with a wrong checksum or with a bad frame in the sample."""
        with open(path, "rb") as file:
            for number, name in zip(range(len(index.videos)), self.shard.videos, strict=False):
                rows = index.pieces(number)
                pieces = Pieces(file, rows["offset"].tolist(), rows["length"].tolist())
                sound = all(zlib.crc32(pieces[i]) == crc for i, crc in enumerate(rows["crc32"]))
                if not (sound and self._decode(index, number, pieces, sample)):
                    yield repr(name)

    def _decode(self, index: ShardIndex, number: int, pieces: Pieces, sample: range) -> bool:
        """Whether the sampled frames of a video can be decoded."""
        first, count = index.videos[number][["first", "frames"]].tolist()
        shape = index.videos[number][["height", "width"]].tolist()
        for frame in (frame for frame in range(first, first + count) if frame in sample):
            if index.pictures is not None and index.encoded[number]:
                image = render(pieces.media(index.pictures[[frame]]))[0]
            else:
                image = decode(pieces[frame - first])
            self.decoded += 1
            if image is None or image.shape[:2] != shape:
                return False
        return True


def _counts(folder: AnyPath, manifest: Manifest, checks: list[_Check]) -> Iterator[str]:
    listed = {shard.file for shard in manifest.all_shards}
    for name in names(folder, "*.tfrecord"):
        if name not in listed:
            yield f"{folder / name} is not a shard of this data set. Remove it."
    ids = [name for shard in manifest.all_shards for name in shard.videos]
    if len(set(ids)) != len(ids):
        yield f"{folder / FILE} lists a video twice."
    for split, expected in manifest.splits.items():
        own = [check for check in checks if check.shard.split == split]
        if not all(check.index for check in own):
            continue
        videos, frames = sum(check.videos for check in own), sum(check.frames for check in own)
        if (videos, frames) != (expected["videos"], expected["frames"]):
            yield (
                f"{folder / FILE} counts {expected['videos']} videos and {expected['frames']} "
                f"frames in {split}, but the shards contain {videos} and {frames}."
            )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
