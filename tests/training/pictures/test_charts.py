"""Pictures of difficult names. Warnings are errors in tests."""

import cv2
import numpy as np
import pytest

from training.pictures.charts import draw_clips, draw_confusion, draw_timeline, end_of, plain

NAMES = [
    "costs $5",
    "m$x_$n",
    "_under",
    "走る",
    "a class with quite a long name that goes on, really (very) long",
    "schräg",
]


def ink(path) -> np.ndarray:
    """The pixels of a picture that are not white."""
    return cv2.imread(str(path)).min(axis=2) < 250


def test_a_matrix_fills_its_picture_for_any_names(tmp_path):
    path = tmp_path / "c.png"
    draw_confusion(np.eye(6, dtype=int) * 9, NAMES, "val: $1 and $2", path)
    blue = cv2.imread(str(path))[..., 2] < 60
    dark = blue & (cv2.imread(str(path))[..., 0] > 80)
    rows, columns = np.nonzero(dark)
    height, width = dark.shape
    assert np.ptp(rows) > height / 3
    assert np.ptp(columns) > width / 3
    assert not list(tmp_path.glob("*.part"))


def test_many_classes_can_be_drawn(tmp_path):
    names = [f"class {i}" for i in range(200)]
    draw_confusion(np.eye(200, dtype=int), names, "many", tmp_path / "c.png")
    assert ink(tmp_path / "c.png").any()


def test_a_timeline_draws_every_name(tmp_path):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(6), 30)
    draw_timeline(np.arange(30.0), probabilities, NAMES, "m$x_$n.mp4", tmp_path / "t.png")
    assert ink(tmp_path / "t.png").mean() > 0.01


def test_clips_draw_with_their_captions(tmp_path):
    clips = np.zeros((2, 4, 16, 16, 3), np.uint8)
    draw_clips(clips, ["true: m$x_$n", "true: up"], tmp_path / "p.png")
    assert ink(tmp_path / "p.png").mean() > 0.1


@pytest.mark.parametrize(
    ("name", "written"),
    [("up", "up"), ("_up", " _up"), ("a$b", r"a\$b"), ("x" * 40, "x" * 31 + "…")],
)
def test_names_are_shown_literally(name, written):
    assert plain(name) == written


def test_long_paths_of_runs_are_shortened_at_the_start():
    folder = "/home/somebody/experiments/runs/of-may"
    one, other = plain(end_of(f"{folder}/tsn-0")), plain(end_of(f"{folder}/ctm-0"))
    assert len(one) == len(other) == 32
    assert one.endswith("of-may/tsn-0")
    assert other.endswith("of-may/ctm-0")
    assert end_of("runs/mine") == "runs/mine"
