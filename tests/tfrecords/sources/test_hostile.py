"""Malicious input: names never become paths, and lists are only data."""

import csv
import json
import shutil
from dataclasses import replace

import pytest

import tfrecords
from tfrecords.format.manifest import FILE, BadManifest, checksum, read_manifest
from tfrecords.format.manifest_check import is_file_name
from tfrecords.reading.split import Split
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published import read_format
from tfrecords.text import plain
from tfrecords.video.read import VideoError, read_frames
from tfrecords.writing.decoder_pool import BuildError

LABELS = {
    "leaves": "../../x",
    "absolute": "/etc/passwd",
    "zero": "a\0b",
    "lines": "a\nb\r\nc",
    "long": "x" * 10_000,
    "turned": "\u202egnp.exe",
    "wide": "\uff0e\uff0e\uff0fx",
    "dots": "..",
    "home": "~/x",
    "template": "{0.__class__} %s %n $(touch x) `touch x`",
    "escape": "\x1b[2J\x07",
}
OPTIONS = {"short_side": 16, "workers": 1, "progress": False, "val_fraction": 0.0}


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory, write_video):
    """A data set from a list with malicious labels and paths, and the files before the build."""
    top = tmp_path_factory.mktemp("hostile") / "a" / "b"
    source = top / "source"
    source.mkdir(parents=True)
    rows = []
    for number, label in enumerate(LABELS.values()):
        path = write_video(top / "elsewhere" / f"{number}.mp4", frames=2, size=(16, 16))
        rows.append((path if number % 2 else f"../elsewhere/{number}.mp4", label))
    rows.append(("../source/./../elsewhere/../source/-rf *.mp4", "x"))
    write_video(source / "-rf *.mp4", frames=2, size=(16, 16))
    with open(source / "list.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    before = files_of(top.parents[1])
    tfrecords.build(source / "list.csv", top / "data", **OPTIONS)
    return top, before


def test_a_build_writes_shards_indexes_and_dataset_json_and_nothing_else(tree):
    top, before = tree
    (shard,) = read_manifest(top / "data").all_shards
    assert shard.file == "train-00000-of-00001.tfrecord"
    names = {"train-00000-of-00001.tfrecord", "train-00000-of-00001.index", FILE}
    assert files_of(top.parents[1]) - before == {f"a/b/data/{name}" for name in names}


def test_class_names_and_ids_are_kept_as_text(tree):
    top, _ = tree
    manifest = read_manifest(top / "data")
    assert set(manifest.class_names) == {*LABELS.values(), "x"}
    assert {"../elsewhere/0", "../source/-rf *"} <= set(manifest.ids("train"))
    assert tfrecords.verify(top / "data", progress=False).ok
    split = Split(top / "data", "train")
    clips = tfrecords.clips(top / "data", training=False, num_frames=2, image_size=16, batch_size=4)
    assert sum(len(labels) for _, labels in clips) == len(split) == len(LABELS) + 1


def test_control_characters_are_escaped(tmp_path, write_video, capsys):
    """Names of files, folders, groups and classes with terminal colors and line breaks."""
    red = "x\x1b[31mRED\n\x9b\u202e"
    for label in ("a", f"b{red}"):
        write_video(tmp_path / "source" / label / f"{red}.mp4", frames=2, size=(16, 16))
    (tmp_path / "source" / "a" / f"bad{red}.mp4").write_bytes(b"no film")
    (tmp_path / "source" / f"empty{red}").mkdir()
    (tmp_path / "source" / "a" / f"{red}.txt").touch()
    out = tmp_path / "data"
    manifest = tfrecords.build(tmp_path / "source", out, max_failures=1, **OPTIONS)
    tfrecords.build(tmp_path / "source", out, max_failures=1, **OPTIONS)
    assert manifest.class_names == ("a", f"b{red}")
    report = tfrecords.verify(out, progress=False)
    printed = [
        report,
        replace(report, problems=(f"{red} is missing",)),
        tfrecords.stats(out, False),
    ]
    text = "\n".join([capsys.readouterr().out, *map(str, printed)])
    assert text.count(r"x\x1b[31mRED\n\x9b\u202e") >= 8
    assert all(line.isprintable() for line in text.split("\n"))
    with pytest.raises(BuildError) as error:
        tfrecords.build(tmp_path / "source", tmp_path / "other", max_failures=0, **OPTIONS)
    assert all(line.isprintable() for line in str(error.value).split("\n"))


def test_names_that_are_equal_after_normalization_are_one_class(tmp_path, write_video):
    for number, label in enumerate(("caf\u00e9", "cafe\u0301", "tea")):
        write_video(tmp_path / "source" / label / f"{number}.mp4", frames=2, size=(16, 16))
    manifest = tfrecords.build(tmp_path / "source", tmp_path / "data", **OPTIONS)
    assert manifest.class_names == ("caf\u00e9", "tea")


def test_videos_with_the_same_id_are_rejected(tmp_path, write_video):
    for label in ("caf\u00e9", "cafe\u0301", "tea"):
        write_video(tmp_path / "source" / label / "1.mp4", frames=2, size=(16, 16))
    with pytest.raises(SourceError, match="have the id 'caf\u00e9/1'"):
        tfrecords.build(tmp_path / "source", tmp_path / "data", **OPTIONS)


@pytest.mark.parametrize("name", ["a\ud800", "\udfff", "a\udcffb", "\udbff\udc00"])
def test_lone_surrogates_become_valid_text(name):
    assert plain(name).encode()


def rewritten(folder, change, to):
    """Copies a data set and changes its dataset.json with a correct checksum."""
    shutil.copytree(folder, to)
    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    del content["checksum"]
    change(content)
    (to / FILE).write_text(json.dumps({**content, "checksum": checksum(content)}), encoding="utf-8")
    return to


FILES = ["../data/train-00000-of-00001.tfrecord", "/etc/passwd", "a/b", "..", "", "a\0", "a\\b", 7]


@pytest.mark.parametrize("name", FILES)
def test_a_shard_outside_the_folder_is_rejected(tree, tmp_path, name):
    top, _ = tree
    data = rewritten(
        top / "data", lambda content: content["shards"][0].update(file=name), tmp_path / "data"
    )
    with pytest.raises(BadManifest, match="must be files of this folder"):
        Split(data, "train")
    assert "must be files of this folder" in str(tfrecords.verify(data, progress=False))


def test_a_link_to_another_file_is_not_a_shard(tree, tmp_path):
    top, _ = tree
    data = shutil.copytree(top / "data", tmp_path / "data")
    shard = data / "train-00000-of-00001.tfrecord"
    (tmp_path / "secret").write_bytes(bytes(shard.stat().st_size))
    shard.unlink()
    shard.symlink_to(tmp_path / "secret")
    assert not tfrecords.verify(data, progress=False).ok
    clips = tfrecords.clips(data, training=False, num_frames=2, image_size=16)
    with pytest.raises(Exception, match=r"differs from what was written \(wrong CRC-32\)"):
        list(clips)


CHANGES = {
    "shards": [{}, "x", [1], [{}], [{"file": "a"}]],
    "class_names": ["ab", 7, [1, 2], {"a": 1}, ["\ud800"]],
    "splits": [[], {"train": 3}, {"train": {"videos": -1, "frames": 1}}, {"train": {}}],
    "failures": [{}, [1], [{"id": 1}], [{"id": "a", "surprise": "b"}]],
    "missing": [[], {"train": "abc"}, {"train": [1]}],
    "source": [[], {"asked": []}],
    "frame": [None, 3],
    "groups": [[], {"a": 1}],
    "as_frames": [[], {"a": 1}],
    "clock_jumps": [[], {"a": 1.0}, {"a": [1]}, {"a": ["b"]}],
    "surprise": [1],
}


@pytest.mark.parametrize(("key", "value"), [(key, v) for key in CHANGES for v in CHANGES[key]])
def test_content_of_the_wrong_type_is_reported(tree, tmp_path, key, value):
    top, _ = tree
    data = rewritten(top / "data", lambda content: content.update({key: value}), tmp_path / "data")
    with pytest.raises(BadManifest, match=FILE):
        read_manifest(data)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("videos", "abc"),
        ("videos", [1]),
        ("bytes", -1),
        ("bytes", 1.5),
        ("bytes", True),
        ("bytes", 1 << 200),
        ("split", "nowhere"),
        ("split", []),
        ("sha256", None),
    ],
)
def test_a_shard_of_the_wrong_type_is_reported(tree, tmp_path, key, value):
    top, _ = tree
    data = rewritten(
        top / "data", lambda content: content["shards"][0].update({key: value}), tmp_path / "data"
    )
    with pytest.raises(BadManifest, match="shards "):
        read_manifest(data)


BOMBS = {
    "deep lists": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "long number": '{"format": ' + "9" * 100_000 + "}",
    "not a number": '{"format": NaN}',
    "infinite": '{"format": "ctm-keras/1", "splits": Infinity}',
    "not unicode": b'{"format": "\xff"}',
    "twice": '{"format": "ctm-keras/1", "format": "other"}',
}


@pytest.mark.parametrize("name", BOMBS)
def test_malicious_json_is_reported(tmp_path, name):
    text = BOMBS[name]
    (tmp_path / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadManifest, match=FILE):
        read_manifest(tmp_path)


@pytest.mark.parametrize("name", ["deep lists", "deep objects", "long number"])
def test_malicious_annotations_are_reported(tmp_path, name):
    (tmp_path / "something-something-v2-labels.json").write_text(BOMBS[name], encoding="utf-8")
    with pytest.raises(SourceError, match="labels"):
        read_format("something-something-v2", tmp_path, None, None)


def test_malicious_ids_find_only_files_under_the_source(tmp_path, write_video):
    """Ids that point outside are missing videos, or the video of that name in the folder."""
    root, lists = tmp_path / "root", tmp_path / "lists"
    for number in (1, 2):
        write_video(root / f"{number}.webm", frames=2, size=(16, 16), codec="libvpx-vp9")
    write_video(tmp_path / "3.webm", frames=2, size=(16, 16), codec="libvpx-vp9")
    lists.mkdir()
    ids = ["1", "../3", "../../etc/passwd", "\x00", "a\ud800", "", "x" * 5000, "-2"]
    train = [{"id": name, "template": "Doing [this]"} for name in ids]
    write = {
        "labels": {"Doing this": "0", "../that": "1"},
        "train": train,
        "validation": [{"id": "../root/2", "template": "../that"}],
    }
    for name, content in write.items():
        (lists / f"something-something-v2-{name}.json").write_text(
            json.dumps(content), encoding="utf-8"
        )
    found = read_format("something-something-v2", root, lists, None)
    there = {e.id: e.path for e in found.entries if e.id not in found.missing}
    assert there == {"1": "1.webm", "../root/2": "2.webm"}
    out = tmp_path / "data"
    manifest = tfrecords.build(
        root, out, format="something-something-v2", annotations=lists, **OPTIONS
    )
    assert manifest.ids("train") == ("1",)
    assert {path.parent for path in out.rglob("*")} == {out}


LISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{}'\n",
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4"])
@pytest.mark.parametrize(
    "target", ["other.ts", "../secret/other.ts", "http://127.0.0.1:9/other.ts"]
)
def test_a_playlist_opens_no_other_file(tmp_path, write_video, kind, name, target):
    for folder in ("own", "secret"):
        write_video(tmp_path / folder / "other.ts", codec="mpeg2video")
    (tmp_path / "own" / name).write_text(LISTS[kind].format(target), encoding="utf-8")
    with pytest.raises(VideoError, match=r"a list of other files|unknown format"):
        list(read_frames(tmp_path / "own" / name))


def test_file_names():
    assert is_file_name("train-00000-of-00001.tfrecord")
    assert is_file_name("..a")
    assert not any(is_file_name(name) for name in FILES)
