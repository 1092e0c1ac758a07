"""The sheet of `ctm show`: its captions and its picture."""

import cv2
import numpy as np
import pytest

import tfrecords
from training.config.use import ShowConfig
from training.use.show import captions, show

SMALL = {"num_frames": 4, "interval": 2, "image_size": 32}


def drawn(monkeypatch, config):
    """The clips and captions that a config draws."""
    found = []
    monkeypatch.setattr("training.use.show.draw_clips", lambda *call: found.append(call))
    show(config)
    return found[0]


def test_training_clips_equal_those_of_training(directions, tmp_path, monkeypatch):
    config = ShowConfig(data=directions, num=5, epoch=2, seed=1, augment="tsn", **SMALL)
    clips, lines, path = drawn(monkeypatch, config)
    assert str(path) == "sheet.png"
    options = {"batch_size": 5, "epoch": 2, "seed": 1, "augment": "tsn", "with_ids": True}
    batch = next(iter(tfrecords.clips(directions, **options, **SMALL)))
    np.testing.assert_array_equal(clips, batch["clip"])
    assert [line.split(":")[0] for line in lines] == [name.decode() for name in batch["id"].numpy()]
    assert all(line.split("/")[0] == line.split(": ")[1] for line in lines)


def test_evaluation_shows_the_views_of_a_video(directions, monkeypatch):
    config = ShowConfig(data=directions, split="val", num=6, num_clips=2, num_crops=3, **SMALL)
    _, lines, _ = drawn(monkeypatch, config)
    assert [line.rpartition(", ")[2] for line in lines] == [f"view {k}" for k in range(6)]
    assert len({line.split(":")[0] for line in lines}) == 1
    same = ShowConfig(data=directions, mode="evaluation", num=2, augment="mvit", **SMALL)
    expected = tfrecords.clips(directions, training=False, batch_size=2, **SMALL)
    np.testing.assert_array_equal(drawn(monkeypatch, same)[0], next(iter(expected))[0])


def test_videos_are_drawn_by_id_with_their_views(directions, monkeypatch):
    views = {"num_clips": 2, "num_crops": 3, **SMALL}
    every = tfrecords.clips(directions, "val", with_ids=True, batch_size=99, **views)
    batch = {name: value.numpy() for name, value in next(iter(every)).items()}
    ids = list(dict.fromkeys(batch["id"]))
    wanted = (ids[7], ids[2])
    config = ShowConfig(
        data=directions, split="val", videos=tuple(i.decode() for i in wanted), **views
    )
    clips, lines, _ = drawn(monkeypatch, config)
    rows = np.concatenate([np.flatnonzero(batch["id"] == i) for i in wanted])
    np.testing.assert_array_equal(clips, batch["clip"][rows])
    names = tfrecords.read_manifest(directions).class_names
    expected = {name: value[rows] for name, value in batch.items()}
    assert lines == captions(expected, names, views=True)


def test_a_mixed_clip_has_both_labels_and_its_partner():
    label = np.array([[0.0, 0.75, 0.25], [0.0, 1.0, 0.0], [0.25, 0.0, 0.75]])
    batch = {"id": np.array([b"x/1", b"y", b"z"]), "label": label, "view": np.zeros(3, int)}
    assert captions(batch, ("up", "down", "left"), views=False) == [
        "x/1: 0.75 down + 0.25 left, mixed with z",
        "y: 1.00 down, mixed with y",
        "z: 0.75 left + 0.25 up, mixed with x/1",
    ]


def test_control_characters_in_captions_are_escaped():
    batch = {"id": np.array([b"x\x1b[31m\n"]), "label": np.array([0]), "view": np.zeros(1, int)}
    (line,) = captions(batch, ("up\x9b",), views=False)
    assert line == r"x\x1b[31m\n: up\x9b"


def test_a_sheet_is_written_with_a_row_for_each_clip(directions, tmp_path):
    path = show(ShowConfig(data=directions, out=tmp_path / "new" / "s.png", num=3, **SMALL))
    picture = cv2.imread(str(path))
    assert picture.shape[0] == pytest.approx(3 * 1.5 * 72, abs=2)
    rows = (picture.min(axis=2) < 250).any(axis=1)
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) >= 6  # captions and rows of frames


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"num": 0}, "--num must be 1 or more, received 0"),
        ({"split": "tset"}, "tset"),
        ({"videos": ("up/99",)}, "--videos must be ids in the split train .* received 'up/99'"),
        ({"videos": ("a",), "mode": "training"}, "--videos cannot be combined with --mode train"),
        ({"num_clips": 2}, "num_clips and num_crops must be 1 in training"),
        ({"class_weights": ("often",)}, "--class-weights must be"),
    ],
)
def test_invalid_options_are_errors(directions, option, message):
    with pytest.raises(ValueError, match=message):
        show(ShowConfig(data=directions, **option))
