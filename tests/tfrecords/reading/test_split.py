"""Random access to the frames of a split, and the errors for damaged data."""

import os
from dataclasses import replace

import numpy as np
import pytest

import tfrecords
from tfrecords.format.index import BadIndex, read_index
from tfrecords.format.manifest import BadManifest, write_manifest
from tfrecords.reading.crops import decode
from tfrecords.reading.split import BadShard, Split, data_error

VIDEOS = {
    "train": [(12 + k, 32, 48, k % 4) for k in range(5)],
    "val": [(9, 48, 32, 1)],
}


@pytest.fixture
def data(synthetic, tmp_path):
    return synthetic.write_dataset(tmp_path / "data", VIDEOS)


@pytest.fixture
def shard(data):
    return data / "train-00001-of-00002.tfrecord"  # videos 3 and 4


def test_a_split_knows_its_videos(data):
    split = Split(data, "train")
    assert len(split) == 5
    assert split.ids == tuple(f"video {k}" for k in range(5))
    assert split.videos["frames"].tolist() == [12, 13, 14, 15, 16]
    assert split.videos["label"].tolist() == [0, 1, 2, 3, 0]
    assert Split(data, "val").videos[["height", "width"]].tolist() == [(48, 32)]


def test_any_frame_of_any_video_is_read(data, synthetic):
    split = Split(data, "train")
    for video in range(5):
        frames = np.array([7, 0, 11 + video])
        for frame, jpeg in zip(frames, split.read(video, frames), strict=True):
            pixels = synthetic.frame_of(video, frame, 32, 48).astype(int)
            assert np.abs(decode(jpeg) - pixels).max() <= 4


def test_only_the_needed_bytes_are_read(data, shard, monkeypatch):
    split, read = Split(data, "train"), []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda *a: read.append(a[1]) or pread(*a))
    jpegs = split.read(4, np.array([1, 5, 9]))
    assert sum(read) == sum(map(len, jpegs)) + 3 * 16
    rows = read_index(shard.with_suffix(".index"))
    first = int(rows.videos["first"][1])
    assert [len(jpeg) for jpeg in jpegs] == rows.frames["length"][
        first + np.array([1, 5, 9])
    ].tolist()


def test_there_may_be_more_shards_than_open_files_allowed(synthetic, tmp_path):
    resource = pytest.importorskip("resource", reason="needs POSIX limits")
    data = synthetic.write_dataset(tmp_path / "data", {"train": [(2, 16, 16, 0)] * 40}, shards=40)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = os.open(data, os.O_RDONLY)  # the lowest free number, at least the number of open files
    os.close(spare)
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare + 20, hard))
    try:
        split = Split(data, "train")
        assert all(len(split.read(video, np.arange(2))) == 2 for video in range(40))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_folder_without_a_data_set(tmp_path):
    with pytest.raises(ValueError, match=r"has no dataset\.json. Build it with `ctm build"):
        tfrecords.clips(tmp_path)


def test_an_unknown_split_lists_the_splits(data):
    with pytest.raises(ValueError, match="split must be one of train, val, received 'test'"):
        tfrecords.clips(data, "test")


def test_an_empty_split(synthetic, tmp_path):
    data = synthetic.write_dataset(tmp_path / "data", {**VIDEOS, "test": []}, shards=1)
    with pytest.raises(ValueError, match="split must have videos, received 'test', empty in"):
        Split(data, "test")


def test_a_missing_shard(data, shard):
    shard.unlink()
    with pytest.raises(BadShard, match=f"{shard} cannot be used: the file is missing.*ctm verify"):
        tfrecords.clips(data)


@pytest.mark.parametrize("change", [-1, -1000, 1])
def test_a_shard_of_another_size(data, shard, change):
    os.truncate(shard, shard.stat().st_size + change)
    with pytest.raises(
        BadShard, match=f"{shard} cannot be used: it has .* bytes, expected .* its index"
    ):
        tfrecords.clips(data)


def test_a_missing_index(data, shard):
    shard.with_suffix(".index").unlink()
    with pytest.raises(BadIndex, match=r"train-00001-of-00002\.index is missing"):
        tfrecords.clips(data)


def test_an_index_with_a_flipped_bit(data, shard):
    index = shard.with_suffix(".index")
    content = bytearray(index.read_bytes())
    content[64 + 12] ^= 1  # the label of the first video
    index.write_bytes(content)
    with pytest.raises(BadIndex, match=f"{index} is not the index listed in dataset.json"):
        tfrecords.clips(data)


def test_fewer_classes_than_labels(data):
    manifest = tfrecords.read_manifest(data)
    write_manifest(data, replace(manifest, class_names=manifest.class_names[:2]))
    with pytest.raises(BadIndex, match="ctm verify"):
        tfrecords.clips(data)


def test_a_flipped_bit_in_a_class_name(data):
    """If it were accepted, a left class would be mirrored."""
    path = data / "dataset.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace("swipe_left", "swipe_lefv"), encoding="utf-8"
    )
    with pytest.raises(BadManifest, match=r"its checksum is wrong\. Build the data set again"):
        tfrecords.clips(data)


def damage(shard, video, frame):
    """Flips a bit of a JPEG."""
    rows = read_index(shard.with_suffix(".index"))
    row = rows.frames[int(rows.videos["first"][video]) + frame]
    with open(shard, "r+b") as file:
        file.seek(int(row["offset"]) + 30)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def iteration_error(dataset):
    with pytest.raises(Exception, match="BadShard") as error:
        list(dataset)
    return data_error(error.value)


def test_a_flipped_bit_names_frame_video_and_shard(data, shard):
    damage(shard, 1, 8)
    batches = tfrecords.clips(data, image_size=16, batch_size=2, training=False, interval=1)
    error = iteration_error(batches)
    assert isinstance(error, BadShard)
    reason = "frame 8 of video 'video 4' differs from what was written (wrong CRC-32"
    assert str(error).startswith(f"{shard} cannot be used: {reason}")
    assert f"`ctm verify {data}`" in str(error)
    assert "\n" not in str(error)


def test_a_shard_that_vanishes_or_shrinks_while_it_is_read(data, shard):
    batches = tfrecords.clips(data, image_size=16, batch_size=2, training=False)
    os.truncate(shard, 100)
    assert "the file is shorter than its index requires" in str(iteration_error(batches))
    shard.unlink()
    assert f"{shard} cannot be used: No such file" in str(iteration_error(batches))


def test_other_errors_are_not_about_data():
    assert data_error(ValueError("BadShards are bad")) is None
