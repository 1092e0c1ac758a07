"""Builds: reproducible bytes, reported failures, atomic writes."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tfrecords.format import manifest
from tfrecords.format import shard_writer as shards
from tfrecords.format.decoded import FrameOptions, Job
from tfrecords.format.index import index_path, read_index
from tfrecords.format.record import VideoEntry
from tfrecords.sources import folder_or_csv
from tfrecords.storage.disk_space import FullDisk
from tfrecords.writing import decoder_pool, fingerprint, resume
from tfrecords.writing import decoder_process as worker
from tfrecords.writing.decoder_pool import BuildError
from tfrecords.writing.fingerprint import MISSING, fingerprints
from tfrecords.writing.plan import plan_shards

OPTIONS = {"short_side": 32, "workers": 1, "progress": False}
COMMAND = """
import sys, tfrecords
options = eval(sys.argv[3])
try:
    tfrecords.build(sys.argv[1], sys.argv[2], **options)
except (ValueError, OSError) as error:
    sys.exit(str(error))
"""


def content(folder):
    """The bytes of every file under a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def children():
    """Running child processes of this process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


# The written data set


def test_the_manifest_has_the_right_counts(built):
    found = tfrecords.read_manifest(built)
    assert found.class_names == ("- wave", "Füße", "a.b")
    assert {split: n["videos"] for split, n in found.splits.items()} == {"train": 18, "val": 6}
    assert sum(n["frames"] for n in found.splits.values()) == 3 * sum(range(4, 12))
    assert found.failures == ()
    assert len(found.ids("train") + found.ids("val")) == len(
        {*found.ids("train"), *found.ids("val")}
    )
    assert sorted(content(built)) == sorted(
        [manifest.FILE]
        + [f"{s}-{i:05d}-of-00002.{end}" for s in ("train", "val") for i in (0, 1)
           for end in ("tfrecord", "index")]
    )  # fmt: skip
    assert tfrecords.verify(built, progress=False).ok


def test_other_tools_read_the_records(built):
    """As parsed by DMVR and TF Model Garden; the index has the offset of each frame."""
    context = {
        "clip/label/index": tf.io.FixedLenFeature([], tf.int64),
        "clip/label/text": tf.io.FixedLenFeature([], tf.string),
        "clip/label/string": tf.io.FixedLenFeature([], tf.string),
        "clip/media_id": tf.io.FixedLenFeature([], tf.string),
        "clip/data_path": tf.io.FixedLenFeature([], tf.string),
        "clip/start/timestamp": tf.io.FixedLenFeature([], tf.int64),
        "clip/end/timestamp": tf.io.FixedLenFeature([], tf.int64),
        "image/format": tf.io.FixedLenFeature([], tf.string),
        "image/height": tf.io.FixedLenFeature([], tf.int64),
        "image/width": tf.io.FixedLenFeature([], tf.int64),
        "image/frame_rate": tf.io.FixedLenFeature([], tf.float32),
    }
    lists = {
        "image/encoded": tf.io.FixedLenSequenceFeature([], tf.string),
        "image/timestamp": tf.io.FixedLenSequenceFeature([], tf.int64),
    }
    found = tfrecords.read_manifest(built)
    for shard in found.all_shards:
        index, raw = read_index(index_path(built / shard.file)), (built / shard.file).read_bytes()
        records = list(tf.data.TFRecordDataset(str(built / shard.file)).as_numpy_iterator())
        assert len(records) == len(shard.videos) == len(index.videos)
        for row, name, record in zip(index.videos, shard.videos, records, strict=True):
            example = tf.train.SequenceExample.FromString(record)
            assert example.SerializeToString(deterministic=True) == record
            video, frames = tf.io.parse_single_sequence_example(record, context, lists)
            video = {key: value.numpy() for key, value in video.items()}
            label, _, number = name.partition("/clip ")
            count = 4 + int(number)
            assert video == {
                "clip/label/index": found.class_names.index(label),
                "clip/label/text": label.encode(),
                "clip/label/string": label.encode(),
                "clip/media_id": name.encode(),
                "clip/data_path": f"{name}.mp4".encode(),
                "clip/start/timestamp": 0,
                "clip/end/timestamp": 40_000 * count,
                "image/format": b"JPEG",
                "image/height": 32,
                "image/width": 48,
                "image/frame_rate": 25.0,
            }
            assert row["label"] == video["clip/label/index"]
            assert frames["image/timestamp"].numpy().tolist() == [40_000 * n for n in range(count)]
            own = index.frames[int(row["first"]) : int(row["first"]) + count]
            jpegs = [raw[int(f["offset"]) : int(f["offset"] + f["length"])] for f in own]
            assert jpegs == frames["image/encoded"].numpy().tolist()


def test_the_frames_are_the_videos_frames(built, level_of):
    shard = tfrecords.read_manifest(built).all_shards[0]
    index, raw = read_index(index_path(built / shard.file)), (built / shard.file).read_bytes()
    for row in index.videos:
        for number in range(row["frames"]):
            frame = index.frames[int(row["first"]) + number]
            jpeg = raw[int(frame["offset"]) : int(frame["offset"] + frame["length"])]
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert image.shape == (32, 48, 3)
            assert abs(image.mean() - level_of(number)) < 6


def test_options_reach_the_frames(videos, tmp_path):
    file = tmp_path / "list.csv"
    rows = [f"{videos}/{name}/clip 7.mp4,{name},0.08,0.28\n" for name in ("a.b", "Füße")]
    file.write_text("path,label,start,end\n" + "".join(rows), encoding="utf-8")
    found = tfrecords.build(
        file, tmp_path / "data", short_side=None, fps=50, val_fraction=0, workers=1, progress=False
    )
    (shard,) = found.shards("train")
    index = read_index(index_path(tmp_path / "data" / shard.file))
    assert index.videos["frames"].tolist() == [10, 10]
    assert index.videos["height"].tolist() == [40, 40]
    assert index.videos["frame_rate"].tolist() == [50, 50]
    (record, _) = tf.data.TFRecordDataset(str(tmp_path / "data" / shard.file)).as_numpy_iterator()
    example = tf.train.SequenceExample.FromString(record)
    times = [example.context.feature[f"clip/{end}/timestamp"] for end in ("start", "end")]
    assert [time.int64_list.value[0] for time in times] == [80_000, 280_000]


def test_groups_reach_the_manifest(videos, tmp_path):
    options = {**OPTIONS, "group_pattern": r"clip ([0-9])"}
    found = tfrecords.build(videos, tmp_path / "data", **options)
    groups = {name: name.rpartition(" ")[2] for name in found.ids("train") + found.ids("val")}
    assert found.groups == groups == tfrecords.read_manifest(tmp_path / "data").groups


def test_videos_are_assigned_to_shards_by_the_hash_of_the_id():
    entries = [VideoEntry(f"v{i}", f"v{i}.mp4", "x", "train") for i in range(100)]
    plan = plan_shards(entries, None)
    assert [len(shard.entries) for shard in plan] == [25] * 4
    assert plan_shards(entries[::-1], None) == plan
    dealt = [entry.id for shard in plan for entry in shard.entries]
    assert dealt == sorted(dealt, key=lambda name: hashlib.sha256(name.encode()).digest())
    assert len(plan_shards(entries[:3], 10)) == 3


# The same bytes


def test_workers_and_processes_do_not_change_the_bytes(videos, built, tmp_path):
    tfrecords.build(videos, tmp_path / "data", shards=2, **OPTIONS)
    assert content(tmp_path / "data") == content(built)


class Killed(BaseException):
    """A power failure at a system call."""


RENAMES = 18
SOME = (0, 3, 8, 17)  # of the plan, of a shard after its index, of another, of dataset.json


@pytest.mark.parametrize(
    "step",
    [n if n in SOME else pytest.param(n, marks=pytest.mark.long) for n in range(RENAMES)],
)
def test_a_power_cut_at_any_rename_resumes_to_the_same_bytes(
    videos, built, tmp_path, monkeypatch, step
):
    """Each file is renamed into place once. A build that dies at the n-th rename resumes."""
    count, rename = 0, os.replace

    def dies(*names):
        nonlocal count
        count += 1
        if count > step:
            raise Killed
        rename(*names)

    monkeypatch.setattr(os, "replace", dies)
    options = {**OPTIONS, "shards": 2}
    with pytest.raises(Killed):
        tfrecords.build(videos, tmp_path / "data", **options)
    assert not (tmp_path / "data" / manifest.FILE).exists()
    begun = "unfinished build" if step else "is not a folder"
    with pytest.raises(ValueError, match=begun):
        tfrecords.read_manifest(tmp_path / "data")
    monkeypatch.undo()
    tfrecords.build(videos, tmp_path / "data", **options)
    assert content(tmp_path / "data") == content(built)


def test_a_finished_data_set_is_returned_and_never_overwritten(videos, built, capsys):
    before = {path: path.stat().st_mtime_ns for path in built.iterdir()}
    found = tfrecords.build(videos, built, shards=2, **{**OPTIONS, "progress": True})
    assert found == tfrecords.read_manifest(built)
    assert "is complete. Nothing to do" in capsys.readouterr().out
    with pytest.raises(BuildError, match=r"built differently: quality is 90, was 95\. Choose"):
        tfrecords.build(videos, built, shards=2, quality=90, **OPTIONS)
    assert {path: path.stat().st_mtime_ns for path in built.iterdir()} == before


def test_a_finished_data_set_with_a_missing_shard_is_not_complete(videos, tmp_path):
    out = tmp_path / "data"
    tfrecords.build(videos, out, **OPTIONS)
    (out / "val-00000-of-00001.tfrecord").unlink()
    with pytest.raises(BuildError, match=r"val-00000-of-00001\.tfrecord is missing or damaged"):
        tfrecords.build(videos, out, **OPTIONS)


# Another source


@pytest.fixture
def own(videos, tmp_path):
    """A copy of the source with its modification times that a test may change."""
    return shutil.copytree(videos, tmp_path / "own" / "videos")


def interrupted(source, out, last=3):
    """A build that dies when it records shard `last` of four."""
    calls, save = 0, resume.Journal.save

    def dies(*arguments):
        nonlocal calls
        calls += 1
        if calls >= last:
            raise Killed
        save(*arguments)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as in_order:
        patch.setattr(resume.Journal, "save", dies)
        with pytest.raises(Killed):
            tfrecords.build(source, out, shards=2, executor=in_order, **OPTIONS)
    return out


def test_a_moved_source_is_recognized(videos, built, own, tmp_path):
    assert tfrecords.build(own, built, shards=2, **OPTIONS) == tfrecords.read_manifest(built)
    out = interrupted(videos, tmp_path / "data")
    found = tfrecords.build(own, out, shards=2, **OPTIONS)
    assert found.hash == tfrecords.read_manifest(built).hash


def test_another_source_with_the_same_names_is_rejected(own, built, write_video):
    before = content(built)
    write_video(own / "a.b" / "clip 0.mp4", frames=9, size=(40, 60))
    with pytest.raises(BuildError, match=r"the files of the source changed .*Choose another --out"):
        tfrecords.build(own, built, shards=2, **OPTIONS)
    assert content(built) == before


def test_a_changed_source_is_not_mixed_into_a_resumed_build(videos, own, tmp_path, write_video):
    out = interrupted(videos, tmp_path / "data")
    records = sorted((out / manifest.UNFINISHED).glob("*.tfrecord.json"))
    assert len(records) == 2
    name = json.loads(records[0].read_bytes())["shard"]["videos"][0]
    write_video(own / f"{name}.mp4", frames=9, size=(40, 60))
    with pytest.raises(BuildError, match=rf"cannot be resumed: .*changed, for example of '{name}'"):
        tfrecords.build(own, out, shards=2, **OPTIONS)


def test_videos_that_are_not_in_a_shard_yet_may_change(own, tmp_path, write_video):
    out = interrupted(own, tmp_path / "data", last=1)
    write_video(own / "a.b" / "clip 0.mp4", frames=9, size=(40, 60))
    tfrecords.build(own, out, shards=2, **OPTIONS)
    tfrecords.build(own, tmp_path / "other", shards=2, **OPTIONS)
    assert content(out) == content(tmp_path / "other")


def test_a_repaired_video_is_read_when_a_build_resumes(own, tmp_path, write_video):
    """Its shard was written without it."""
    bad = [path for path in sorted(own.rglob("*.mp4")) if path.name == "clip 0.mp4"][:2]
    whole = [path.read_bytes() for path in bad]
    for path in bad:
        path.write_bytes(b"")

    def dies(*_):
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "write_json", dies)
        with pytest.raises(Killed):
            tfrecords.build(own, tmp_path / "data", shards=2, **OPTIONS)
    bad[0].write_bytes(whole[0])
    (failure,) = tfrecords.build(own, tmp_path / "data", shards=2, **OPTIONS).failures
    assert own / failure.path == bad[1]
    tfrecords.build(own, tmp_path / "other", shards=2, **OPTIONS)
    assert content(tmp_path / "data") == content(tmp_path / "other")


def test_failures_of_a_finished_data_set_are_reported_again(own, tmp_path, capsys):
    file, late = own / "list.csv", own / "late.mp4"
    rows = [f"{p.relative_to(own)},{p.parent.name}\n" for p in sorted(own.rglob("*.mp4"))]
    file.write_text("path,label\n" + "".join(rows) + "late.mp4,a.b\n", encoding="utf-8")
    tfrecords.build(file, tmp_path / "data", **OPTIONS)
    assert "1 video failed and were left out.\n  late.mp4: the file" in capsys.readouterr().out
    tfrecords.build(file, tmp_path / "data", **OPTIONS)
    printed = capsys.readouterr()
    assert "Nothing to do. 1 failure left. To retry them, repair the files" in printed.out
    assert "late.mp4: the file is missing" in printed.out
    assert printed.err == ""
    shutil.copy(own / "a.b" / "clip 0.mp4", late)
    with pytest.raises(BuildError, match=r"or were missing before\)\. Choose another --out"):
        tfrecords.build(file, tmp_path / "data", **OPTIONS)
    assert tfrecords.build(file, tmp_path / "other", **OPTIONS).failures == ()


def test_fingerprints(tmp_path, tree):
    """Every change of a file, or of an image in a folder, is detected, except hidden files."""
    root = tree("a/frames/1.jpg", "a/frames/2.jpg", "b/1.mp4")
    names = ("a/frames", "b/1.mp4", "absent.mp4", "a/\0.mp4")
    entries = [VideoEntry(name, name, "x", "train") for name in names]

    def changed(name, change):
        before = fingerprints(root, entries)
        change(root / name)
        now = fingerprints(root, entries)
        return [name for name in names if now[name] != before[name]]

    assert [fingerprints(root, entries)[name] for name in names[2:]] == [MISSING, MISSING]
    assert changed("b/1.mp4", lambda path: path.write_bytes(b"1")) == ["b/1.mp4"]
    assert changed("b/1.mp4", lambda path: os.utime(path, ns=(5, 6))) == ["b/1.mp4"]
    assert changed("absent.mp4", lambda path: path.touch()) == ["absent.mp4"]
    assert changed("a/frames/1.jpg", lambda path: path.write_bytes(b"1")) == ["a/frames"]
    assert changed("a/frames/3.jpg", lambda path: path.touch()) == ["a/frames"]
    assert changed("a/frames/.DS_Store", lambda path: path.touch()) == []
    assert changed("b/1.mp4", lambda path: path.unlink()) == ["b/1.mp4"]
    before = fingerprints(root, entries)
    assert fingerprints(root.rename(tmp_path / "moved"), entries) == before


# Errors


@pytest.fixture
def unfinished(videos, tmp_path, monkeypatch):
    """A build that stopped before its last step."""
    out = tmp_path / "data"

    def dies(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["tfrecords.writing.build"], "write_manifest", dies)
        with pytest.raises(Killed):
            tfrecords.build(videos, out, **OPTIONS)
    return out


def test_another_version_or_other_options_refuse_to_resume(videos, unfinished, monkeypatch):
    with pytest.raises(BuildError, match="cannot be resumed: short_side is 64, was 32"):
        tfrecords.build(videos, unfinished, **{**OPTIONS, "short_side": 64})
    with pytest.raises(BuildError, match="cannot be resumed: seed is 1, was 0"):
        tfrecords.build(videos, unfinished, seed=1, **OPTIONS)
    with monkeypatch.context() as patch:
        patch.setattr(fingerprint, "_version", lambda package: "0.0")
        with pytest.raises(BuildError, match=r"cannot be resumed: .*av is 0\.0, was"):
            tfrecords.build(videos, unfinished, **OPTIONS)
    with monkeypatch.context() as patch:
        patch.setattr("platform.machine", lambda: "riscv64")
        with pytest.raises(BuildError, match="machine is riscv64"):
            tfrecords.build(videos, unfinished, **OPTIONS)


def test_a_plan_without_a_finished_shard_is_replaced(videos, built, tmp_path, monkeypatch):
    """It dies when its first shard is in place but not recorded yet."""
    out = tmp_path / "data"

    def dies(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(resume.Journal, "save", dies)
        with pytest.raises(Killed):
            tfrecords.build(videos, out, **{**OPTIONS, "shards": 3, "short_side": 64})
    assert list(out.glob("*-of-00003.tfrecord"))
    for step in ({"estimate": True}, {}):
        tfrecords.build(videos, out, shards=2, **step, **OPTIONS)
    assert content(out) == content(built)


def test_a_build_that_cannot_begin_leaves_no_files(videos, tmp_path, monkeypatch):
    def dies(*_):
        raise FullDisk

    monkeypatch.setattr("tfrecords.writing.scheduler.check_disk", dies)
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "new", tmp_path / "empty"):
        with pytest.raises(FullDisk):
            tfrecords.build(videos, out, **OPTIONS)
    assert [*tmp_path.rglob("*")] == [tmp_path / "empty"]


def test_other_videos_refuse_to_resume(videos, unfinished, tmp_path, write_video):
    other = tmp_path / "videos"
    for name in ("x", "y"):
        write_video(other / name / "1.mp4", frames=2)
    with pytest.raises(
        BuildError, match="the videos of the source or their labels, splits or groups"
    ):
        tfrecords.build(other, unfinished, **OPTIONS)


def test_two_builds_of_one_folder(videos, unfinished):
    asked = json.loads((unfinished / manifest.UNFINISHED / "plan.json").read_bytes())
    asked = {key: asked[key] for key in ("options", "entries")}
    refused = pytest.raises(BuildError, match="Another build is writing")
    with resume.Journal(unfinished, asked, {}), refused:
        tfrecords.build(videos, unfinished, **OPTIONS)
    tfrecords.build(videos, unfinished, **OPTIONS)


def test_invalid_output_folders(videos, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "x.tfrecord").touch()
    table = {
        tmp_path / "file": "must be a folder, received the file",
        videos: "must differ from the source",
        tmp_path / "strange": "x.tfrecord, which belongs to no build",
    }
    for out, message in table.items():
        with pytest.raises(BuildError, match=message):
            tfrecords.build(videos, out, **OPTIONS)
    assert [path.name for path in (tmp_path / "strange").iterdir()] == ["x.tfrecord"]


@pytest.mark.parametrize(("name", "value"), [
    ("short_side", 0), ("quality", 101), ("fps", -1), ("shards", 0), ("timeout", 0),
    ("max_failures", 1.5),
])  # fmt: skip
def test_options_out_of_range(videos, tmp_path, name, value):
    with pytest.raises(BuildError, match=f"{name} must be .*, received {value}"):
        tfrecords.build(videos, tmp_path / "data", **{**OPTIONS, name: value})
    assert not (tmp_path / "data").exists()


def test_a_source_whose_name_is_not_utf8(own, tmp_path):
    source = os.fsdecode(os.fsencode(own.parent) + b"/\xe4")
    found = tfrecords.build(own.rename(source), tmp_path / "data", **OPTIONS)
    assert found.source["source"].endswith("own/\\xe4")
    assert tfrecords.read_manifest(tmp_path / "data").source == found.source


def test_nothing_is_written_for_an_invalid_source(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(folder_or_csv.SourceError, match="contains no videos"):
        tfrecords.build(tmp_path / "empty", tmp_path / "data", **OPTIONS)
    assert not (tmp_path / "data").exists()


@pytest.fixture
def bad_videos(tmp_path, write_video, write_sound):
    """Thirteen videos, of which five cannot be read for different reasons."""
    root = tmp_path / "videos"
    for name in ("x", "y"):
        for number in range(4):
            write_video(root / name / f"{number}.mp4", frames=3)
    (root / "x" / "empty.mp4").touch()
    (root / "x" / "text.avi").write_text("no film\n" * 100, encoding="utf-8")
    whole = write_video(root / "y" / "cut.mkv", frames=30).read_bytes()
    (root / "y" / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    write_sound(root / "y" / "sound.wav").rename(root / "y" / "sound.mp4")
    os.mkfifo(root / "y" / "hangs.mp4")
    return root


def test_a_bad_video_is_one_reported_failure(bad_videos, tmp_path, capsys):
    out = tmp_path / "data"
    found = tfrecords.build(
        bad_videos, out, **{**OPTIONS, "progress": True}, timeout=1.5, max_failures=0.5
    )
    reasons = {failure.id: failure.reason for failure in found.failures}
    assert sorted(reasons) == ["x/empty", "x/text", "y/cut", "y/hangs", "y/sound"]
    for name, reason in {
        "x/empty": "the file is empty",
        "x/text": "unknown format",
        "y/cut": "truncated",
        "y/hangs": "it hangs: no new frame for 1.5 s",
        "y/sound": "no video stream",
    }.items():
        assert reason in reasons[name]
    assert sum(n["videos"] for n in found.splits.values()) == 8
    printed = capsys.readouterr()
    assert "5 videos failed and were left out" in printed.out
    assert "y/cut.mkv: the file is truncated" in printed.out
    assert " \n" not in printed.out
    assert "failed=5" in printed.err
    report = tfrecords.verify(out, progress=False)
    assert report.ok
    assert report.failures == tuple(failure.id for failure in found.failures)
    assert "could not be read during the build: 5 (" in str(report)
    assert children() == []


def test_too_many_failures_stop_the_build_and_repaired_videos_are_read_again(
    bad_videos, tmp_path, write_video
):
    out, options = tmp_path / "data", {**OPTIONS, "timeout": 1.5, "shards": 1}
    (bad_videos / "y" / "hangs.mp4").unlink()
    write_video(bad_videos / "y" / "hangs.mp4", frames=3)
    with pytest.raises(
        BuildError, match=r"Stopped: 2 of 13 videos failed.*max-failures 0.1"
    ) as error:
        tfrecords.build(bad_videos, out, **options)
    assert "to resume it" in str(error.value)
    assert " \n" not in str(error.value)
    assert not (out / manifest.FILE).exists()
    assert children() == []
    for name in ("x/empty.mp4", "x/text.avi", "y/cut.mkv"):
        (bad_videos / name).unlink()
        write_video(bad_videos / name, frames=3, codec="mpeg4")
    found = tfrecords.build(bad_videos, out, **options)
    assert [failure.id for failure in found.failures] == ["y/sound"]


def test_missing_files_are_failures_and_stop_a_wrong_list_immediately(videos, tmp_path):
    file = tmp_path / "list.csv"
    there = [f"{path},{path.parent.name}\n" for path in sorted(videos.rglob("*.mp4"))]
    file.write_text("path,label\n" + "".join(there) + "absent.mp4,a.b\n", encoding="utf-8")
    found = tfrecords.build(file, tmp_path / "data", **OPTIONS)
    assert [(f.path, f.reason) for f in found.failures] == [("absent.mp4", "the file is missing")]
    file.write_text(
        "path,label\n" + "".join(f"no/{i}.mp4,{i % 2}\n" for i in range(50)), encoding="utf-8"
    )
    with pytest.raises(BuildError, match=r"Stopped: 50 of 50 videos failed(.|\n)*and 30 more"):
        tfrecords.build(file, tmp_path / "other", **OPTIONS)


def test_a_crash_of_the_decoder_is_one_failure(videos, tmp_path, monkeypatch):
    """The decoder dies from a signal on one file, as from a bug in a codec."""
    code = (
        "import os, signal\n"
        "from tfrecords.writing import decoder_process as worker\nspool = worker.spool_video\n"
        "def crashes(job, alive):\n"
        "    if job.path.endswith('a.b/clip 3.mp4'): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    return spool(job, alive)\n"
        "worker.spool_video = crashes\nworker.main()"
    )
    monkeypatch.setattr(decoder_pool, "WORKER", [sys.executable, "-c", code])
    found = tfrecords.build(videos, tmp_path / "data", **OPTIONS)
    (failure,) = found.failures
    assert failure.id == "a.b/clip 3"
    assert failure.reason == "it crashes the decoder (SIGSEGV)"
    assert sum(n["videos"] for n in found.splits.values()) == 23


def test_a_decoder_that_cannot_start_is_an_error(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(decoder_pool, "WORKER", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(BuildError, match=r"does not start \(exit code 3\)"):
        tfrecords.build(videos, tmp_path / "data", **OPTIONS)


def test_a_record_above_the_limit_is_a_failure(tmp_path, write_video, monkeypatch):
    path = write_video(tmp_path / "a.mp4", frames=20)
    monkeypatch.setattr(worker, "RECORD_LIMIT", 4000)
    reply = worker.answer(Job(str(path), str(tmp_path / "spool"), FrameOptions(64, 95)))
    assert "already exceed the record limit of 1 GB; use start and end" in reply.error


def test_a_full_disk_is_reported_and_the_build_resumes_later(videos, built, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    out, options = tmp_path / "data", {**OPTIONS, "shards": 2}
    places = [(shards._Hashed, "write"), (shards, "write_index"), (resume, "write_json")]
    for owner, name in [*places, (manifest, "write_json")]:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            with pytest.raises(FullDisk, match=r"The disk of .*data is full. Free some space"):
                tfrecords.build(videos, out, **options)
        assert not (out / manifest.FILE).exists()
        assert not list(out.rglob("*.tmp"))
        assert not (out / manifest.UNFINISHED / "spool").exists()
        assert children() == []
    tfrecords.build(videos, out, **options)
    assert content(out) == content(built)


def test_a_full_disk_during_spooling_stops_the_build(videos, built, tmp_path):
    """The limit on file size simulates a full disk in parent and children."""
    out, options = tmp_path / "data", {**OPTIONS, "shards": 2}
    limited = COMMAND.replace(
        "import sys, tfrecords",
        "import sys, tfrecords, resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))",
    )
    process = subprocess.run(
        [sys.executable, "-c", limited, str(videos), str(out), repr(options)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert process.returncode == 1
    assert process.stderr.count("\n") == 1
    assert "is full" in process.stderr
    tfrecords.build(videos, out, **options)
    assert content(out) == content(built)


def test_a_decoder_is_renewed_after_many_videos(videos, built, tmp_path, monkeypatch):
    """This frees the memory that a codec leaks with each video."""
    started, start = [], decoder_pool.Decoder._start
    monkeypatch.setattr(decoder_pool, "RENEWED_AFTER", 5)
    new = lambda self: (started.append(self), start(self))[1]  # noqa: E731
    monkeypatch.setattr(decoder_pool.Decoder, "_start", new)
    tfrecords.build(videos, tmp_path / "data", shards=2, **OPTIONS)
    assert len(started) == 5
    assert content(tmp_path / "data") == content(built)
