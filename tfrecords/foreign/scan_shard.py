"""Reads a foreign shard once: writes its index, and lists its videos and invalid records."""

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
    """The contents of a shard.

    Args:
        path: The shard.
        name: Path of the shard relative to the source.
        split: The split of the shard.
        index_file: The index of the shard, in which all labels are still 0.
        videos: The videos.
        places: The record number of each video.
        failures: The records that are not used.
        size: Size of the file in bytes.
        lost: Size of the failed records in bytes.
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
    """Reads and checks a whole shard, and writes its index.

    Raises:
        Compressed: If the shard is compressed.
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
                f"Each record must have one label, but record {record.number} of {path} has "
                f"several ({error}). Multi-label data sets are not supported."
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
    """Moves an index and sets the labels of its videos; returns the hash of the shard."""
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
