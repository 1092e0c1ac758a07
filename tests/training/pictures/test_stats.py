"""The picture of `ctm stats`."""

import struct

import numpy as np
import pytest

import tfrecords
from tfrecords.checks.copies import Copy, Video
from tfrecords.checks.stats_report import StatsReport
from tfrecords.format.index import VIDEO_DTYPE
from training.cli import run
from training.pictures import stats as stats_picture


@pytest.fixture
def found():
    """Statistics of a data set without shards, with more copies than are drawn."""
    rows = np.zeros(5, VIDEO_DTYPE)
    rows["frames"], rows["frame_rate"], rows["label"] = [10, 20, 30, 40, 50], 25, [0, 0, 1, 1, 1]
    rows["height"], rows["width"] = 48, 64
    ids = tuple(f"$v_{k}" for k in range(5))
    videos = [[Video(name, split, "a") for name in ids] for split in ("train", "val")]
    pairs = [(videos[0][0], videos[1][k]) for k in range(5)]
    pairs += list(zip(videos[0][1:], videos[1][1:], strict=True))
    copies = tuple(Copy(pair, False, 0.9, 0.99) for pair in pairs)
    splits = {"train": rows, "val": rows}
    return StatsReport(
        "data", ("_a", "$b"), splits, dict.fromkeys(splits, ids), copies, (), {}, 0, 0, 0
    )


def size(path):
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">2I", path.read_bytes()[16:24])


def test_a_row_for_each_pair_of_copies(found, tmp_path, monkeypatch):
    drawn = []

    def frames(stats, video):
        drawn.append((video.split, video.id))
        return [np.full((48, 64, 3), shade, np.uint8) for shade in (0, 100, 200)]

    monkeypatch.setattr(stats_picture, "_frames", frames)
    stats_picture.draw_stats(found, tmp_path / "with.png")
    assert len(drawn) == len(set(drawn)) == 8  # four pairs that share no video
    without = StatsReport(**{**vars(found), "copies": None})
    stats_picture.draw_stats(without, tmp_path / "without.png")
    assert size(tmp_path / "with.png")[1] > size(tmp_path / "without.png")[1] + 600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["with.png", "without.png"]


def test_many_classes_of_equal_videos(found, tmp_path):
    rows = np.repeat(found.rows["train"][:1], 400)
    rows["label"] = np.arange(400)
    names = tuple(f"class {k}" for k in range(400))
    many = StatsReport(
        **{**vars(found), "class_names": names, "rows": {"train": rows}, "copies": ()}
    )
    stats_picture.draw_stats(many, tmp_path / "many.png")
    assert max(size(tmp_path / "many.png")) < 2000


def axes_of(stats, monkeypatch, tmp_path):
    """The axes of classes, lengths and rates, drawn."""
    figures = []
    monkeypatch.setattr(stats_picture, "write", lambda figure, *_: figures.append(figure))
    stats_picture.draw_stats(stats, tmp_path / "x.png")
    figures[0].draw_without_rendering()
    return figures[0].axes[:3]


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_rates_that_differ_by_rounding_are_one(found, monkeypatch, tmp_path):
    rows = found.rows["train"].copy()
    rows["frame_rate"] = [30, 30.000004, 29.999996, 30.0000001, 30]
    equal = StatsReport(**{**vars(found), "rows": {"train": rows}, "copies": ()})
    rates = axes_of(equal, monkeypatch, tmp_path)[2]
    assert set(rates.collections[0].get_offsets()[:, 0].tolist()) == {30.0}
    assert "30" in {text.removesuffix(".0") for text in ticks(rates.xaxis)}
    assert rates.xaxis.get_offset_text().get_text() == ""
    assert np.ptp(rates.get_xlim()) >= 1.99
    assert np.ptp(rates.get_ylim()) >= 0.39


def test_videos_are_counted_in_whole_numbers(found, monkeypatch, tmp_path):
    few = StatsReport(**{**vars(found), "copies": ()})
    classes, lengths, _ = axes_of(few, monkeypatch, tmp_path)
    assert all(text.isdigit() for text in ticks(classes.xaxis) + ticks(lengths.yaxis))
    assert len(lengths.containers[0]) <= 10  # bins, of ten videos


def test_the_legend_does_not_cover_bars(found, monkeypatch, tmp_path):
    classes = axes_of(StatsReport(**{**vars(found), "copies": ()}), monkeypatch, tmp_path)[0]
    legend = classes.figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["train", "val"]
    assert not legend.get_window_extent().overlaps(classes.get_window_extent())


def test_frames_are_those_of_the_data_set(found, monkeypatch):
    requested = {}
    monkeypatch.setattr(stats_picture, "Split", lambda *place: place)
    monkeypatch.setattr(
        stats_picture, "read_frames", lambda *a: requested.update(split=a[0], place=a[1], at=a[2])
    )
    stats_picture._frames(found, Video("$v_3", "val", "a"))
    assert requested["split"] == ("data", "val")
    assert requested["place"] == 3
    assert requested["at"].tolist() == [10, 20, 30]


def test_the_command_draws_it(found, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tfrecords, "stats", lambda data, copies: found, raising=False)
    monkeypatch.setattr(stats_picture, "_frames", lambda *_: [np.zeros((4, 4, 3), np.uint8)] * 3)
    run("stats", ["data", "--picture", str(tmp_path / "stats.png"), "--json"])
    assert size(tmp_path / "stats.png")[0] == 1300
    assert '"identical": false' in capsys.readouterr().out
