"""`ctm weights`, and names of published weights where a command takes a model or weights."""

from pathlib import Path

import pytest

import ctm_keras
import tfrecords
from ctm_keras.checkpoints import cached_file
from ctm_keras.weights import published_weights
from training.commands.weights import weights
from training.config.tools import WeightsConfig
from training.config.train import TrainConfig
from training.evaluate.protocols import PROTOCOLS
from training.fit.resolve import complete, saved_model, weights_of
from training.open_model import open_model, results_folder
from training.view import View

NAME = "tsm-r50-kinetics400"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, and a working folder without files."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cached():
    """A small model in the cache, under a name."""
    path = cached_file(published_weights()[NAME])
    path.parent.mkdir(parents=True)
    view = published_weights()[NAME].view
    options = {"num_frames": 4, "image_size": 32, "weights": None, "view": view}
    ctm_keras.build_video_model("tsm", "tiny", 4, fold_div=4, **options).save(path)
    return path


def lines_of(*words):
    return list(weights(WeightsConfig(words=words)))


def test_the_list_and_its_search():
    heading, *rows, _, _ = lines_of()
    assert len(rows) == len(published_weights())
    assert heading.split() == ["name", "network", "classes", "top-1"]
    _, *rows, _, _ = lines_of("TSM Kinetics", "mmaction2")
    assert len(rows) == 7
    assert rows[0].split() == [NAME, "tsm,", "tv_resnet50", "400", "73.18"]
    _, *rows, _, _ = lines_of("ibm")
    assert all(row.endswith(" -") for row in rows)


def test_all_of_one(cached):
    text = "\n".join(lines_of(NAME))
    for words in (
        "tsm on tv_resnet50, every=1, fold_div=8",
        "8 frames, segments, short side 256",
        "top-1 73.18, top-5 90.56 (1 clip x 10 crops of 224 from short side 256",
        "mmaction2, license Apache-2.0",
        "-64d69186.pth",
        f"cache       {cached}",
    ):
        assert words in text
    assert "not yet in" in lines_of("resnet18-imagenet")[-1]
    assert "--options temporal_pooling=False`" in lines_of("i3d-r50-kinetics400-ibm")[-1]


def test_the_page_has_the_numbers():
    text = (Path(__file__).parents[3] / "docs" / "pytorch-weights.md").read_text(encoding="utf-8")
    checked = sum(bool(row.sha256) for row in published_weights().values())
    assert f"has {checked} networks that are downloaded" in text
    assert f"{len(published_weights()) - checked} more networks" in text


def test_no_match_has_the_nearest_names():
    with pytest.raises(ValueError, match=rf"match 'tsm-r50-kinetcs400'.* names: {NAME}, "):
        lines_of("tsm-r50-kinetcs400")
    with pytest.raises(ValueError, match=rf"name of `ctm weights`.* names: {NAME}, "):
        open_model(Path("tsm-r50-kinetcs400"))


@pytest.mark.parametrize("name", published_weights())
def test_a_view_is_one_of_this_project(name):
    view = published_weights()[name].view
    clips = {key: view[key] for key in ("sampling", "interval") if key in view}
    tfrecords.ClipOptions(scale=tuple(view["scale"]), **clips)
    assert view.get("protocol", "ctm") in PROTOCOLS


def test_a_name_is_a_model(cached, capsys):
    opened = open_model(Path(NAME))
    clips = tfrecords.ClipOptions(4, 32, "segments", scale=(256, 256))
    assert (opened.view, opened.which) == (View(clips), "file")
    assert opened.class_names == ("0", "1", "2", "3")
    assert opened.folder == results_folder(Path(NAME)) == Path(f"{NAME}-results")
    assert capsys.readouterr().err == ""


def test_a_name_is_initial_weights(cached):
    config = TrainConfig(data="data", model="tsm", backbone="tiny", weights=NAME)
    filled_in = complete(config, saved_model(config))
    assert (filled_in.weights, filled_in.num_frames) == (NAME, 4)
    assert filled_in.options == ("fold_div=4",)
    Path(NAME).touch()
    assert weights_of(config) == str(Path(NAME).resolve())
