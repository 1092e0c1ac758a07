"""Verification reports every damage in one message with the file name and does not raise."""

import hashlib
import json
import shutil
import struct
import zlib

import numpy as np
import pytest

import tfrecords
from tfrecords.format.index import index_path, read_index, write_index
from tfrecords.format.manifest import FILE, UNFINISHED, BadManifest, checksum


@pytest.fixture(scope="module")
def built(tmp_path_factory, write_video):
    root = tmp_path_factory.mktemp("verify")
    for name in ("x", "y"):
        for number in range(6):
            write_video(root / "videos" / name / f"{number}.mp4", frames=5)
    options = {"short_side": 32, "shards": 2, "workers": 1, "progress": False}
    tfrecords.build(root / "videos", root / "data", **options)
    return root / "data"


@pytest.fixture
def data(built, tmp_path):
    return shutil.copytree(built, tmp_path / "data")


def first_shard(data):
    shard = tfrecords.read_manifest(data).shards("train")[0]
    return shard, data / shard.file


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


def record_ends(path):
    content, ends = path.read_bytes(), [0]
    while ends[-1] < len(content):
        (length,) = struct.unpack("<Q", content[ends[-1] : ends[-1] + 8])
        ends.append(ends[-1] + 16 + length)
    return ends


def problem(data, *, sample=100):
    """The only problem of a damaged data set."""
    report = tfrecords.verify(data, sample=sample, progress=False)
    assert not report.ok
    (sentence,) = report.problems
    assert "\n" not in sentence
    assert sentence in str(report)
    return sentence


def test_an_intact_data_set(built):
    report = tfrecords.verify(built, sample=7, progress=False)
    assert report.ok
    assert (report.shards, report.videos, report.frames) == (4, 12, 60)
    assert 7 <= report.decoded <= 8
    assert "is intact: 4 shards, 12 videos, 60 frames" in str(report)
    assert tfrecords.verify(built, sample=0, progress=False).decoded == 0
    assert tfrecords.verify(folder=built, sample=1000, progress=False).decoded == 60


@pytest.mark.parametrize("where", ["record", "first", "middle", "byte", "nothing"])
def test_a_truncated_shard(data, where):
    shard, path = first_shard(data)
    ends = record_ends(path)
    assert ends[-1] == shard.bytes
    assert len(ends) == len(shard.videos) + 1
    size = {
        "record": ends[-2],
        "first": ends[1],
        "middle": ends[1] + 50,
        "byte": ends[-1] - 1,
        "nothing": 0,
    }[where]
    with open(path, "r+b") as file:
        file.truncate(size)
    assert f"{path} is truncated: it has {size} bytes, expected {shard.bytes}" in problem(data)


def test_a_shard_that_is_too_long(data):
    _, path = first_shard(data)
    path.write_bytes(path.read_bytes() + b"\0")
    assert f"{path} is too long" in problem(data)


def test_a_flipped_bit_in_a_frame_names_the_video(data):
    shard, path = first_shard(data)
    index = read_index(index_path(path))
    frame = index.frames[int(index.videos[1]["first"]) + 2]
    flip(path, int(frame["offset"]) + 20)
    assert problem(data) == f"{path} is damaged in the videos {shard.videos[1]!r}."


@pytest.mark.parametrize("place", [0, 9, 14, 60, -1, -30])
def test_a_flipped_bit_outside_the_frames(data, place):
    _, path = first_shard(data)
    flip(path, place)
    assert f"{path} is damaged outside its frames" in problem(data)


@pytest.mark.long
def test_every_flipped_bit_is_found(data):
    random = np.random.default_rng(0)
    for path in sorted(data.iterdir()):
        content = path.read_bytes()
        for place in random.choice(len(content), 60, replace=False):
            flip(path, int(place))
            report = tfrecords.verify(data, progress=False)
            assert not report.ok, f"{path.name} at {place}"
            assert path.name in " ".join(report.problems)
            path.write_bytes(content)


def test_a_missing_shard_or_index(data):
    _, path = first_shard(data)
    index = index_path(path).read_bytes()
    index_path(path).unlink()
    assert problem(data) == f"{index_path(path)} is missing."
    index_path(path).write_bytes(index)
    path.unlink()
    assert problem(data) == f"{path} is missing."


@pytest.mark.parametrize("place", [0, 8, 20, 40, 70, -1])
def test_a_flipped_bit_in_an_index(data, place):
    _, path = first_shard(data)
    flip(index_path(path), place)
    assert f"{index_path(path)} is damaged" in problem(data)


def rewrite(data, change, right_checksum):
    content = json.loads((data / FILE).read_text(encoding="utf-8"))
    change(content)
    if right_checksum:
        content.pop("checksum")
        content["checksum"] = checksum(content)
    (data / FILE).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("change", [
    lambda content: content["class_names"].reverse(),
    lambda content: content["frame"].update(fps=10),
    lambda content: content.pop("checksum"),
    lambda content: content["shards"][0]["videos"].reverse(),
])  # fmt: skip
def test_a_changed_manifest(data, change):
    rewrite(data, change, right_checksum=False)
    assert f"{data / FILE} was changed after the build" in problem(data)


@pytest.mark.parametrize(("change", "message"), [
    (lambda content: content["splits"]["val"].update(frames=1), "counts 2 videos and 1 frames"),
    (lambda content: content["shards"][0]["videos"].pop(), "disagree about train-00000"),
    (lambda content: content["class_names"].pop(), "has a label outside the 1 classes"),
    (lambda content: content["shards"][2].update(sha256="0"), "is damaged outside its frames"),
    (lambda content: content.pop("splits"), "is damaged"),
])  # fmt: skip
def test_a_manifest_that_does_not_match_its_shards(data, change, message):
    rewrite(data, change, right_checksum=True)
    report = tfrecords.verify(data, progress=False)
    assert any(message in sentence for sentence in report.problems)


def test_a_video_listed_twice(data):
    def twice(content):
        names = content["shards"][0]["videos"]
        names[0] = names[1]

    rewrite(data, twice, right_checksum=True)
    assert "lists a video twice" in problem(data)


def replace_first_shard(data, content, frames):
    """Replaces the first shard, and updates its index and dataset.json to match."""
    _, path = first_shard(data)
    path.write_bytes(content)
    digest, videos = hashlib.sha256(content), read_index(index_path(path)).videos.copy()
    write_index(index_path(path), len(content), digest.digest(), videos, frames)
    index_sha256 = hashlib.sha256(index_path(path).read_bytes()).hexdigest()

    def adopt(manifest):
        own = {"bytes": len(content), "sha256": digest.hexdigest(), "index_sha256": index_sha256}
        manifest["shards"][0].update(own)

    rewrite(data, adopt, right_checksum=True)


def test_a_frame_that_is_not_a_jpeg_is_found_by_the_sample(data):
    """The checksums of an invalid frame are correct."""
    _, path = first_shard(data)
    frames, content = np.array(read_index(index_path(path)).frames), bytearray(path.read_bytes())
    offset, length = int(frames[0]["offset"]), int(frames[0]["length"])
    content[offset : offset + length] = b"\1" * length
    frames[0]["crc32"] = zlib.crc32(content[offset : offset + length])
    replace_first_shard(data, content, frames)
    assert "is damaged in the videos" in problem(data)
    assert "does not contain" in problem(data, sample=0)


@pytest.mark.parametrize(
    "extra", [b"\0", b"\0" * 11, b"\0" * 40, struct.pack("<Q", 8) + b"\0" * 16]
)
def test_bytes_after_the_last_record(data, extra):
    """The shard matches dataset.json, but no other program could read it."""
    shard, path = first_shard(data)
    frames = np.array(read_index(index_path(path)).frames)
    replace_first_shard(data, path.read_bytes() + extra, frames)
    assert f"does not contain {len(shard.videos)} valid records" in problem(data)


def test_an_unknown_file_among_the_shards(data):
    (data / "train-00007-of-00008.tfrecord").write_bytes(b"")
    assert "train-00007-of-00008.tfrecord is not a shard of this data set" in problem(data)


def test_an_unfinished_data_set_is_not_reported_as_damaged(tmp_path):
    """The message does not advise removing the folder."""
    for name in ("videos", "foreign", "unfinished"):
        (tmp_path / name).mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    (tmp_path / "foreign" / FILE).write_text('{"labels": []}', encoding="utf-8")
    (tmp_path / "unfinished" / UNFINISHED).mkdir()
    (tmp_path / "unfinished" / "train-00000-of-00002.tfrecord").touch()
    table = {
        "absent": "is not a folder. Build it with `ctm build SOURCE",
        "videos": "has no dataset.json. Build it with `ctm build SOURCE",
        "foreign": "received None",
        "unfinished": "again to resume it",
    }
    for name, message in table.items():
        with pytest.raises(BadManifest, match=message) as error:
            tfrecords.verify(tmp_path / name, progress=False)
        assert "emove" not in str(error.value)


def test_a_data_set_with_an_unreadable_manifest_is_damaged(data):
    (data / FILE).write_text("{", encoding="utf-8")
    assert "is not JSON" in problem(data)
