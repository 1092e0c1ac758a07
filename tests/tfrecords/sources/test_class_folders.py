"""Detection of class folders and split folders."""

import os

import av
import numpy as np
import pytest
from PIL import Image

from tfrecords.sources.folder_or_csv import SourceError, read_source
from tfrecords.sources.folders import videos_beneath
from tfrecords.sources.published import read_format
from tfrecords.sources.splits import assign_splits
from tfrecords.video.read import read_frames
from tfrecords.video.suffixes import VIDEOS


def videos_of(*folders, names=("1.mp4", "2.mp4")):
    return [f"{folder}/{name}" for folder in folders for name in names]


def divided(source):
    """A mapping from the path of each video to its class and split, and the notes."""
    found = read_source(source)
    entries, notes = assign_splits(found.entries)
    return {e.path: (e.label, e.split) for e in entries}, [*found.notes, *notes]


@pytest.mark.parametrize(("train", "other", "split"), [
    ("train", "test", "test"),
    ("videos_train", "videos_val", "val"),
    ("train_256", "val_256", "val"),
    ("Train", "dev", "val"),
    ("1 TRAINING", "2 Validation", "val"),
    ("TrainFrames", "testing", "test"),
    ("train", "eval", "val"),
    ("train", "evaluation", "val"),
    ("UCFTrain", "UCFTest", "test"),
])  # fmt: skip
@pytest.mark.parametrize("extra", [None, "annotations/list.txt", "__MACOSX/train/a/._1.mp4"])
def test_folders_of_splits_hold_the_same_classes(tree, train, other, split, extra):
    root = tree(*videos_of(f"{train}/a", f"{train}/b", f"{other}/a", f"{other}/b"))
    if extra:
        tree(extra)
    found, _ = divided(root)
    splits = {train: "train", other: split}
    assert found == {
        f"{folder}/{label}/{n}.mp4": (label, splits[folder])
        for folder in splits for label in "ab" for n in "12"
    }  # fmt: skip


def test_three_splits_one_with_fewer_classes_and_one_without_folders(tree):
    root = tree(*videos_of("train/a", "train/b", "val/a"), "test/9.mp4")
    found, notes = divided(root)
    assert found["val/a/1.mp4"] == ("a", "val")
    assert {split for _, split in found.values()} == {"train", "val"}
    assert any("test/9.mp4" in note for note in notes)


def test_a_single_split(tree):
    root = tree(*videos_of("train_256/a", "train_256/b"), "annotations/list.txt")
    assert set(divided(root)[0].values()) == {("a", "train"), ("b", "train")}
    with pytest.raises(SourceError, match="left for training"):
        divided(tree("b/test/a/1.mp4", "b/test/b/1.mp4") / "b")


def test_frame_folders_are_videos_not_classes(tree):
    frames = [f"{split}/{label}/v/0001.jpg" for split in ("train", "val") for label in "ab"]
    assert divided(tree(*frames))[0] == {
        f"{split}/{label}/v": (label, split) for split in ("train", "val") for label in "ab"
    }


def test_classes_may_contain_splits(tree):
    root = tree(*videos_of("a/train", "a/test", "b/train", "b/Test_2"))
    assert divided(root)[0] == {
        path: (path[0], "train" if "train" in path else "test")
        for path in videos_of("a/train", "a/test", "b/train", "b/Test_2")
    }


def test_classes_with_splits_may_have_split_words_in_their_names(tree):
    tops = ("training dog", "unseen", "bus")
    root = tree(*videos_of(*(f"{top}/{split}" for top in tops for split in ("train", "test"))))
    assert {label for label, _ in divided(root)[0].values()} == set(tops)


def test_split_words_in_names_of_real_classes(tree):
    names = {"train", "training dog", "testing", "crash test", "bus"}
    found, notes = divided(tree(*videos_of(*names)))
    assert {label for label, _ in found.values()} == names
    (note,) = notes  # all but the bus are named
    assert [name for name in sorted(names) if f"{name}" in note] == sorted(names - {"bus"})


def test_a_single_split_word_is_a_class(tree):
    root = tree(*videos_of("abseiling", "archery", "test"))
    found, notes = divided(root)
    assert {label for label, _ in found.values()} == {"abseiling", "archery", "test"}
    assert any("test" in note for note in notes)


@pytest.mark.parametrize(("folders", "named"), [
    (["a", "b", "test/a", "test/b"], ["videos/test", "a"]),  # Kinetics' train next to its test
    (["a", "b", "val/a", "test/a"], ["val", "test", "a"]),
    (["train/a", "train/b", "test/a", "test/b", "demo"], ["train", "test", "demo"]),
    (["train/a", "train/b", "train_256/a", "train_256/b", "val/a"], ["train", "train_256"]),
    (["train_val/a", "train_val/b", "test/a", "test/b"], ["train_val", "test"]),
    (["train/a", "train/b", "test/c", "test/d"], ["train", "test"]),
    (["train", "val"], ["train", "val"]),
    (["all/a", "all/b"], ["all", "a, b", "videos/all"]),
    (["videos/train/a", "videos/train/b", "videos/val/a"], ["train", "val", "videos/videos"]),
    (["rgb/train/a", "rgb/val/a", "flow/train/a", "flow/val/a"], ["train", "val", "videos/flow"]),
    (["a/train", "a/test", "b"], ["train", "test", "videos/a", "b"]),
    (["a/train", "a/test", "b/train", "b/extra"], ["train", "test", "videos/b", "extra"]),
    (["s/run/train", "s/run/test", "h/cook/train", "h/cook/test"], ["train", "test", "h/cook"]),
])  # fmt: skip
def test_ambiguous_folders_are_rejected_with_a_remedy(tree, folders, named):
    with pytest.raises(SourceError) as refused:
        read_source(tree(*videos_of(*folders)))
    assert [name for name in named if name not in str(refused.value)] == []
    assert "CSV" in str(refused.value) or "as the source" in str(refused.value)


@pytest.mark.parametrize(("one", "other"), [
    ("train", "holdout"),
    ("trainval", "test"),
    ("trainset", "testset"),
    ("trn", "tst"),
    ("ucftrain", "ucftest"),
    ("fold1", "fold2"),
    ("split1", "split2"),
    ("seen", "unseen"),
    ("hold-out", "the rest"),
    ("set_a", "set_b"),
    ("test", "everything"),
])  # fmt: skip
@pytest.mark.parametrize("name", ["{}/1.mp4", "{}/v1/0001.jpg"])
def test_possible_splits_with_the_same_folders_are_rejected(tree, one, other, name):
    folders = [f"{top}/{label}" for top in (one, other) for label in ("jump", "run")]
    with pytest.raises(SourceError, match="train, val") as refused:
        read_source(tree(*(name.format(folder) for folder in folders)))
    assert [n for n in (one, other, "jump", "run", "CSV") if n not in str(refused.value)] == []
    assert "SPLIT/CLASS" not in str(refused.value)  # it is so arranged


@pytest.mark.parametrize("tops", [
    ("sports", "home"), ("class_a", "class_b"), ("beach", "sunset", "festival"), ("1", "2"),
])  # fmt: skip
def test_classes_may_contain_the_same_folders_with_a_note(tree, tops):
    root = tree(*videos_of(*(f"{top}/{part}" for top in tops for part in ("day", "night"))))
    found, notes = divided(root)
    assert {label for label, _ in found.values()} == set(tops)
    assert any("day, night" in note and "train" in note for note in notes)
    _, notes = divided(tree("one/a/1.mp4", "one/b/day/1.mp4", "one/c/day/1.mp4") / "one")
    assert not any("train" in note for note in notes)


def test_frame_folders_of_the_same_names_are_videos(tree):
    root = tree(*(f"{top}/v{n}/0001.jpg" for top in ("fold1", "fold2") for n in "12"))
    found, notes = divided(root)
    assert {label for label, _ in found.values()} == {"fold1", "fold2"}
    assert len(found) == 4
    assert notes == []


def test_splits_deep_in_a_class_have_a_remedy(tree):
    folders = [f"{top}/{split}/a" for top in ("s", "h") for split in ("train", "test")]
    with pytest.raises(SourceError, match="/h as the source") as refused:
        read_source(tree(*videos_of(*folders)))
    assert "SPLIT/CLASS" not in str(refused.value)


def test_a_class_without_training_videos_is_reported_with_its_other_spelling(tree):
    _, notes = divided(tree(*videos_of("train/Jump", "train/run", "test/jump", "test/run")))
    assert any("'jump'" in note and "'Jump'" in note for note in notes)


def test_categories_are_the_classes_with_a_note_on_both_levels(tree):
    found, notes = divided(tree(*videos_of("sports/running", "sports/jumping", "home/cooking")))
    assert {label for label, _ in found.values()} == {"sports", "home"}
    assert any("home" in note and "home/cooking" in note and "3" in note for note in notes)
    _, notes = divided(tree(*videos_of("flat", "also flat")))
    assert sum("flat" in note for note in notes) == 0


def test_a_split_word_in_a_class_with_one_split_is_ignored(tree):
    found, _ = divided(tree(*videos_of("a/train", "b/train", names=[f"{n}.mp4" for n in range(9)])))
    assert {label for label, _ in found.values()} == {"a", "b"}
    assert {split for _, split in found.values()} == {"train", "val"}


def test_spaces_around_folder_names_are_stripped(tree):
    source = read_source(tree("walk/1.mp4", "walk /2.mp4", " walk/3.mp4", "run/1.mp4"))
    assert {e.path: e.label for e in source.entries} == {
        "walk/1.mp4": "walk", "walk /2.mp4": "walk", " walk/3.mp4": "walk", "run/1.mp4": "run"
    }  # fmt: skip
    assert len({e.id for e in source.entries}) == 4


def test_a_class_needs_a_name(tree):
    with pytest.raises(SourceError, match="' '"):
        read_source(tree("a/1.mp4", " /2.mp4"))


KINDS = {
    ".asf": ("asf", "wmv2"),
    ".vob": ("vob", "mpeg2video"),
    ".3g2": ("3g2", "mpeg4"),
    ".divx": ("avi", "mpeg4"),
    ".h264": ("h264", "libx264"),
    ".m2t": ("mpegts", "mpeg2video"),
    ".f4v": ("f4v", "libx264"),
    ".mjpeg": ("mjpeg", "mjpeg"),
    ".rm": ("rm", "rv20"),
}


@pytest.mark.parametrize("suffix", KINDS)
def test_every_readable_suffix_is_found(tmp_path, suffix):
    kind, codec = KINDS[suffix]
    for label in "ab":
        (tmp_path / label).mkdir()
        with av.open(str(tmp_path / label / f"v{suffix.upper()}"), "w", format=kind) as out:
            stream = out.add_stream(codec, rate=25)
            stream.width, stream.height = 176, 144
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for _ in range(5):
                frame = av.VideoFrame.from_ndarray(np.full((144, 176, 3), 90, np.uint8), "rgb24")
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
    source = read_source(tmp_path)
    assert [entry.id for entry in source.entries] == ["a/v", "b/v"]
    assert len(list(read_frames(tmp_path / source.entries[0].path))) == 5
    assert suffix in VIDEOS


def test_animated_webps_are_videos(tmp_path):
    first, other = (Image.new("RGB", (32, 32), color) for color in ("red", "blue"))
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in "12":
            path = tmp_path / label / f"{number}.WEBP"
            first.save(path, save_all=True, append_images=[other], duration=40)
    first.save(tmp_path / "b/3.gif")
    assert set(divided(tmp_path)[0]) == {"a/1.WEBP", "a/2.WEBP", "b/1.WEBP", "b/2.WEBP", "b/3.gif"}
    first.save(tmp_path / "b/4.webp")
    with pytest.raises(SourceError, match=r"1\.WEBP is an image"):
        read_source(tmp_path)
    (tmp_path / "b/4.webp").unlink()
    first.save(tmp_path / "b/5.jpg")
    with pytest.raises(SourceError, match=r"5\.jpg is an image"):
        read_source(tmp_path)


def test_each_folder_is_listed_once(tree, monkeypatch):
    root, listed = tree("a/x/1.mp4", "a/v/1.jpg", "b/y/z/2.mp4"), []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scan(path))
    assert len(list(videos_beneath(root, []))) == 3
    assert len(listed) == len(set(listed)) == 7


# Backslashes in lists


def test_backslashes_become_slashes_unless_the_path_exists(tree):
    root = tree("a/1.mp4", "b/2.mp4", "b\\3.mp4", "b/3.mp4")
    (root / "list.csv").write_text(
        "path,label\na\\1.mp4,x\n.\\b\\2.mp4,y\nb\\3.mp4,y\nb\\4.mp4,y\n", encoding="utf-8"
    )
    (root / "train.csv").write_text(
        "a\\1.mp4 0\n.\\b\\2.mp4 1\nb\\3.mp4 1\nb\\4.mp4 1\n", encoding="utf-8"
    )
    expected = {"a/1": "a/1.mp4", "b/2": "b/2.mp4", "b\\3": "b\\3.mp4", "b/4": "b/4.mp4"}
    own, listed = read_source(root / "list.csv"), read_format("pyslowfast", root)
    for source in (own, listed):
        assert {e.id: e.path.removeprefix("./") for e in source.entries} == expected
    assert listed.missing == {"b/4"}
