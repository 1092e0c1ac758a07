"""Data sets on servers: the same clips from only the required bytes, and reported failures."""

import re
from pathlib import Path

import numpy as np
import pytest

import tfrecords
from tfrecords.format.index import BadIndex, index_path, read_index
from tfrecords.format.manifest import BadManifest
from tfrecords.reading.split import BadShard, Split, data_error
from tfrecords.storage.retry import StorageError

VIDEOS = {"train": [(40, 64, 96, k % 4) for k in range(5)], "val": [(9, 48, 32, 1)]}
SHARD = "train-00001-of-00002.tfrecord"  # videos 3 and 4
CLIPS = {"image_size": 16, "batch_size": 2, "interval": 4}


@pytest.fixture
def local(synthetic, tmp_path):
    return synthetic.write_dataset(tmp_path / "data", VIDEOS)


@pytest.fixture
def remote(s3, local):
    return s3.put(local, "data/mine")


def served(requests, suffix=".tfrecord"):
    """The total bytes of all responses for shards; a whole file counts as infinite."""
    total = 0
    for method, path, byte_range, status in requests:
        if method == "GET" and path.endswith(suffix):
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", byte_range or "")
            assert status == 206
            total += int(found[2]) - int(found[1]) + 1 if found else np.inf
    return total


def batches(data, split="train", **options):
    return [
        {name: value.numpy() for name, value in batch.items()}
        for batch in tfrecords.clips(data, split, with_ids=True, **CLIPS, **options)
    ]


def same(left, right):
    assert len(left) == len(right) > 0
    for one, other in zip(left, right, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("split", ["train", "val"])
def test_clips_from_s3_equal_those_from_disk(local, remote, split):
    same(batches(remote, split, drop_remainder=False), batches(local, split, drop_remainder=False))


def test_only_required_bytes_are_fetched(remote, s3, monkeypatch):
    dataset = tfrecords.clips(remote, epoch=0, **CLIPS)
    needed, read = [], Split.read
    monkeypatch.setattr(Split, "read", lambda *args: [*map(keep, read(*args))])
    keep = lambda jpeg: needed.append(len(jpeg)) or jpeg  # noqa: E731
    s3.requests.clear()
    assert len(list(dataset)) == 2
    assert {method for method, *_ in s3.requests} == {"GET"}
    assert all(path.endswith(".tfrecord") for _, path, *_ in s3.requests)
    assert sum(needed) <= served(s3.requests) <= 1.05 * sum(needed)


def test_more_clips_are_in_flight_than_cores(local, remote):
    def threads(data, **options):
        return tfrecords.clips(data, **CLIPS, **options).options().threading.private_threadpool_size

    assert threads(remote) >= 32
    assert threads(local, num_parallel=99) == 99
    assert threads(local) is None


def test_adjacent_frames_share_a_request(local, remote, s3):
    split = Split(remote, "train")
    s3.requests.clear()
    frames = np.array([7, 3, 4, 5, 20])
    assert split.read(4, frames) == Split(local, "train").read(4, frames)
    assert len(s3.requests) == 3
    assert served(s3.requests) <= 1.05 * sum(map(len, split.read(4, frames)))


def test_indexes_are_downloaded_once_and_again_when_their_copy_is_damaged(remote, s3, tmp_path):
    Split(remote, "train")
    s3.requests.clear()
    Split(remote, "train")
    assert not [path for _, path, *_ in s3.requests if path.endswith(".index")]
    copies = sorted((tmp_path / "cache").rglob("*.index"))
    assert len(copies) == 2
    copies[0].write_bytes(b"damaged")
    assert len(Split(remote, "train").read(0, np.arange(3))) == 3
    assert len([path for _, path, *_ in s3.requests if path.endswith(".index")]) == 1


def test_dataset_json_is_read_again_each_time(remote, s3):
    assert tfrecords.read_manifest(remote).num_videos("train") == 5
    s3.fs.rm_file(f"{remote}/dataset.json")
    with pytest.raises(BadManifest, match=f"{remote} has no dataset.json. Build it"):
        tfrecords.read_manifest(remote)


def test_a_missing_folder(remote):
    with pytest.raises(BadManifest, match=r"s3://bucket/none has no dataset.json"):
        tfrecords.clips("s3://bucket/none")


def test_a_missing_shard_or_index(remote, s3):
    s3.fs.rm_file(f"{remote}/{SHARD}")
    with pytest.raises(BadShard, match=f"{remote}/{SHARD} cannot be used: the file is missing"):
        tfrecords.clips(remote)
    s3.fs.rm_file(f"{remote}/val-00000-of-00002.index")
    with pytest.raises(BadIndex, match=f"{remote}/val-00000-of-00002.index is missing"):
        tfrecords.clips(remote, "val")


def test_an_index_of_another_build(remote, s3):
    s3.fs.pipe_file(f"{remote}/train-00000-of-00002.index", b"another")
    with pytest.raises(
        BadIndex, match=r"00000-of-00002.index is not the index listed in dataset.json"
    ):
        tfrecords.clips(remote)


def test_a_truncated_shard_on_a_server(local, remote, s3):
    dataset = tfrecords.clips(remote, **CLIPS)
    content = (local / SHARD).read_bytes()
    s3.fs.pipe_file(f"{remote}/{SHARD}", content[:200])
    with pytest.raises(BadShard, match="it has 200 bytes, expected 90159 according to its index"):
        tfrecords.clips(remote)
    with pytest.raises(Exception, match="BadShard") as error:
        list(dataset)
    assert "is shorter than its index requires" in str(data_error(error.value))


def test_a_changed_shard(local, remote, s3):
    content, index = bytearray((local / SHARD).read_bytes()), read_index(index_path(local / SHARD))
    content[int(index.frames["offset"][3]) + 30] ^= 1
    s3.fs.pipe_file(f"{remote}/{SHARD}", bytes(content))
    with pytest.raises(BadShard, match=f"{remote}/{SHARD} .* frame 3 of video 'video 3' differs"):
        Split(remote, "train").read(3, np.array([2, 3]))
    report = tfrecords.verify(remote)
    assert report.problems == (f"{remote}/{SHARD} is damaged in the videos 'video 3'.",)


def test_verify_checks_a_remote_data_set(local, remote, s3):
    assert str(tfrecords.verify(remote)) == str(tfrecords.verify(local)).replace(str(local), remote)
    s3.fs.pipe_file(f"{remote}/other.tfrecord", b"x")
    s3.fs.rm_file(f"{remote}/{SHARD}")
    assert tfrecords.verify(remote).problems[:2] == (
        f"{remote}/{SHARD} is missing.",
        f"{remote}/other.tfrecord is not a shard of this data set. Remove it.",
    )


def test_a_server_without_listing(synthetic, web):
    data = synthetic.write_dataset(web.folder / "mine", VIDEOS)
    same(batches(f"{web.url}/mine", "val"), batches(data, "val"))
    assert tfrecords.verify(f"{web.url}/mine/").ok
    split = Split(f"{web.url}/mine", "train")
    web.requests.clear()
    jpegs = split.read(1, np.array([0, 20]))
    ranges = [(path, *map(int, byte_range[6:].split("-"))) for path, byte_range in web.requests]
    assert sum(last - first + 1 for _, first, last in ranges) == sum(map(len, jpegs))


def test_a_web_server_without_range_requests_is_rejected(synthetic, web):
    synthetic.write_dataset(web.folder / "mine", VIDEOS)
    web.ranges = False
    with pytest.raises(StorageError, match="does not support HTTP range requests"):
        Split(f"{web.url}/mine", "train")


def test_requests_to_a_busy_server_are_retried(synthetic, web):
    data = synthetic.write_dataset(web.folder / "mine", VIDEOS)
    split = Split(f"{web.url}/mine", "train")
    web.failures = [503, 429, 500]
    frames = np.array([1, 30])
    assert split.read(2, frames) == Split(data, "train").read(2, frames)
    assert not web.failures


def test_a_denied_request_is_not_retried(synthetic, web):
    synthetic.write_dataset(web.folder / "mine", VIDEOS)
    split = Split(f"{web.url}/mine", "train")
    web.requests.clear()
    web.failures = [403] * 9
    with pytest.raises(
        StorageError, match=r"The server of http.*tfrecord denies the request .*403"
    ):
        split.read(2, np.array([1]))
    assert len(web.requests) == 1


def test_an_unreachable_server_is_not_reported_as_damage(synthetic, web, impatient):
    synthetic.write_dataset(web.folder / "mine", VIDEOS)
    dataset = tfrecords.clips(f"{web.url}/mine", training=False, **CLIPS)
    web.failures = [503] * 999
    with pytest.raises(Exception, match="StorageError") as error:
        list(dataset)
    found = data_error(error.value)
    assert isinstance(found, StorageError)
    assert re.fullmatch(
        r"The server of http://\S+\.tfrecord does not respond \(.*503.*\)\. Check the network and "
        r"the address, then run the same command again\.",
        str(found),
    )


def test_verify_does_not_report_an_unreachable_server_as_damage(impatient):
    with pytest.raises(
        StorageError, match=r"The server of http://127.0.0.1:9/x.* does not respond"
    ):
        tfrecords.verify("http://127.0.0.1:9/x")


def test_an_unreachable_s3_server(remote, lost_s3):
    with pytest.raises(StorageError, match=r"The server of s3://\S+/dataset.json does not respond"):
        tfrecords.clips(remote)


def test_the_cache_is_in_the_systems_cache_folder(remote, tmp_path):
    Split(remote, "val")
    assert {p.suffix for p in Path(tmp_path / "cache" / "ctm-keras" / "indexes").iterdir()} == {
        ".index"
    }
