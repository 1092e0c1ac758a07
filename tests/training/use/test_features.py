"""`ctm features`: the vectors of files and of data sets, for videos and windows."""

import csv

import numpy as np
import pytest

import ctm_keras
import tfrecords
from ctm_keras.weights import read_video_model
from tfrecords.reading import Split
from training.config.use import FeaturesConfig
from training.quickstart.videos import direction_video, write_video
from training.use import features as module
from training.use.feature_file import Row, write_rows
from training.use.features import features
from training.use.predict import Classifier

NAMES = {"id", "path", "label", "split", "start", "end", "vector"}


@pytest.fixture(scope="module")
def network(tmp_path_factory, shallow):
    """A model with a view; it needs no training."""
    options = {"num_frames": 4, "image_size": 32, "weights": None}
    view = {"sampling": "dense", "interval": 2, "scale": [256, 256]}
    with shallow():
        model = ctm_keras.build_video_model("tsm", "tiny", 4, view=view, **options)
    path = tmp_path_factory.mktemp("features") / "tsm.keras"
    model.save(path)
    return path


@pytest.fixture
def of(network, tmp_path):
    """Runs `ctm features`; returns the number of failures and the arrays."""

    def of(*videos, to="out.npz", **options):
        given = {"model": network, "videos": tuple(map(str, videos)), "to": tmp_path / to}
        failed = features(FeaturesConfig(**given, **options))
        with np.load(tmp_path / to, allow_pickle=False) as file:
            return failed, dict(file)

    return of


@pytest.fixture
def long_video(tmp_path):
    rng = np.random.default_rng(0)
    frames = np.concatenate([direction_video(d, rng) for d in ("left", "up")])
    write_video(frames, tmp_path / "long.mp4")
    return tmp_path / "long.mp4"


def mean_features(network, clips):
    """The mean over clips of what `ctm_keras.feature_model` returns."""
    model = read_video_model(network)
    pooled = np.array(ctm_keras.feature_model(model)(np.float32(clips)))
    return pooled.mean(axis=0)


def test_a_data_set_has_a_row_for_each_video_of_all_splits(of, network, directions):
    failed, found = of(directions, num_clips=2, num_crops=3)
    manifest = tfrecords.read_manifest(directions)
    assert failed == 0
    assert found.keys() == NAMES
    assert found["id"].tolist() == [*manifest.ids("train"), *manifest.ids("val")]
    assert found["split"].tolist() == 36 * ["train"] + 12 * ["val"]
    assert all(i.startswith(f"{n}/") for i, n in zip(found["id"], found["label"], strict=True))
    assert set(found["start"]) == {0}
    assert found["end"][0] == pytest.approx(31 / 16)
    assert found["vector"].dtype == np.float32
    view = {"num_frames": 4, "image_size": 32, "interval": 2, "scale": (256, 256)}
    views = tfrecords.clips(directions, "val", batch_size=6, num_clips=2, num_crops=3, **view)
    for own, (clips, _) in zip(found["vector"][36:39], views, strict=False):
        np.testing.assert_allclose(own, mean_features(network, clips), rtol=1e-4, atol=1e-5)


def test_the_videos_that_can_be_read_are_written_and_the_others_named(
    of, long_video, tmp_path, capsys
):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    (tmp_path / "empty").mkdir()
    names = ["broken.mp4", "absent.mp4", "empty", "long.mp4"]
    paths = [tmp_path / name for name in names]
    failed, found = of(*paths, num_clips=1, windows=True, interval=16)  # too short for windows
    assert failed == 3
    assert found["id"].tolist() == found["path"].tolist() == [str(long_video)]
    assert found["label"].tolist() == found["split"].tolist() == [""]
    printed = capsys.readouterr()
    assert all(f"{name}: " in printed.err for name in names[:3])
    assert "out.npz (1 vector of 16 values)" in printed.out
    assert not list(tmp_path.glob("*.part*"))
    with pytest.raises(ValueError, match=r"No video could be read, so .*other.npz is not written"):
        of(tmp_path / "absent.mp4", to="other.npz")


def test_windows_are_those_of_the_timeline(of, network, long_video):
    _, found = of(long_video, windows=True)
    timeline = Classifier(network).predict(long_video, num_clips=1).timeline
    assert found["start"].tolist() == [window.start for window in timeline]
    assert found["end"].tolist() == [window.end for window in timeline]
    kernel, bias = map(np.array, read_video_model(network).get_layer("scores").weights)
    best = [window.probabilities.argmax() for window in timeline]
    assert (found["vector"] @ kernel + bias).argmax(axis=1).tolist() == best


def test_windows_of_a_data_set(of, directions):
    _, found = of(directions, split="val", windows=True)
    assert len(found["id"]) == 12 * 7  # windows of 8 of 32 frames
    np.testing.assert_allclose(found["start"][:7], np.arange(7) * 4 / 16)
    np.testing.assert_allclose(found["end"][:7], np.arange(7) * 4 / 16 + 6 / 16)


def test_a_damaged_video_of_a_data_set_is_named(of, directions, monkeypatch, capsys):
    read, bad = module.read_frames, Split(directions, "val").ids[1]

    def damaged(videos, place, frames):
        if videos.ids[place] == bad:
            raise videos.damaged(place, 0, "differs")
        return read(videos, place, frames)

    monkeypatch.setattr(module, "read_frames", damaged)
    failed, found = of(directions, split="val", num_clips=1)
    assert (failed, len(found["id"])) == (1, 11)
    assert bad not in found["id"]
    assert f"ctm: {bad}: " in capsys.readouterr().err


def test_both_formats_have_the_same_numbers(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    rows = [
        Row("a, b", "", "c", "val", 0.0, 1 / 3, vectors[0]),
        Row("d", "d.mp4", "", "", 1, 2, vectors[1]),
    ]
    for suffix in (".npz", ".csv"):
        write_rows(rows, tmp_path / f"f{suffix}")
    with np.load(tmp_path / "f.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["vector"], vectors)
        with (tmp_path / "f.csv").open(newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        for name in NAMES - {"vector"}:
            kind = arrays[name].dtype.type
            assert [kind(row[name]) for row in table] == arrays[name].tolist()
    written = np.float32([[row[f"vector_{i}"] for i in range(3)] for row in table])
    np.testing.assert_array_equal(written, vectors)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.csv", "f.npz"]


@pytest.mark.parametrize(
    ("videos", "options", "words"),
    [
        ((), {}, "requires at least one video or a data set"),
        (("a.mp4",), {"to": "out.txt"}, "--to must be a .npz or .csv file, received .*out.txt"),
        (("a.mp4",), {"split": "val"}, "--split requires a data set"),
        (("data", "a.mp4"), {}, "A data set must be given alone, received .* and 1 other path"),
    ],
)
def test_wrong_options_are_refused(of, directions, videos, options, words):
    paths = [directions if name == "data" else name for name in videos]
    with pytest.raises(ValueError, match=words):
        of(*paths, **options)
