"""dataset.json: atomic writes, and one message for every damage."""

import json

import pytest

from tfrecords.format.manifest import (
    FILE,
    UNFINISHED,
    BadManifest,
    Manifest,
    Shard,
    checksum,
    read_manifest,
    write_manifest,
)
from tfrecords.format.record import Failure

SHARD = Shard("train-00000-of-00001.tfrecord", "train", ("a/1", "ä/2"), 10, "00", "11")
MANIFEST = Manifest(
    class_names=("a", "ä b"),
    frame={"short_side": 256, "quality": 95, "fps": None},
    splits={"train": {"videos": 2, "frames": 20}},
    all_shards=(SHARD,),
    failures=(Failure("a/3", "a/3.mp4", "train", "the file is empty"),),
    versions={"av": "1"},
    machine="x86_64",
    source={"source": "videos"},
)


def test_round_trip(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert MANIFEST.ids("train") == ("a/1", "ä/2")
    assert MANIFEST.num_videos("train") == 2
    assert MANIFEST.shards("train") == (SHARD,)


def test_groups_are_written_if_there_are_any(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    assert "groups" not in json.loads(
        (tmp_path / FILE).read_text(encoding="utf-8")
    )  # as in older versions
    grouped = Manifest(**{**vars(MANIFEST), "groups": {"a/1": "scene 1"}})
    write_manifest(tmp_path, grouped)
    assert read_manifest(tmp_path) == grouped
    assert grouped.hash == MANIFEST.hash


def test_an_unknown_split_is_reported():
    with pytest.raises(ValueError, match="split must be one of train, received 'tset'"):
        MANIFEST.shards("tset")


def test_the_hash_follows_the_data_and_the_class_names():
    others = [
        {**vars(MANIFEST), "class_names": ("ä b", "a")},
        {**vars(MANIFEST), "all_shards": (Shard(*("x", "train", (), 1, "01", "")),)},
    ]
    hashes = {Manifest(**other).hash for other in others}
    assert len(hashes | {MANIFEST.hash}) == 3
    assert Manifest(**{**vars(MANIFEST), "machine": "arm64"}).hash == MANIFEST.hash


def test_a_folder_without_a_data_set_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(BadManifest, match=r"no dataset.json. Build it with `ctm build SOURCE"):
        read_manifest(tmp_path)
    (tmp_path / UNFINISHED).mkdir()
    with pytest.raises(BadManifest, match="unfinished build"):
        read_manifest(tmp_path)
    with pytest.raises(BadManifest, match="is not a folder"):
        read_manifest(tmp_path / "absent")


@pytest.mark.parametrize("change", [
    lambda content: content.pop("shards"),
    lambda content: content.update(shards=[{"file": "x"}]),
    lambda content: content.update(shards=3),
    lambda content: content.update(failures=[3]),
    lambda content: content.update(surprise=1),
    lambda content: content.update(groups=["a/1"]),
    lambda content: content.update(groups={"a/1": 1}),
    lambda content: content.update(as_frames=["a/1"]),
    lambda content: content.update(as_frames={"a/1": 1}),
    lambda content: content.update(clock_jumps={"a/1": 1.5}),
    lambda content: content.update(clock_jumps={"a/1": ["1.5"]}),
    lambda content: content.update(splits={"train": {"videos": 3}}),
])  # fmt: skip
def test_a_damaged_manifest_is_reported(tmp_path, change):
    write_manifest(tmp_path, MANIFEST)
    content = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    change(content)
    content["checksum"] = checksum({k: v for k, v in content.items() if k != "checksum"})
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadManifest, match=r"dataset.json is damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "received None"),
        ('{"format": "other/2"}', "received 'other/2'"),
    ],
)
def test_an_invalid_manifest(tmp_path, text, message):
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(BadManifest, match=message):
        read_manifest(tmp_path)


@pytest.mark.parametrize("change", [
    lambda content: content["class_names"].reverse(),
    lambda content: content.update(class_names=["a", "ä c"]),
    lambda content: content["shards"][0]["videos"].reverse(),
    lambda content: content.pop("checksum"),
])  # fmt: skip
def test_a_changed_manifest_is_rejected(tmp_path, change):
    write_manifest(tmp_path, MANIFEST)
    content = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    change(content)
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadManifest, match=r"dataset\.json was changed after the build"):
        read_manifest(tmp_path)


def test_the_json_formatting_does_not_matter(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    content = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    (tmp_path / FILE).write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    assert read_manifest(tmp_path) == MANIFEST
