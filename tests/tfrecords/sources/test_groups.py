"""Parts of one recording stay in one split, or are reported."""

from dataclasses import replace

import pytest

import tfrecords
from tfrecords.format.manifest import write_manifest
from tfrecords.sources.folder_or_csv import read_source
from tfrecords.sources.groups import groups_of
from tfrecords.sources.published import read_format
from tfrecords.sources.splits import assign_splits

OPTIONS = {"progress": False, "workers": 1, "short_side": 16}


@pytest.fixture
def segments(tmp_path):
    """`segments(row, ...)` writes a list of `file,label,start,end` and more columns."""

    def write(rows, columns=""):
        file = tmp_path / "list.csv"
        lines = [",".join(map(str, row)) for row in rows]
        file.write_text("\n".join([f"path,label,start,end{columns}", *lines]), encoding="utf-8")
        return file

    return write


def splits_of(entries):
    """The splits of each file."""
    return {e.path: {o.split for o in entries if o.path == e.path} for e in entries}


@pytest.mark.parametrize("seed", range(4))
def test_a_file_is_the_group_of_its_segments(segments, seed):
    rows = [(f"{f}.mp4", "xy"[(f + n) % 2], n, n + 1) for f in range(10) for n in range(6)]
    entries, notes = assign_splits(read_source(segments(rows)).entries, seed=seed)
    assert all(len(found) == 1 for found in splits_of(entries).values())
    assert sum("val" in found for found in splits_of(entries).values()) == 2
    assert all(entry.group == entry.path for entry in entries)
    assert notes == []


def test_files_with_a_class_of_their_own_are_divided(segments):
    """The first class of each file differs; each class stays in train."""
    rows = [(f"{f}.mp4", "abcde"[(f + n) % 5], n, n + 1) for f in range(5) for n in range(3)]
    entries, _ = assign_splits(read_source(segments(rows)).entries)
    assert sorted(map(sorted, splits_of(entries).values())) == [["train"]] * 4 + [["val"]]
    assert {e.label for e in entries if e.split == "train"} == set("abcde")


@pytest.mark.parametrize("seed", range(4))
def test_a_file_is_one_group_however_its_path_is_written(segments, tmp_path, seed):
    """Relative, absolute, through a linked folder, as a link, and next to its frames."""
    (tmp_path / "videos" / "0").mkdir(parents=True)
    for n in range(6):
        (tmp_path / "videos" / f"{n}.mp4").touch()
        (tmp_path / f"link{n}.mp4").symlink_to(tmp_path / "videos" / f"{n}.mp4")
    (tmp_path / "linked").symlink_to(tmp_path / "videos", target_is_directory=True)
    spelled = ["videos/{}.mp4", f"{tmp_path}/videos/{{}}.mp4", "linked/{}.mp4", "link{}.mp4"]
    rows = [
        (path.format(n), "xy"[(n + time) % 2], time, time + 1)
        for n in range(6)
        for time, path in enumerate(spelled)
    ]
    rows.append(("videos/0/", "x", "", ""))
    source = read_source(segments(rows))
    entries, _ = assign_splits(source.entries, root=source.root, seed=seed)
    assert {e.group for e in entries} == {"link0.mp4", *(f"link{n}.mp4" for n in range(1, 6))}
    splits = {}
    for entry in entries:
        splits.setdefault(entry.group, set()).add(entry.split)
    assert [len(found) for found in splits.values()] == [1] * 6
    assert {"train", "val"} == set.union(*splits.values())


def test_groups_of_missing_or_impossible_files(segments, tmp_path):
    rows = [("no/../a\0b.mp4", "xy"[n], n, n + 1) for n in range(2)]
    rows += [
        (str(tmp_path / "gone.mp4"), "x", 0, 1),
        ("./gone.mp4", "y", 1, 2),
        ("c.mp4", "y", "", ""),
    ]
    source = read_source(segments(rows))
    entries, _ = assign_splits(source.entries, root=source.root)
    assert sorted(str(e.group) for e in entries) == [
        "None",
        "a\0b.mp4",
        "a\0b.mp4",
        *["gone.mp4"] * 2,
    ]


def test_one_file_is_not_divided_with_a_note(segments):
    rows = [("one.mp4", "xy"[n % 2], n, n + 1) for n in range(10)]
    entries, notes = assign_splits(read_source(segments(rows)).entries, test_fraction=0.1)
    assert {entry.split for entry in entries} == {"train"}
    assert [("val" in note or "test" in note, "one.mp4" in note) for note in notes] == [
        (True, True)
    ] * 2
    rows = [(*row, "train" if row[2] < 8 else "val") for row in rows]
    entries, notes = assign_splits(read_source(segments(rows, ",split")).entries)
    assert [entry.split for entry in entries].count("val") == 2
    assert len(notes) == 1
    assert "one.mp4" in notes[0]


def test_a_group_in_the_source_has_priority_over_the_file(segments):
    rows = [("one.mp4", "xy"[n % 2], n, n + 1, "pq"[n // 4]) for n in range(8)]
    entries, _ = assign_splits(read_source(segments(rows, ",group")).entries, val_fraction=0.5)
    assert {entry.group for entry in entries} == {"p", "q"}
    assert splits_of(entries) == {"one.mp4": {"train", "val"}}
    entries = read_source(segments(rows, ",group")).entries
    entries, _ = assign_splits(entries, group_pattern="(.)[.]mp4")
    assert {entry.group for entry in entries} == {"e"}


@pytest.mark.parametrize("seed", range(3))
def test_a_video_and_its_frames_are_one_recording(tree, seed):
    names = [f"{label}/v{n}" for label in "ab" for n in range(10)]
    root = tree(*(f"{name}.mp4" for name in names), *(f"{name}/1.jpg" for name in names))
    entries, _ = assign_splits(read_source(root).entries, seed=seed)
    found = {}
    for entry in entries:
        found.setdefault(entry.path.removesuffix(".mp4"), set()).add(entry.split)
    assert len(found) == 20
    assert all(len(splits) == 1 for splits in found.values())
    assert {entry.group for entry in entries} == set(names)


def test_segments_of_old_data_sets_are_recognized_by_their_ids():
    ids = ["a/f@0-1.5", "a/f@1.5-end", "a/f@1e-05-2", "cam@2024-11-23", "b@x", "c"]
    files = {"a/f@0-1.5": "a/f", "a/f@1.5-end": "a/f", "a/f@1e-05-2": "a/f"}
    assert groups_of(ids, {}) == files
    assert groups_of(ids, {"c": "g", "a/f@0-1.5": "g"}) == {**files, "c": "g", "a/f@0-1.5": "g"}


def test_whole_videos_have_no_group(tree):
    entries, _ = assign_splits(read_source(tree("a/1.mp4", "a/2.mp4", "b/1.mp4")).entries)
    assert [entry.group for entry in entries] == [None] * 3


def test_published_lists_of_segments(tree):
    """IBM's lists cut frame folders, Kinetics' lists cut YouTube videos."""
    root = tree(*(f"f{n}/{i}.jpg" for n in range(2) for i in range(1, 9)))
    (root / "train.txt").write_text("f0 1 4 0\nf1 1 8 1\n", encoding="utf-8")
    (root / "val.txt").write_text("f0 5 8 0\n", encoding="utf-8")
    found = read_format("ibm", root)
    entries, notes = assign_splits(found.entries)
    assert {e.id: e.group for e in entries} == {"f0@0-0.16": "f0", "f0@0.16-0.32": "f0", "f1": None}
    assert ["f0" in note for note in notes] == [True]
    root = tree("k/A_000001_000011.mp4", "k/A_000020_000030.mp4", "k/B_000001_000011.mp4") / "k"
    head = "label,youtube_id,time_start,time_end,split\n"
    (root / "train.csv").write_text(f"{head}x,A,1,11,train\ny,B,1,11,train\n", encoding="utf-8")
    (root / "val.csv").write_text(f"{head}x,A,20,30,val\n", encoding="utf-8")
    entries, notes = assign_splits(read_format("kinetics", root).entries)
    assert [e.group for e in entries] == ["A", "A", None]
    assert ["'A'" in note for note in notes] == [True]


def test_a_divided_file_is_reported_by_the_build_and_by_stats(
    tmp_path, segments, write_video, capsys
):
    for name in "ab":
        write_video(tmp_path / f"{name}.mp4", frames=8, size=(16, 16))
    rows = [(f"{f}.mp4", f, n / 25, (n + 4) / 25) for f in "ab" for n in (0, 4)]
    built = tfrecords.build(segments(rows), tmp_path / "whole", **OPTIONS)
    assert built.groups == {f"{f}@{n}": f"{f}.mp4" for f in "ab" for n in ("0-0.16", "0.16-0.32")}
    capsys.readouterr()
    rows = [(*row, "train" if row[0] == "a.mp4" or row[2] else "val") for row in rows]
    data = tmp_path / "data"
    built = tfrecords.build(segments(rows, ",split"), data, **OPTIONS)
    assert "1 group" in capsys.readouterr().out
    torn = {"b.mp4": {"train": ["b@0.16-0.32"], "val": ["b@0-0.16"]}}
    assert tfrecords.stats(data, copies=False).groups == torn
    # data sets of older builds do not have the files
    write_manifest(data, replace(built, groups={}))
    assert tfrecords.stats(data, copies=False).groups == {"b": torn["b.mp4"]}
