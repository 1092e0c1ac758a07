"""One foreign shard, read once: its index, its videos, and the records that are none."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfrecords.foreign.record_to_video import ForeignVideo, SeveralLabels, Unusable, read_video
from tfrecords.format.index import FRAME_DTYPE, VIDEO_DTYPE, read_index, write_index
from tfrecords.format.record import Failure
from tfrecords.format.tfrecord_file import RecordFile
from tfrecords.sources.folder_or_csv import SourceError


class Scanned(NamedTuple):
    """What a shard holds.

    Args:
        path: The shard.
        name: Its path within the source.
        split: Split of the data set.
        index_file: Its index, whose labels are 0 yet.
        videos: List of `ForeignVideo`.
        places: The number of each video's record.
        failures: List of `Failure`.
        size: Bytes of the file.
        lost: Bytes of its records that failed.
    """

    path: Path
    name: str
    split: str
    index_file: Path
    videos: list[ForeignVideo]
    places: list[int]
    failures: list[Failure]
    size: int
    lost: int


def scan_shard(path: Path, name: str, split: str, index: Path) -> Scanned:
    """Reads a shard from its first byte to its last, checks it, and writes its index.

    Raises:
        Compressed: If it is compressed.
        SourceError: If a record has several labels.
    """
    file, frames = RecordFile(path), [np.zeros(0, FRAME_DTYPE)]
    found = Scanned(path, name, split, index, [], [], [], file.size, 0)
    lost = 0
    for record in file.records():
        try:
            video, rows = read_video(record)
        except SeveralLabels as error:
            raise SourceError(
                f"record {record.number} of {path} has several labels ({error}): a data set of "
                "several labels a video cannot be learned here, where each has one"
            ) from None
        except Unusable as error:
            place = f"{name}#{record.number}", f"{name}, record {record.number}"
            found.failures.append(Failure(*place, split, str(error)))
            lost += record.size
            continue
        found.videos.append(video)
        found.places.append(record.number)
        frames.append(rows)
    write_index(index, file.size, file.sha256, _rows(found.videos), np.concatenate(frames))
    return found._replace(lost=lost)


def set_labels(before: Path, after: Path, labels: Sequence[int]) -> bytes:
    """Moves an index and gives its videos their labels; returns the hash of the shard."""
    found = read_index(before)
    videos = found.videos.copy()
    videos["label"] = labels
    write_index(after, found.shard_size, found.sha256, videos, found.frames)
    before.unlink()
    return found.sha256


def _rows(videos: Sequence[ForeignVideo]) -> np.ndarray:
    rows = np.array(
        [(0, v.num_frames, 0, v.height, v.width, v.frame_rate) for v in videos], VIDEO_DTYPE
    )
    rows["first"] = np.cumsum(rows["frames"]) - rows["frames"]
    return rows
