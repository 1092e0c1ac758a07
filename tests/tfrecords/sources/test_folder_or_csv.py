"""Folders and CSV files of labeled videos, and their division into splits."""

import os
from collections import Counter, defaultdict

import pytest

import tfrecords
from tfrecords.sources.folder_or_csv import SourceError, read_source
from tfrecords.sources.splits import assign_splits


def paths(source):
    return sorted(entry.path for entry in source.entries)


def many(classes=("a", "b"), count=40):
    return [f"{name}/{name}_g{i % 8:02d}_c{i:02d}.mp4" for name in classes for i in range(count)]


def test_a_folder_of_classes(tree):
    root = tree("b/2.mp4", "b/deep/1.MOV", "a/1.avi", "a/.DS_Store", "a/list.txt", "README.md")
    tree("a/frames.v1/2.jpg", "a/frames.v1/1.jpg", ".hidden/x.mp4")
    (root / "empty").mkdir()
    source = read_source(root)
    assert paths(source) == ["a/1.avi", "a/frames.v1", "b/2.mp4", "b/deep/1.MOV"]
    assert [e.id for e in source.entries] == ["a/1", "a/frames.v1", "b/2", "b/deep/1"]
    assert [e.label for e in source.entries] == ["a", "a", "b", "b"]
    assert any("empty contains no videos" in note for note in source.notes)
    assert any("README.md, list.txt (files: 2)" in note for note in source.notes)


def test_train_and_val_folders_are_splits(tree):
    root = tree("train/a/1.mp4", "train/b/1.mp4", "validation/a/2.mp4", "validation/b/2.mp4")
    entries, _ = assign_splits(read_source(root).entries)
    assert {(e.id, e.label, e.split) for e in entries} == {
        ("train/a/1", "a", "train"),
        ("train/b/1", "b", "train"),
        ("validation/a/2", "a", "val"),
        ("validation/b/2", "b", "val"),
    }


def test_names_of_every_kind(tree):
    names = ["- dash/-x y.z.mp4", "Füße/走る (1)!.mp4", "a.b/c..d.mp4", "100%/#1 'q\".mp4"]
    source = read_source(tree(*names))
    assert paths(source) == sorted(names)
    assert {e.label for e in source.entries} == {"- dash", "Füße", "a.b", "100%"}


def test_names_that_are_not_utf8_are_read_and_escaped(tree):
    root = tree("a/1.mp4", "b/1.mp4")
    os.rename(os.fsencode(root / "a"), os.fsencode(root) + b"/\xe4")
    source = read_source(root)
    (entry,) = (e for e in source.entries if e.label != "b")
    assert entry.label == "\\xe4"
    assert (root / entry.path).exists()


def test_decomposed_and_composed_names_are_one_class(tree):
    source = read_source(tree("e\u0301/1.mp4", "\u00e9/2.mp4", "b/1.mp4"))
    assert {e.label for e in source.entries} == {"\u00e9", "b"}


def csv(tmp_path, text, encoding="utf-8"):
    file = tmp_path / "list.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize(("text", "encoding"), [
    ("path,label,start,end,note\na 1.mp4,\"x, y\",1.5,3,n\n/b/2.avi,z,,,\n", "utf-8"),
    ("label;note;end;start;path\r\n\"x, y\";n;3;1.5;a 1.mp4\r\nz;;;;/b/2.avi\r\n", "utf-8-sig"),
    ("path\tstart\tend\tlabel\tnote\na 1.mp4\t1.5\t3\tx, y\tn\n\n/b/2.avi\t\t\tz\t\n", "utf-8"),
])  # fmt: skip
def test_csv_dialects_and_encodings(tmp_path, text, encoding):
    source = read_source(csv(tmp_path, text, encoding))
    assert [(e.id, e.path, e.label, e.start, e.end) for e in source.entries] == [
        ("/b/2", "/b/2.avi", "z", None, None),
        ("a 1@1.5-3", "a 1.mp4", "x, y", 1.5, 3.0),
    ]
    assert source.root == tmp_path
    assert source.notes == ("Ignored columns of list.csv: note",)


@pytest.mark.parametrize(("text", "message"), [
    ("file,label\na.mp4,x\n", r"list.csv has no column 'path'\. Its first line has 'file'"),
    ("a.mp4,x\nb.mp4,y\n", "has no column 'path' and no column 'label'"),
    ("", "Its first line has no columns"),
    ("path,label\n", r"list.csv lists no videos\. Add a line with a path and a label"),
    ("path,label\na.mp4,x\nb.mp4\n", "line 3 must have as many fields"),
    ("path,label\na.mp4,x,y\n", "line 2 must have as many fields"),
    ("path,label\na.mp4,\n", "line 2 has no label"),
    ("path,label\n,x\n", "line 2 has no path"),
    ("path,label,start\na.mp4,x,one\n",
     "line 2: start must be a number of seconds, received 'one'"),
    ("path,label,start\na.mp4,x,-1\n", "line 2: start must be .* received '-1'"),
    ("path,label,end\na.mp4,x,nan\n", "line 2: end must be .* received 'nan'"),
    ("path,label,start,end\na.mp4,x,3,2\n", r"end must be after start \(3 s\), received 2 s"),
    ("path,label\na.mp4,x\n./b/../a.mp4,y\n", r"a.mp4 and ./b/../a.mp4 of .* have the id 'a'"),
    ("path,label\na.mp4,x\nb.mp4,x\n", r"at least two classes, received one \('x'\)"),
    ('path,label\n"a.mp4,x\n', "after line 1: unexpected end of data"),
])  # fmt: skip
def test_an_invalid_csv(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        read_source(csv(tmp_path, text))


def test_a_csv_that_is_not_utf8(tmp_path):
    with pytest.raises(SourceError, match="must be UTF-8"):
        read_source(csv(tmp_path, "path,label\nä.mp4,x\n", "latin-1"))


def test_requested_columns_must_exist(tmp_path):
    file = csv(tmp_path, "path,label\na.mp4,x\nb.mp4,y\n")
    with pytest.raises(SourceError, match="has no column 'fold'"):
        read_source(file, split_column="fold")
    with pytest.raises(SourceError, match="has no column 'scene'"):
        read_source(file, group_column="scene")


def test_a_data_set_inside_its_source_is_reported(tmp_path, write_video, capsys):
    for label in "ab":
        write_video(tmp_path / "source" / label / "1.mp4", frames=2, size=(16, 16))
    for out in ("source/data", "data"):
        options = {"progress": False, "workers": 1, "val_fraction": 0.0}
        tfrecords.build(tmp_path / "source", tmp_path / out, **options)
    notes = [line for line in capsys.readouterr().out.split("\n") if "inside the source" in line]
    assert notes == [
        f"{tmp_path}/source/data is inside the source. "
        "The next build will search it for videos too."
    ]


def test_files_that_differ_only_in_the_suffix_keep_it_in_their_ids(tmp_path):
    """The id `x.avi` of `x.avi.mp4` then collides as well. The same holds for segments."""
    rows = ["x.avi,a,,", "x.mp4,b,,", "x.avi.mp4,b,,", "y.avi,a,,", "s.avi,a,1,2", "s.mp4,b,1,2"]
    rows += ["s.mp4,b,2,3"]
    file = tmp_path / "list.csv"
    for order in (rows, rows[::-1]):
        file.write_text("\n".join(["path,label,start,end", *order]), encoding="utf-8")
        found = {entry.id: entry.path for entry in read_source(file).entries}
        assert found == {
            "x.avi": "x.avi",
            "x.mp4": "x.mp4",
            "x.avi.mp4": "x.avi.mp4",
            "y": "y.avi",
            "s.avi@1-2": "s.avi",
            "s.mp4@1-2": "s.mp4",
            "s@2-3": "s.mp4",
        }
    file.write_text("path,label\nx.avi,a\nx.mp4,b\n./x.mp4,b\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"x\.mp4 and \./x\.mp4 of .* have the id 'x\.mp4'"):
        read_source(file)


def test_invalid_folders(tree, tmp_path):
    table = {
        "must be a folder of class folders or a CSV file, received .*absent": lambda: (
            tmp_path / "absent"
        ),
        r"contains no videos\. Arrange them as videos/CLASS/VIDEO.mp4": lambda: tree(
            "x/readme.txt"
        ),
        r"at least two classes, received one \('a'\)": lambda: tree("a/1.mp4", "a/2.mp4"),
        "is an image among the videos": lambda: tree("b/1.jpg"),
        r"must be a folder with .* received the video .*1\.MP4": lambda: (
            tree("c/1.MP4") / "c" / "1.MP4"
        ),
    }
    for message, make in table.items():
        source = make()
        with pytest.raises(SourceError, match=message):
            read_source(source)
    with pytest.raises(SourceError, match="is a folder and has no column 'fold'"):
        read_source(tree("a/1.mp4"), split_column="fold")


# Splits


def divide(names, tree, **options):
    return assign_splits(read_source(tree(*names)).entries, **options)[0]


def test_each_class_is_divided_by_the_fractions(tree):
    entries = divide(many(), tree, val_fraction=0.2, test_fraction=0.1)
    counts = Counter((e.label, e.split) for e in entries)
    for label in "ab":
        assert [counts[label, split] for split in ("train", "val", "test")] == [28, 8, 4]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_small_classes_have_training_videos_first(tree, count):
    entries = divide(many(count=count), tree, val_fraction=0.2)
    counts = Counter((e.label, e.split) for e in entries)
    assert counts["a", "train"] >= 1
    assert (counts["a", "val"] >= 1) == (count > 1)


def test_a_division_depends_only_on_ids_and_seed(tree):
    before = {e.id: e.split for e in divide(many(), tree)}
    after = {e.id: e.split for e in divide(many(("a", "b", "c")), tree)}
    assert {name: after[name] for name in before} == before
    entries = read_source(tree("a/x.mp4")).entries
    shuffled, _ = assign_splits(entries[::-1])
    assert {e.id: e.split for e in shuffled} == {e.id: e.split for e in assign_splits(entries)[0]}
    assert {e.id: e.split for e in assign_splits(entries, seed=1)[0]} != after


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_never_divided(tree, seed):
    entries = divide(
        many(), tree, group_pattern=r"_g(\d+)_", seed=seed, val_fraction=0.25, test_fraction=0.25
    )
    splits = defaultdict(set)
    for entry in entries:
        splits[entry.group].add(entry.split)
    assert len(splits) == 8
    assert all(len(found) == 1 for found in splits.values())
    assert {e.split for e in entries} == {"train", "val", "test"}


def test_a_group_column_is_never_divided(tmp_path):
    rows = "".join(f"{i}.mp4,{'xy'[i % 2]},{i // 4}\n" for i in range(40))
    for header, options in (("group", {}), ("scene", {"group_column": "scene"})):
        source = read_source(csv(tmp_path, f"path,label,{header}\n{rows}"), **options)
        entries, _ = assign_splits(source.entries)
        splits = defaultdict(set)
        for entry in entries:
            splits[entry.group].add(entry.split)
        assert len(splits) == 10
        assert all(len(found) == 1 for found in splits.values())
        assert {e.split for e in entries} == {"train", "val"}


def test_a_column_of_folds(tmp_path):
    rows = "".join(f"{i}.mp4,{'xy'[i % 2]},{i % 5},{i // 10}\n" for i in range(20))
    file = csv(tmp_path, "path,label,fold,group\n" + rows)
    source = read_source(file, split_column="fold")
    entries, notes = assign_splits(source.entries, val=["0"], test=["3", "4"])
    assert {int(e.id) % 5: e.split for e in entries} == {
        0: "val", 1: "train", 2: "train", 3: "test", 4: "test"
    }  # fmt: skip
    assert any("divide 2 groups, for example '0'" in note for note in notes)


def test_division_errors(tmp_path, tree):
    file = csv(tmp_path, "path,label,split\n1.mp4,x,train\n2.mp4,y,fold\n")
    given = read_source(file).entries
    folder = read_source(tree(*many())).entries
    table = [
        (
            given,
            {},
            r"must be one of train, val and test, received 'fold' \(found: 'fold', 'train'\)",
        ),
        (given, {"val": ["7"]}, "No video has the split value '7'"),
        (folder, {"val": ["0"]}, "Set the column that contains it"),
        (given, {"val": ["fold"], "test": ["fold"]}, "must not be in both val and test"),
        (given, {"val": ["fold"], "test": ["train"]}, "No video is left for training"),
        (folder, {"val_fraction": 0.7, "test_fraction": 0.3}, "with a sum below 1"),
        (folder, {"val_fraction": -0.1}, "must be at least 0"),
        (folder, {"group_pattern": "("}, "must be a regular expression"),
        (folder, {"group_pattern": "scene"}, "'scene' does not match a/a_g00_c00.mp4"),
        (given, {"val": ["fold"], "group_pattern": "mp4"}, "group 'mp4' must be in one split"),
    ]
    for entries, options, message in table:
        with pytest.raises(SourceError, match=message):
            assign_splits(entries, **options)


def test_a_class_without_training_videos_is_noted(tmp_path):
    file = csv(tmp_path, "path,label,split\n1.mp4,x,train\n2.mp4,y,val\n3.mp4,z,train\n")
    assert assign_splits(read_source(file).entries)[1] == ["The class 'y' has no training videos."]
