"""Foreign shards become a data set; every record is imported or reported with a reason."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tfrecords.format.index import index_path, read_index
from tfrecords.format.tfrecord_file import Compressed
from tfrecords.reading.split import Split
from tfrecords.sources.folder_or_csv import SourceError

QUIET = {"progress": False}
CLIP = {"num_frames": 3, "interval": 1, "image_size": 24, "batch_size": 4, "with_ids": True}


@pytest.fixture
def records(tmp_path, shards):
    """`records({name: [record, ...]})` writes shards."""

    def make(files):
        for name, messages in files.items():
            shards.write(tmp_path / "records" / name, messages)
        return tmp_path / "records"

    return make


def video(shards, number, context, count=3):
    return shards.example(context, image_encoded=shards.jpegs(number, count))


def label(number, text=None):
    return {"clip/label/index": number} | ({"clip/label/text": text} if text else {})


def clips(data, split, shards):
    """The id and label of each video, and the content of its clip."""
    found = {}
    for batch in tfrecords.clips(data, split, training=False, **CLIP).as_numpy_iterator():
        for clip, number, name in zip(batch["clip"], batch["label"], batch["id"], strict=True):
            found[name.decode()] = (int(number), *shards.seen(clip))
    return found


# Shards of other projects


def test_shards_of_dmvr(records, shards, tmp_path):
    source = records({
        "kinetics400-train-00000-of-00002": [
            shards.dmvr(0, 5, 1, "run"), shards.dmvr(1, 7, 0, "wave")],
        "kinetics400-train-00001-of-00002": [shards.dmvr(2, 5, 1, "run")],
        "kinetics400-val-00000-of-00001": [shards.dmvr(3, 5, 0, "wave")],
    })  # fmt: skip
    before = {path: path.read_bytes() for path in source.iterdir()}
    found = tfrecords.import_records(source, tmp_path / "data", **QUIET)
    assert found.class_names == ("wave", "run")
    assert found.splits == {"train": {"videos": 3, "frames": 17}, "val": {"videos": 1, "frames": 5}}
    assert clips(tmp_path / "data", "train", shards) == {
        "videos/0.mp4": (1, 0, [1, 2, 3]),
        "videos/1.mp4": (0, 1, [2, 3, 4]),
        "videos/2.mp4": (1, 2, [1, 2, 3]),
    }
    assert clips(tmp_path / "data", "val", shards) == {"videos/3.mp4": (0, 3, [1, 2, 3])}
    assert Split(tmp_path / "data", "train").videos["frame_rate"].tolist() == [10, 10, 10]
    assert {path: path.read_bytes() for path in source.iterdir()} == before
    assert tfrecords.verify(tmp_path / "data", progress=False).ok
    assert found.frame == {"short_side": 24, "quality": None, "store": "frames", "fps": 10.0}


def test_shards_of_tf_model_garden(records, shards, tmp_path):
    """Only class numbers, frames and audio."""
    sound = [[0.5] * 40] * 2
    files = {
        f"{split}.tfrecord": [
            shards.example({"clip/label/index": k % 2}, image_encoded=shards.jpegs(k, 4),
                           features_audio=sound)
            for k in range(2)
        ]
        for split in ("train", "validation")
    }  # fmt: skip
    found = tfrecords.import_records(records(files), tmp_path / "data", **QUIET)
    assert found.class_names == ("0", "1")
    assert clips(tmp_path / "data", "val", shards) == {
        "validation.tfrecord#0": (0, 0, [0, 1, 2]),
        "validation.tfrecord#1": (1, 1, [0, 1, 2]),
    }


def test_shards_of_mediasequence(records, shards, tmp_path):
    """Two clips of one video are a group; the frame rate comes from the time stamps."""
    messages = [
        shards.example(
            {
                "example/id": f"abc_{start}",
                "clip/media_id": "abc",
                "clip/label/index": start // 10,
                "clip/label/string": f"class {start // 10}",
                "clip/start/timestamp": start * 1_000_000,
                "image/format": "JPEG",
            },
            image_encoded=shards.jpegs(start // 10, 4),
            image_timestamp=[40_000 * frame for frame in range(4)],
            FORWARD_FLOW_encoded=shards.jpegs(9, 4),
        )
        for start in (0, 10)
    ]
    source = records({
        "kinetics_700_train_25fps_rgb_flow-00000-of-00001": messages[:1],
        "kinetics_700_validate_25fps_rgb_flow-00000-of-00001": messages[1:],
    })  # fmt: skip
    found = tfrecords.import_records(source, tmp_path / "data", **QUIET)
    assert found.groups == {"abc_0": "abc", "abc_10": "abc"}
    assert clips(tmp_path / "data", "val", shards) == {"abc_10": (1, 1, [0, 1, 2])}
    assert Split(tmp_path / "data", "val").videos["frame_rate"].tolist() == [25.0]


def test_own_shards(synthetic, shards, tmp_path, write_own):
    """The shards of `ctm build` can be imported like foreign ones."""
    built = write_own(tmp_path / "built")
    found = tfrecords.import_records(tmp_path / "built", tmp_path / "data", **QUIET)
    assert found.class_names == built.class_names
    assert [shard.sha256 for shard in found.all_shards] == [s.sha256 for s in built.all_shards]
    for shard in built.all_shards:
        ours, theirs = (
            read_index(index_path(tmp_path / f / shard.file)) for f in ("built", "data")
        )
        assert np.array_equal(ours.videos, theirs.videos)
        assert np.array_equal(ours.frames, theirs.frames)
    assert found.ids("train") == built.ids("train")


def test_examples_with_all_frames_in_one_feature(records, shards, tmp_path):
    features = {"image/encoded": shards.jpegs(4, 5), "clip/label/index": 1, "video_id": "v"}
    made = tf.train.Example()
    for key, value in features.items():
        made.features.feature[key].CopyFrom(shards.feature(value))
    other = video(shards, 0, label(0))
    tfrecords.import_records(
        records({"train-00000-of-00001.tfrecord": [made, other]}), tmp_path / "data", **QUIET
    )
    assert clips(tmp_path / "data", "train", shards)["v"] == (1, 4, [1, 2, 3])


# Classes


def test_names_have_priority_over_conflicting_numbers(records, shards, tmp_path, capsys):
    """DMVR's generator numbers the classes of every run in the order of a Python set."""
    source = records({
        "train-00000-of-00001": [shards.dmvr(0, 3, 0, "wave"), shards.dmvr(1, 3, 1, "run")],
        "test-00000-of-00001": [shards.dmvr(2, 3, 1, "wave"), shards.dmvr(3, 3, 0, "run")],
    })  # fmt: skip
    found = tfrecords.import_records(source, tmp_path / "data", **QUIET)
    assert found.class_names == ("run", "wave")
    read = clips(tmp_path / "data", "train", shards) | clips(tmp_path / "data", "test", shards)
    assert {number: read[f"videos/{number}.mp4"][0] for number in range(4)} == {
        0: 1,
        1: 0,
        2: 1,
        3: 0,
    }
    assert "(0 is 'run' and 'wave'). The names are used" in capsys.readouterr().out


LABELS = [  # labels of the records, --classes, class names, labels
    ([label(0), label(2)], None, ("0", "1", "2"), [0, 2]),
    ([label(0), label(2)], "a\nb\nc\n", ("a", "b", "c"), [0, 2]),
    ([label(1), label(3)], "a\r\nb\r\nc", ("a", "b", "c"), [0, 2]),  # from 1
    ([label(1), label(2)], '{"b": 2, "a": 1}', ("a", "b"), [0, 1]),
    ([label(0), label(1)], '["b", "a"]', ("b", "a"), [0, 1]),
    ([label(7, "z"), label(3, "y")], None, ("y", "z"), [1, 0]),
    ([label(7, "z"), label(3, "y")], "x\ny\nz", ("x", "y", "z"), [2, 1]),
    ([label(7, "z"), label(3, "y"), label(7)], None, ("y", "z"), [1, 0, 1]),
    ([{"clip/label/string": "b"}, {"clip/label/text": "a"}], None, ("a", "b"), [1, 0]),
    ([{"clip/label/index": [1, 1]}, {"clip/label/index": 0.0}], None, ("0", "1"), [1, 0]),
    ([label(0, "a"), label(1, "a"), label(2, "b")], None, ("a", "b"), [0, 0, 1]),
]


@pytest.mark.parametrize(("labels", "classes", "names", "expected"), LABELS)
def test_class_names(records, shards, tmp_path, labels, classes, names, expected):
    source = records({"train-0-of-1": [video(shards, 0, own) for own in labels]})
    file = tmp_path / f"classes.{'json' if classes and classes[0] in '{[' else 'txt'}"
    file.write_bytes((classes or "").encode())
    options = {"classes": file if classes else None, **QUIET}
    found = tfrecords.import_records(source, tmp_path / "data", **options)
    assert found.class_names == names
    assert Split(tmp_path / "data", "train").videos["label"].tolist() == expected


BAD_LABELS = [
    ([label(0), {"clip/label/index": [1, 2]}], None, r"record 1 of .*several \(1 and 2\)"),
    (
        [label(0), {"clip/label/text": ["a", "b"]}],
        None,
        r"must have one label, .* several \('a' and 'b'\)",
    ),
    (
        [label(0), label(5)],
        "a\nb",
        "must list all classes of the records, received 2 for the class number 5",
    ),
    (
        [label(0, "a"), label(1, "c")],
        "a\nb",
        "--classes must list all classes of the records, but 'c' is missing",
    ),
    (
        [label(0), label(1 << 40)],
        None,
        "class number .* must be below 1,000,000, received 1099511627776",
    ),
    (
        [label(0, "a"), label(1)],
        None,
        "class number 1 of a record without a name .* received nothing",
    ),
    ([label(0, "a"), label(1)], "a\na", "lists 'a' twice"),
    ([label(0)], '{"a": 0, "b": 2}', "must be numbered from 0 without gaps"),
    ([label(0)], '{"a": "0"}', "must be a list of class names or a mapping from names to numbers"),
    ([label(0)], "[1]", "must be a list of class names"),
]


@pytest.mark.parametrize(("labels", "classes", "message"), BAD_LABELS)
def test_invalid_labels(records, shards, tmp_path, labels, classes, message):
    source = records({"train-0-of-1": [video(shards, 0, own) for own in labels]})
    file = tmp_path / f"classes.{'json' if classes and classes[0] in '{[' else 'txt'}"
    file.write_text(classes or "", encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        tfrecords.import_records(
            source, tmp_path / "data", classes=file if classes else None, **QUIET
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, "records"]


# Ids


def test_ids_are_unique_and_printable(records, shards, tmp_path):
    names = ["a", "a", "../../x", "\x1b[2Jb\n", "twice", "twice"]
    messages = [
        video(shards, k, label(k % 2) | {"clip/media_id": name, "clip/start/timestamp": 10**6 * k})
        for k, name in enumerate(names)
    ]
    del messages[4].context.feature["clip/start/timestamp"]
    del messages[5].context.feature["clip/start/timestamp"]
    found = tfrecords.import_records(
        records({"train-0-of-1": messages}), tmp_path / "data", **QUIET
    )
    assert found.ids("train") == (
        "a@0", "a@1", "../../x", r"\x1b[2Jb\n", "train-0-of-1#4", "train-0-of-1#5"
    )  # fmt: skip
    assert set(found.groups.values()) == {"a", "twice"}
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "dataset.json", "train-00000-of-00001.index", "train-00000-of-00001.tfrecord"
    ]  # fmt: skip


# Files and splits


def test_splits_come_from_folders_or_patterns(records, shards, tmp_path, capsys):
    source = records({
        f"{folder}/{name}": [video(shards, 0, label(0)), video(shards, 1, label(1))]
        for folder, name in [("training", "x-00000-of-00003"), ("eval_test", "y.records"),
                             ("train", "z_val-00000-of-00001.tfrecord")]
    } | {"notes.json": []})  # fmt: skip
    tfrecords.import_records(source, tmp_path / "data", **QUIET)
    found = tfrecords.read_manifest(tmp_path / "data")
    assert found.source["imported"] == {
        "train-00000-of-00001.tfrecord": "training/x-00000-of-00003",
        "val-00000-of-00001.tfrecord": "train/z_val-00000-of-00001.tfrecord",
        "test-00000-of-00001.tfrecord": "eval_test/y.records",
    }
    assert "Only 1 of the 3 shards x-*-of-00003 exist" in capsys.readouterr().out
    patterns = {"train": ["*/y*", "*/z*"], "val": ["training/*"]}
    found = tfrecords.import_records(source, tmp_path / "other", **patterns, **QUIET)
    assert {split: n["videos"] for split, n in found.splits.items()} == {"train": 4, "val": 2}


def test_dots_in_names_do_not_confuse_indexes(records, shards, tmp_path):
    one, two = video(shards, 0, label(0), 2), video(shards, 1, label(1), 4)
    source = records({"k.400-train-0-of-2": [one], "k.400-train-1-of-2": [two]})
    tfrecords.import_records(source, tmp_path / "data", **QUIET)
    assert Split(tmp_path / "data", "train").videos["frames"].tolist() == [2, 4]


BAD_SOURCES = [
    ({"train-0-of-1": 1}, {"train": ["x*"]}, r"--train must match files under .*, received 'x\*'"),
    (
        {"train-0-of-1": 1},
        {"train": ["*"], "val": ["*"]},
        "must be in one split, but matches --train and --val",
    ),
    (
        {"train-0-of-1": 1},
        {"train": ["/etc/*"]},
        "--train must be a valid pattern, received '/etc/.*'",
    ),
    ({"data.tfrecord": 1}, {}, r"does not contain its split.*--train 'data\.tfrecord'"),
    ({"train.txt": 1}, {}, "contains no shards, such as train-00000-of-00010"),
    ({"train-0-of-1": 1}, {"max_failures": 2}, "max_failures must be from 0 to 1, received 2"),
    ({"train-0-of-1": 1}, {"classes": "nowhere"}, "--classes must be a file .*, received nowhere"),
    ({"train-0-of-1": 0}, {}, "No record of the shards is a video with a label"),
]


@pytest.mark.parametrize(("files", "options", "message"), BAD_SOURCES)
def test_invalid_sources(records, shards, tmp_path, files, options, message):
    source = records({name: [video(shards, 0, label(0))] * n for name, n in files.items()})
    with pytest.raises(SourceError, match=message):
        tfrecords.import_records(source, tmp_path / "data", **options, **QUIET)
    with pytest.raises(SourceError, match="nowhere, which is missing"):
        tfrecords.import_records(tmp_path / "nowhere", tmp_path / "data", **QUIET)
    with pytest.raises(SourceError, match=r"must be local, received a URL\. Copy the shards first"):
        tfrecords.import_records("s3://bucket/records", tmp_path / "data", **QUIET)


def test_a_folder_with_files_is_not_changed(records, shards, tmp_path):
    source = records({"train-0-of-1": [video(shards, 0, label(0))]})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").touch()
    with pytest.raises(
        SourceError, match=r"--out must be empty, received .*data\. Choose another --out"
    ):
        tfrecords.import_records(source, tmp_path / "data", **QUIET)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("kind", "remedy"), [("GZIP", "gzip -dc"), ("ZLIB", "without compression")]
)
def test_compressed_shards_are_rejected(shards, tmp_path, kind, remedy):
    shards.write(tmp_path / "records" / "train-0-of-1", [video(shards, 0, label(0))], kind)
    with pytest.raises(
        Compressed, match=rf"train-0-of-1 must be uncompressed .* received {kind}.*{remedy}"
    ):
        tfrecords.import_records(tmp_path / "records", tmp_path / "data", **QUIET)
    assert not (tmp_path / "data").exists()


# Invalid records


def test_every_invalid_record_is_reported(shards, records, tmp_path):
    def frames(*own, **context):
        return shards.example(label(0) | context, image_encoded=own)

    good, other = shards.jpegs(0, 1), shards.jpegs(0, 1, height=20)
    png = tf.io.encode_png(np.zeros((24, 32, 3), np.uint8)).numpy()
    cases = [
        (frames(*good), None),
        (shards.example({"clip/media_id": "x"}, image_encoded=good), "it has no label"),
        (shards.example(label(0)), "it has no frames: image/encoded is empty or missing$"),
        (
            shards.example(label(0) | {"clip/encoded_media_bytes": b"x"}),
            "contains the encoded video",
        ),
        (frames(*good, *other), "frame 1 has the size 32x20, but earlier frames have 32x24"),
        (frames(png), "frame 0 is not a valid JPEG, but PNG"),
        (frames(*good, b"x"), "frame 1 is not a valid JPEG"),
        (frames(*good, b""), "frame 1 must be one image, but has 1 values or is empty"),
        (frames(*good, [good[0], good[0]]), "frame 1 must be one image, but has 2 values"),
        (frames(*good, 3), "frame 1 must be one image"),
        (frames(good[0][:200]), "frame 0 cannot be decoded|frame 0 is not a valid JPEG"),
        (shards.example(label(-1), image_encoded=good), "label -1 is not a class number"),
        (b"\x00\x01\x02", "it is not a SequenceExample: byte 1 is not a field"),
        (frames(*good).SerializeToString()[:-3], "it is not a SequenceExample: .* longer than"),
        (b"", "it has no label"),
    ]
    source = records({"train-0-of-1": [message for message, _ in cases]})
    with pytest.raises(SourceError, match="Stopped: 14 of 15 records failed") as error:
        tfrecords.import_records(source, tmp_path / "data", **QUIET)
    assert " \n" not in str(error.value)
    found = tfrecords.import_records(source, tmp_path / "data", max_failures=1, **QUIET)
    reasons = {int(f.id.rpartition("#")[2]): f.reason for f in found.failures}
    assert found.num_videos("train") == 1
    assert sorted(reasons) == list(range(1, 15))
    for number, (_, reason) in enumerate(cases):
        if reason:
            assert re.search(reason, reasons[number]), reasons[number]
    assert tfrecords.verify(tmp_path / "data", progress=False).ok


DAMAGE = [  # a change to the bytes of three records, which remain, the reason
    (lambda raw, starts: raw[: starts[2] + 40], 2, "it is truncated: the 40 bytes from here"),
    (lambda raw, starts: raw[: starts[2] + 5], 2, "the file ends inside a record: the 5 bytes"),
    (lambda raw, starts: flipped(raw, starts[1]), 1, "the checksum of its length is wrong"),
    (lambda raw, starts: flipped(raw, 0), 0, "the checksum of its length is wrong"),
    (lambda raw, starts: flipped(raw, starts[1] + 300), 2, "its checksum is wrong: it is damaged"),
]


def flipped(raw, place):
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


@pytest.mark.parametrize(("change", "left", "reason"), DAMAGE)
def test_damaged_shards(shards, records, tmp_path, change, left, reason):
    messages = [video(shards, k, label(k)) for k in range(3)]
    source = records({"train-0-of-2": messages, "train-1-of-2": messages[:1]})
    raw = (source / "train-0-of-2").read_bytes()
    sizes = [16 + len(message.SerializeToString()) for message in messages]
    (source / "train-0-of-2").write_bytes(change(raw, [0, sizes[0], sizes[0] + sizes[1]]))
    found = tfrecords.import_records(source, tmp_path / "data", max_failures=1, **QUIET)
    assert found.num_videos("train") == left + 1
    (failure,) = found.failures
    assert reason in failure.reason
    assert tfrecords.verify(tmp_path / "data", progress=False).ok
    shown = clips(tmp_path / "data", "train", shards)
    assert len(shown) == left + 1
    assert all(number == video for number, video, _ in shown.values())


def test_later_changes_are_detected(shards, records, tmp_path):
    source = records({"train-0-of-1": [video(shards, 0, label(0)), video(shards, 1, label(1))]})
    data = tmp_path / "data"
    tfrecords.import_records(source, data, **QUIET)
    raw = (source / "train-0-of-1").read_bytes()
    (source / "train-0-of-1").write_bytes(flipped(raw, 400))
    report = tfrecords.verify(data, progress=False)
    assert not report.ok
    assert "run its `ctm import-records` again" in str(report)
    os.rename(source / "train-0-of-1", source / "gone")
    assert f"{source / 'train-0-of-1'} no longer exists" in str(
        tfrecords.verify(data, progress=False)
    )
    with pytest.raises(ValueError, match="the file is missing"):
        tfrecords.clips(data)


def test_the_same_shards_give_the_same_bytes(shards, records, tmp_path):
    source = records({"train-0-of-1": [video(shards, 0, label(0)), video(shards, 1, label(1))]})
    contents = []
    for name in ("one", "two"):
        tfrecords.import_records(source, tmp_path / name, **QUIET)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]
    assert json.loads(contents[0]["dataset.json"])["source"]["source"] == str(source)


def test_it_needs_no_tensorflow(shards, records, tmp_path):
    source = records({"train-0-of-1": [video(shards, 0, label(0)), video(shards, 1, label(1))]})
    code = (
        "import sys\n"
        f"sys.argv = ['ctm', 'import-records', {str(source)!r}, '--out', 'data']\n"
        "from training.cli import main\n"
        "main()\n"
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules), 'heavy import'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
        encoding="utf-8", check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "data: 2 classes, train 2 videos (6 frames)" in done.stdout
