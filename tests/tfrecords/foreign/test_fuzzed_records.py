"""Malicious records with correct checksums are read correctly or reported, never out of bounds."""

import contextlib
import re

import numpy as np
import pytest

import tfrecords
from tfrecords.format.index import index_path, read_index
from tfrecords.reading.clip_reader import read_frames
from tfrecords.reading.split import BadShard, Split
from tfrecords.sources.folder_or_csv import SourceError

QUIET = {"progress": False}


def mutated(record, draws):
    """A record with changed, removed or repeated bytes, mostly outside the JPEGs."""
    data = bytearray(record)
    for _ in range(draws.integers(1, 5)):
        place = int(draws.choice([draws.integers(len(data)), draws.integers(min(120, len(data)))]))
        if draws.random() < 0.6:
            data[place] = int(draws.integers(256))
        elif draws.random() < 0.5:
            del data[place : place + int(draws.integers(1, 9))]
        else:
            data[place:place] = data[place : place + int(draws.integers(1, 9))]
    return bytes(data)


def check(folder, shard, good):
    """Imports a shard of mutated records and the valid one; returns the number of imported ones."""
    try:
        found = tfrecords.import_records(folder, shard, max_failures=1, **QUIET)
    except SourceError as error:
        return 0 if re.search("several labels|class number", str(error)) else -1000
    size = (folder / "train-0-of-1").stat().st_size
    index = read_index(index_path(shard / found.all_shards[0].file))
    ends = index.frames["offset"] + index.frames["length"]
    assert ends.max() <= size
    assert all(failure.reason for failure in found.failures)
    split = Split(shard, "train")
    for video in range(len(split)):
        count = int(split.videos["frames"][video])
        with contextlib.suppress(BadShard):  # a JPEG damaged before its checksum was computed
            assert len(read_frames(split, video, np.arange(count))) == count
    last = read_frames(split, len(split) - 1, np.arange(good))
    assert len(last) == good
    return len(split)


@pytest.mark.parametrize("rounds", [12, pytest.param(400, marks=pytest.mark.long)])
def test_mutated_records(shards, tmp_path, rounds):
    draws, taken = np.random.default_rng(rounds), 0
    context = {"clip/label/index": 1, "clip/label/text": "run", "clip/media_id": "x"}
    whole = shards.example(context, image_encoded=shards.jpegs(1, 3), image_timestamp=[0, 1, 2])
    record = whole.SerializeToString(deterministic=True)
    for number in range(rounds):
        folder = tmp_path / f"records {number}"
        messages = [mutated(record, draws) for _ in range(10)]
        shards.write(folder / "train-0-of-1", [*messages, record])
        taken += check(folder, tmp_path / f"data {number}", good=3)
    assert taken > rounds
