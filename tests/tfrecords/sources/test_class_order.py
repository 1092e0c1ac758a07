"""The order of class names, and names that may be the same class."""

import sys

import pytest

import tfrecords
from tfrecords.foreign.class_names import choose_classes
from tfrecords.sources import class_order as classes
from tfrecords.sources.class_order import class_notes, sorted_names
from tfrecords.writing.decoder_pool import BuildError

OPTIONS = {"progress": False, "workers": 1, "short_side": 16, "val_fraction": 0.0}


def test_numbers_are_sorted_by_value():
    labels = [str(n) for n in range(12)]
    assert sorted_names(reversed(labels)) == tuple(labels)
    assert sorted_names(["1.5", "-2", "10", "1"]) == ("-2", "1", "1.5", "10")
    assert sorted_names(["10", "9", "b"]) == ("10", "9", "b")
    assert sorted_names(["10", "1e1", "2"]) == ("10", "1e1", "2")
    # records of other programs whose numbers disagree with these names
    assert choose_classes([(0, "10"), (0, "9"), (1, "10")]).names == ["9", "10"]


def test_a_build_sorts_numbers_by_value_with_a_note(tmp_path, write_video, capsys, monkeypatch):
    for label in ("1", "2", "10"):
        write_video(tmp_path / "videos" / label / "1.mp4", frames=2, size=(16, 16))
    source = tmp_path / "videos"
    built = tfrecords.build(source, tmp_path / "data", **OPTIONS)
    assert built.class_names == ("1", "2", "10")
    notes = [line for line in capsys.readouterr().out.split("\n") if "1, 2, 10" in line]
    assert len(notes) == 1
    assert "0 to 2" in notes[0]
    assert tfrecords.build(source, tmp_path / "data", **OPTIONS) == built
    # a data set of an older build is not reused
    with monkeypatch.context() as patch:
        text = lambda labels: tuple(sorted(set(labels)))  # noqa: E731
        patch.setattr(sys.modules["tfrecords.writing.build"], "sorted_names", text)
        old = tfrecords.build(source, tmp_path / "old", **OPTIONS)
    assert old.class_names == ("1", "10", "2")
    with pytest.raises(BuildError, match="sorted as text"):
        tfrecords.build(source, tmp_path / "old", **OPTIONS)


def test_a_data_set_without_numbers_keeps_its_plan(videos, built, monkeypatch):
    """Then data sets of older builds are still recognized."""
    options = {"shards": 2, "short_side": 32, "workers": 1, "progress": False}
    asked = tfrecords.read_manifest(built).source["asked"]
    assert "class_order" not in asked["options"]
    assert tfrecords.build(videos, built, **options).hash == tfrecords.read_manifest(built).hash


@pytest.mark.parametrize("names", [
    ("Walk", "walk"),
    ("brush hair", "brush  hair"),
    ("brush_hair", "Brush hair"),
    ("\ufb01sh", "fish"),  # a ligature
    ("wave\u200b", "wave"),
    ("1", "01"),
])  # fmt: skip
def test_names_that_differ_only_in_spelling_are_reported(names):
    (note,) = [note for note in class_notes(sorted_names(names)) if "differ" in note]
    assert all(repr(name) in note for name in names)


def test_different_names_are_not_reported():
    names = ("walk", "walking", "c", "c++", "été", "ete", "-", "_")
    assert class_notes(sorted_names(names)) == []
    assert not [n for n in class_notes(sorted_names(["1", "-1"])) if "differ" in n]
    assert classes.are_numbers(["1", "-1"])
