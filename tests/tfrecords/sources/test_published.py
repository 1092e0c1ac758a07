"""Published data sets: the official lists with their anomalies, and invalid lists."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from tfrecords.format.record import VideoEntry
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published import FORMATS, explain_formats, read_format
from tfrecords.sources.published.find import find_videos
from tfrecords.sources.published.listing import Lists


@pytest.fixture
def official(real_videos):
    """`official(format, folder)` reads official lists."""

    def read(name, place, **options):
        return FORMATS[name](Lists(real_videos / "annotations" / place, name), **options)

    return read


@pytest.fixture
def lists(tmp_path):
    """`lists(name=text)` writes lists into a folder."""

    def write(files):
        folder = tmp_path / "lists"
        for name, text in files.items():
            folder.mkdir(exist_ok=True)
            text = text if isinstance(text, str) else json.dumps(text)
            (folder / name).write_bytes(text.encode())
        return folder

    return write


def read(name, folder, **options):
    return FORMATS[name](Lists(folder, name), **options)


def counts(listing):
    return dict(Counter(video.split for video in listing.videos))


def groups(listing):
    """The number of groups, and the number of groups in two splits."""
    splits = {}
    for video in listing.videos:
        splits.setdefault(video.group, set()).add(video.split)
    return len(splits), sum(len(found) > 1 for found in splits.values())


def official_names(real_videos, file):
    return (real_videos / "annotations" / file).read_text(encoding="utf-8").splitlines()


# The official lists


@pytest.mark.parametrize(("number", "train", "test"), [
    (1, 9537, 3783), (2, 9586, 3734), (3, 9624, 3696),
])  # fmt: skip
def test_ucf101(official, number, train, test):
    found = official("ucf101", "ucf101", split_number=number)
    assert counts(found) == {"train": train, "test": test}
    assert len(found.class_names) == 101
    # neither the order of sorted() nor a carriage return at the end
    assert found.class_names[34:37] == ["Hammering", "HammerThrow", "HandstandPushups"]
    (video,) = [v for v in found.videos if "/v_HandStandPushups_g01_c01" in v.path]
    assert (video.label, video.group) == ("HandstandPushups", "HandstandPushups/g01")
    assert groups(found) == (101 * 25, 0)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_hmdb51(official, number):
    found = official("hmdb51", "hmdb51", split_number=number)
    assert counts(found) == {"train": 3570, "test": 1530}
    assert {n for n in Counter((v.label, v.split) for v in found.videos).values()} == {70, 30}
    assert list(found.class_names) == sorted(found.class_names)
    assert len(found.class_names) == 51
    assert any("!" in v.path for v in found.videos)
    assert any("(" in v.path for v in found.videos)
    assert all(v.path == f"{v.label}/{v.path.partition('/')[2]}" for v in found.videos)
    assert all(v.path.endswith(".avi") for v in found.videos)
    assert groups(found) == ({1: 2023, 2: 2006, 3: 2000}[number], 0)  # the films of a class


def test_jester(official):
    found = official("jester", "jester")
    assert counts(found) == {"train": 118562, "val": 14787}
    assert found.class_names[:2] == ["Swiping Left", "Swiping Right"]
    assert len(found.class_names) == 27
    assert found.notes == ["Left out 14,743 videos of the test list without a label."]


def test_kinetics_600(official):
    found = official("kinetics", "kinetics")
    assert counts(found) == {"val": 29093}
    assert len(found.class_names) == 600
    assert found.videos[0].path == "yq_M1PMw2hY_000038_000048"
    assert sum(video.path[0] == "-" for video in found.videos) > 300
    both = [v.label for v in found.videos if v.path.startswith("CYGlFBgKZV0")]
    assert both == ["sewing", "threading needle"]  # one YouTube video, two of the data set


def write_kinetics_400(folder, real_videos):
    """CSV files for all ids of Mini-Kinetics-200; the times and labels of val are the real ones."""
    folder.mkdir()
    names = official_names(real_videos, "kinetics/label_map_k400.txt")
    rows = {"train": [], "val": []}
    for line in official_names(real_videos, "kinetics/raivokoot_k400_valid.txt"):
        stem, _, _, label = line.split()
        start, end = int(stem[12:18]), int(stem[19:25])
        rows["val"].append((names[int(label)], stem[:11], start, end, "validate", 0))
    for number, line in enumerate(
        official_names(real_videos, "mini_kinetics200/train_ytid_list.txt")
    ):
        rows["train"].append((names[number % 400], line, 0, 10, "train", 0))
    for split, own in rows.items():
        with open(folder / f"kinetics_{split}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            head = ("label", "youtube_id", "time_start", "time_end", "split", "is_cc")
            writer.writerows([head, *own])


def link(folder, file, name=None):
    (folder / (name or file.name)).symlink_to(file)


def test_mini_kinetics_200(real_videos, tmp_path):
    folder, mini = tmp_path / "lists", real_videos / "annotations" / "mini_kinetics200"
    write_kinetics_400(folder, real_videos)
    for split in ("train", "val"):
        link(folder, mini / f"{split}_ytid_list.txt")
    found = read("mini-kinetics-200", folder)
    assert counts(found) == {"train": 80000, "val": 5000}
    assert sum(video.id[0] == "-" for video in found.videos) == 1091 + 153
    val = Counter(v.label for v in found.videos if v.split == "val" and v.label)
    assert len(val) == 200
    assert set(val.values()) <= {24, 25}
    # one video is missing in this copy of Kinetics-400's list
    assert found.notes == ["1 ids are in no Kinetics CSV file and count as missing."]
    assert list(found.class_names) == sorted(found.class_names)


def test_mini_kinetics_of_ibm(real_videos, tmp_path):
    folder = tmp_path / "lists"
    write_kinetics_400(folder, real_videos)
    classes = real_videos / "annotations/mini_kinetics200/ibm_mini_kinetics_classes.txt"
    link(folder, classes, "mini_kinetics400.txt")
    found = read("mini-kinetics-ibm", folder)
    assert len(found.class_names) == 200
    assert found.class_names[-1] == "yoga"  # the list has "yoga''."
    assert "hurling (sport)" in found.class_names
    assert {video.label for video in found.videos} == set(found.class_names)


def test_list_files_of_other_projects(official, real_videos):
    found = official("ibm", "something")
    assert counts(found) == {"train": 168913, "val": 24777}
    assert found.class_names == [str(number) for number in range(174)]
    lists = Lists(
        real_videos / "annotations/kinetics/paddle_k400_val_small_videos.list", "mmaction2"
    )
    with pytest.raises(
        SourceError, match=r"label_map_k400\.txt and label_map_k600\.txt\. Rename the"
    ):
        FORMATS["mmaction2"](lists)


def test_orders_of_classes_as_published(real_videos, lists):
    """Moments' and Something's class names are not in alphabetical order."""
    names = official_names(real_videos, "moments/mit_v1_label_map.txt")
    folder = lists({
        "moments_categories.txt": "".join(f"{name},{i}\n" for i, name in enumerate(names)),
        "trainingSet.csv": "clapping/yt-a_1.mp4,clapping,3,0\nplaying+music/yt-b_2.mp4,x,3,0\n",
        "validationSet.csv": "praying/-c_3.mp4,praying,3,0\n",
    })  # fmt: skip
    found = read("moments", folder)
    assert list(found.class_names) == names != sorted(names)
    assert [(v.id, v.label, v.split) for v in found.videos] == [
        ("clapping/yt-a_1", "clapping", "train"),
        ("playing+music/yt-b_2", "playing+music", "train"),
        ("praying/-c_3", "praying", "val"),
    ]
    names = official_names(real_videos, "something/sthv1_label_map.txt")
    v1 = "something-something-v1"
    folder = lists({
        f"{v1}-labels.csv": "\r\n".join(names),
        f"{v1}-train.csv": f"100;{names[0]}\r\n7;{names[2]}\r\n",
        f"{v1}-validation.csv": "8;Touching (without moving) part of something",
        f"{v1}-test.csv": "9\n10\n",
    })  # fmt: skip
    found = read("something-something-v1", folder)
    assert found.class_names == names != sorted(names)
    assert [(v.id, names.index(v.label), v.split) for v in found.videos] == [
        ("100", 0, "train"), ("7", 2, "train"),
        ("8", names.index("Touching (without moving) part of something"), "val"),
    ]  # fmt: skip
    assert found.notes == ["Left out 2 videos of the test list without a label."]


@pytest.mark.parametrize("prefix", ["something-something-v2-", ""])
def test_something_something_v2(real_videos, lists, prefix):
    names = official_names(real_videos, "something/sthv2_label_map.txt")
    item = {
        "id": "78687", "label": "holding potato next to vicks vaporub bottle",
        "template": "Holding [something] next to [something]", "placeholders": ["potato", "x"],
    }  # fmt: skip
    folder = lists({
        f"{prefix}labels.json": {name: str(i) for i, name in reversed([*enumerate(names)])},
        f"{prefix}train.json": [item],
        f"{prefix}validation.json": [{**item, "id": "2", "template": names[173]}],
        f"{prefix}test.json": [{"id": "3"}],
    })  # fmt: skip
    found = read("something-something-v2", folder)
    assert found.class_names == names
    assert [(v.id, v.label, v.split) for v in found.videos] == [
        ("78687", "Holding something next to something", "train"), ("2", names[173], "val")
    ]  # fmt: skip
    assert found.notes == ["Left out 1 video of the test list without a label."]


@pytest.mark.parametrize("version", ["_V2", ""])
def test_diving48(real_videos, lists, version):
    names = official_names(real_videos, "other/diving48_label_map.txt")
    video = {"vid_name": "-mmq0PT-u8k_00155", "label": 47, "start_frame": 0, "end_frame": 48}
    folder = lists({
        "Diving48_vocab.json": [name.split("+") for name in names],
        f"Diving48{version}_train.json": [video],
        f"Diving48{version}_test.json": [{**video, "vid_name": "_8Vy3dlHg2w_00000", "label": 0}],
    })  # fmt: skip
    found = read("diving48", folder)
    assert found.class_names == names
    assert [(v.id, v.label, v.split) for v in found.videos] == [
        ("-mmq0PT-u8k_00155", names[47], "train"), ("_8Vy3dlHg2w_00000", names[0], "test")
    ]  # fmt: skip


# Dialects of Kinetics' CSV files


def test_quoted_labels_and_test_rows_without_a_label(lists):
    folder = lists({
        "kinetics_700_2020_train.csv": "\ufefflabel,youtube_id,time_start,time_end,split\r\n"
        '"passing, a ball",-abcdefghij,9,19,train\r\n"""yoga""",_bcdefghijk,2.0,12.0,train\r\n',
        "validate.csv": "youtube_id,time_start,time_end,label\n0bcdefghijk,1,11,yoga\n",
        "test.csv": "youtube_id,time_start,time_end,split\n1bcdefghijk,1,11,test\n",
    })  # fmt: skip
    found = read("kinetics", folder)
    assert found.class_names == ["passing, a ball", "yoga"]
    assert [(v.id, v.label, v.split) for v in found.videos] == [
        ("-abcdefghij_000009_000019", "passing, a ball", "train"),
        ("_bcdefghijk_000002_000012", "yoga", "train"),
        ("0bcdefghijk_000001_000011", "yoga", "val"),
    ]
    assert found.notes == ["Left out 1 video of the test list without a label."]


# List files


def test_mmaction2(lists):
    files = {
        "label_map.txt": "run\njump high\n",
        "x_train_split_1_videos.txt": "jump high/a b.mp4 1\nrun/-c.mp4 0\n",
        "x_train_split_2_videos.txt": "run/-c.mp4 0\n",
        "x_val_split_1_videos.txt": "run/d.mp4 0\n",
        "x_val_split_2_videos.txt": "jump high/a b.mp4 1\nrun/d.mp4 0\n",
        "x_train_split_1_rawframes.txt": "jump high/a b 300 1\nrun/-c 20 0\n",
    }
    found = read("mmaction2", lists(files))
    expected = [("jump high/a b", "jump high"), ("run/-c", "run"), ("run/d", "run")]
    assert [(v.id, v.label) for v in found.videos] == expected
    assert counts(found) == {"train": 2, "val": 1}
    assert counts(read("mmaction2", lists({}), split_number=2)) == {"train": 1, "val": 2}
    found = read("mmaction2-rawframes", lists({}))
    assert [(v.id, v.label) for v in found.videos] == expected[:2]


def test_pyslowfast(lists):
    found = read("pyslowfast", lists({
        "train.csv": "/data/a b.mp4 0\n/data/c.mp4 11\n",
        "val.csv": "d.mp4,2\r\n",
        "test.csv": "e.mp4\n",
    }))  # fmt: skip
    assert [(v.path, v.label, v.split) for v in found.videos] == [
        ("/data/a b.mp4", "0", "train"), ("/data/c.mp4", "11", "train"), ("d.mp4", "2", "val"),
    ]  # fmt: skip
    assert found.class_names == [str(number) for number in range(12)]  # 2 comes before 11
    assert len(found.notes) == 1


def test_tsm(lists):
    found = read("tsm", lists({
        "category.txt": "wave\njump\n",
        "train_videofolder.txt": "something/v1/img/100 48 1",
        "val_videofolder.txt": "something/v1/img/7 36 0",
    }))  # fmt: skip
    assert [(v.id, v.label, v.split) for v in found.videos] == [
        ("something/v1/img/100", "jump", "train"), ("something/v1/img/7", "wave", "val")
    ]  # fmt: skip


def test_ibm(lists):
    found = read("ibm", lists({
        "train.txt": "air drumming/-a;1;300;1\nb;1;50;0\nb;51;100;1\nc;26;75;0\n",
        "val.txt": "d 1 20 0", "test.txt": "e 1 20",
    }))  # fmt: skip
    assert [(v.id, v.label, v.start, v.end) for v in found.videos] == [
        ("air drumming/-a", "1", None, None),
        ("b@0-2", "0", 0.0, 2.0),
        ("b@2-4", "1", 2.0, 4.0),
        ("c@1-3", "0", 1.0, 3.0),
        ("d", "0", None, None),
    ]
    assert found.notes == ["Left out 1 video of the test list without a label."]


def test_one_list_without_a_split_in_its_name(lists):
    folder = lists({"all.list": "a.mp4 0\nb.mp4 1\n", "other_train.txt": "c.mp4 0\n"})
    found = read("mmaction2", folder / "all.list")
    assert [(v.id, v.split) for v in found.videos] == [("a", ""), ("b", "")]


# Finding videos


def find(root, *names):
    entries = [VideoEntry(name, name, "x", "train") for name in names]
    return find_videos(root, entries)


def test_videos_are_found_by_name_in_any_folder_and_suffix(tree):
    root = tree(
        "deep/Wave/v_a.mkv", "frames/b.c/1.jpg", "-x_000001_000011.MP4", "frames/7/00001.png",
        "hmdb/U!!_(x)_&_[y].avi", "e\u0301.mp4", ".hidden/gone.mp4", "deep/note.txt",
    )  # fmt: skip
    (root / "deep" / "circle").symlink_to(root)
    names = (
        "Wave/v_a.avi",
        "b.c",
        "-x_000001_000011",
        "7",
        "u/U!!_(x)_&_[y].avi",
        "\u00e9",
        "gone",
    )
    assert find(root, *names) == dict(zip(names, [
        "deep/Wave/v_a.mkv", "frames/b.c", "-x_000001_000011.MP4", "frames/7",
        "hmdb/U!!_(x)_&_[y].avi", "e\u0301.mp4",
    ], strict=False))  # fmt: skip


def test_files_with_the_same_name_are_distinguished_by_folder(tree):
    root = tree("v/clapping/1.mp4", "v/praying/1.mp4", "v/praying/2.mp4")
    assert find(root, "clapping/1.mp4", "praying/1.mp4", "clapping/2.mp4", "praying/2.mp4") == {
        "clapping/1.mp4": "v/clapping/1.mp4",
        "praying/1.mp4": "v/praying/1.mp4",
        "praying/2.mp4": "v/praying/2.mp4",  # clapping/2 is missing and does not get this one
    }


def test_an_absolute_path(tree, tmp_path):
    root = tree("a/1.mp4")
    path = str(root / "a" / "1.mp4")
    assert find(tmp_path, path, "/old/place/a/2.mp4") == {path: path}
    assert find(root, "/old/place/a/1.mp4") == {"/old/place/a/1.mp4": "a/1.mp4"}


def test_ambiguous_names_and_files(tree):
    root = tree("videos/a/1.avi", "frames/a/1/1.jpg", "x/2.mp4")
    with pytest.raises(SourceError, match=r"could both be the listed a/1\.avi\. Use the folder"):
        find(root, "a/1.avi")
    with pytest.raises(SourceError, match=r"x/2\.mp4 under .* could be a/2 or b/2 of the lists"):
        find(root, "a/2", "b/2")


# Invalid lists and options

UCF = {
    "classInd.txt": "1 A\n2 B\n",
    "trainlist01.txt": "A/a.avi 1\n",
    "testlist01.txt": "B/b.avi\n",
}
V2 = {
    "labels.json": {"A": "0", "B": "1"}, "train.json": [{"id": "1", "template": "A"}],
    "validation.json": [{"id": "2", "template": "B"}],
}  # fmt: skip
JESTER = {
    "jester-v1-labels.csv": "A\nB\n",
    "jester-v1-train.csv": "1;A\n",
    "jester-v1-validation.csv": "2;B",
}
KINETICS = "label,youtube_id,time_start,time_end\n"
MOMENTS = {
    "moments_categories.txt": "A,0\nB,1\n",
    "trainingSet.csv": "A/a.mp4\n",
    "validationSet.csv": "",
}
DIVING = {"Diving48_vocab.json": [["A"], ["B"]], "Diving48_V2_test.json": []}


@pytest.mark.parametrize(("name", "files", "message"), [
    ("ucf101", {"x": ""}, r"ucf101 requires classInd\.txt, which .*lists does not contain"),
    ("ucf101", UCF | {"classInd.txt": "0 A\n1 B\n"}, "must be numbered from 1 without gaps"),
    ("ucf101", UCF | {"classInd.txt": "A\n"},
     r"line 1 must be a number and a class name, received 'A'"),
    ("ucf101", UCF | {"testlist01.txt": "C/c.avi"},
     r"testlist01\.txt, line 1: the class must be .* received 'C'"),
    ("ucf101", UCF | {"trainlist01.txt": "A/a.avi 2"},
     r"line 1: the number of A must be 1 as in classInd\.txt"),
    ("hmdb51", {"x": ""}, r"hmdb51 requires CLASS_test_split1\.txt"),
    ("hmdb51", {"wave_test_split1.txt": "a.avi 3\n"},
     "line 1 must be a video and .* received 'a.avi 3'"),
    ("kinetics", {"x.csv": ""}, r"requires lists \*\.csv with train, val or test in their names"),
    ("kinetics", {"train.csv": KINETICS, "x_train.csv": ""}, r"x_train\.csv are both lists of tr"),
    ("kinetics", {"train.csv": "a,b\n"}, "has no column 'time_end'"),
    ("kinetics", {"train.csv": KINETICS + "A,x,one,2\n"},
     r"train\.csv, line 2: times must be numbers"),
    ("kinetics", {"train.csv": KINETICS + ",x,1,2\n"}, r"train\.csv, line 2 has no label"),
    ("mini-kinetics-200", {"train.csv": KINETICS + "A,y,1,2\n", "train_ytid_list.txt": "x\n"},
     "has no Kinetics-400 CSV file with the ids of train_ytid_list"),
    ("mini-kinetics-200",
     {"train.csv": KINETICS + "A,x,1,2\nB,x,3,4\n", "train_ytid_list.txt": "x\n"},
     r"train_ytid_list\.txt, line 1: x is in both .*line 2 and .*line 3"),
    ("mini-kinetics-ibm", {"train.csv": KINETICS + "A,y,1,2\n", "mini_kinetics400.txt": "b\n"},
     "no Kinetics CSV file next to it has the class 'b'"),
    ("something-something-v2", V2 | {"train.json": "["}, r"train\.json must be JSON"),
    ("something-something-v2", V2 | {"labels.json": {"A": "0", "B": "2"}},
     "must be numbered from 0"),
    ("something-something-v2", V2 | {"train.json": [{"id": "1"}]}, "video 1 has no template"),
    ("something-something-v2", V2 | {"train.json": [{"id": "1", "template": "C"}]},
     "class must be one of .* received 'C'"),
    ("something-something-v2", V2 | {"labels.json": ["A", "B"]},
     "must have the format that something-something-v2 publishes"),
    ("something-something-v2", V2 | {"train.json": [{"template": "A"}]}, "KeyError: 'id'"),
    ("jester", JESTER | {"jester-v1-train.csv": "1\n"},
     "line 1 must have a class after a .* received '1'"),
    ("jester", JESTER | {"jester-v1-train.csv": "1;C\n"},
     "line 1: the class must be one of the 2 classes, received 'C'"),
    ("moments", MOMENTS | {"moments_categories.txt": "A\n"},
     "must be a class name, a comma .* received 'A'"),
    ("moments", MOMENTS | {"trainingSet.csv": "C/a.mp4\n"},
     "the class must be one of the 2 classes, received 'C'"),
    ("diving48", DIVING | {"Diving48_V2_train.json": [{"vid_name": "a", "label": 2}]},
     "the label must be below 2, received 2"),
    ("mmaction2", {"train.txt": "a.mp4\n"},
     r"train\.txt, line 1 must be a path, a label, received 'a.mp4'"),
    ("mmaction2", {"train.txt": "a.mp4 2\n", "classes.txt": "A\nB\n"},
     "label must be below 2, received 2"),
    ("mmaction2", {"train.txt": "a.mp4 2\n", "classes.txt": "A\nB\nA\n"},
     "must have a name of its own, received 'A' for several"),
    ("tsm", {"train_videofolder.txt": "a 1\n"}, "must be a path, its frames and a label"),
    ("ibm", {"train.txt": "a 1 2\n"}, "must be a path, two frames and a label"),
    ("pyslowfast", {"train.csv": "a.mp4 0\n./a.mp4 1\n"}, "have the id 'a'"),
    ("pyslowfast", {"train.csv": "a.mp4 0\nb.mp4 0\n"},
     "must have at least two classes, received one"),
    ("pyslowfast", {"test.csv": "a.mp4\n"}, "have no video with a class"),
    ("pyslowfast", {"train.csv": "q.mp4 0\nb.mp4 1\n"},
     r"None of the 2 videos that .*lists lists is under .*videos\. Expected .* such as q\.mp4"),
])  # fmt: skip
def test_invalid_lists(lists, tree, name, files, message):
    with pytest.raises(SourceError, match=message):
        read_format(name, tree("x.mp4"), lists(files))


def test_invalid_options(tree, tmp_path, lists):
    root = tree("a/1.mp4", "b/2.mp4")
    table = [
        ("--format must be one of folder, csv, ucf101.*, received 'ucf'", ("ucf", root), {}),
        ("--annotations requires a --format with lists: ucf101", (None, root, root), {}),
        ("--split-number requires a --format", (None, root), {"split_number": 1}),
        ("--format csv requires a file, received .*videos", ("csv", root), {}),
        (
            r"--format folder requires a folder, received .*1\.mp4",
            ("folder", root / "a" / "1.mp4"),
            {},
        ),
        ("The format jester has only one split", ("jester", root), {"split_number": 1}),
        ("The format tsm has no column 'fold'", ("tsm", root), {"split_column": "fold"}),
        ("--format tsm requires the folder of videos, received .*no", ("tsm", root / "no"), {}),
        (
            "--annotations must be the lists of tsm, received .*none, which is missing",
            ("tsm", root, root / "none"),
            {},
        ),
        (r"ucf101 requires trainlist04\.txt", ("ucf101", root, lists(UCF)), {"split_number": 4}),
    ]
    for message, arguments, options in table:
        with pytest.raises(SourceError, match=message):
            read_format(*arguments, **options)


def test_a_list_that_is_not_utf8(lists):
    folder = lists(UCF)
    (folder / "classInd.txt").write_bytes(b"1 \xff\n")
    with pytest.raises(SourceError, match=r"classInd\.txt must be UTF-8"):
        read("ucf101", folder)


def test_every_format_has_a_description_and_a_command():
    text = explain_formats()
    for name, reader in FORMATS.items():
        assert f"\n{name}\n    " in text
        assert f"--format {name} --annotations" in reader.__doc__
    assert len([line for line in text.splitlines() if line[0] != " "]) == len(FORMATS) + 2


def test_the_page_names_every_format():
    page = Path(__file__).parents[3] / "docs" / "published-data-sets.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in FORMATS if f"`{name}`" not in text] == []
