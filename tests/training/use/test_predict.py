"""Prediction on video files: the same scores as evaluation, and timelines of long videos."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest

from tfrecords.video.read import VideoError
from tfrecords.video.renderer import Renderer
from training.config.use import PredictConfig
from training.evaluate.evaluate import evaluate
from training.evaluate.predictions import Predictions, join_views
from training.quickstart.videos import direction_video, write_video
from training.use.predict import Classifier, gather, predict


@pytest.fixture
def of(trained):
    """The options of `ctm predict` for some videos."""
    return lambda *videos, **options: PredictConfig(model=trained.path, videos=videos, **options)


@pytest.fixture
def long_video(tmp_path):
    rng = np.random.default_rng(0)
    frames = np.concatenate([direction_video(d, rng) for d in ("left", "up", "right")])
    write_video(frames, tmp_path / "long.mp4")
    return tmp_path / "long.mp4"


def test_a_file_and_its_record_have_the_same_scores(trained, directions):
    evaluate(trained.path, num_clips=4, num_crops=3)
    ids, _, expected = join_views(Predictions.load(trained.path / "predictions.npz"))
    source = directions.parent / "videos"
    by_path = {i: p for i, p in zip(ids, expected, strict=True)}
    name = ids[0]
    (video,) = [p for p in source.rglob("*.mp4") if name in str(p.relative_to(source))]
    got = Classifier(trained.path).predict(video, num_clips=4, num_crops=3).probabilities
    np.testing.assert_allclose(got, by_path[name], atol=0.01)  # they differ by JPEG compression


def test_a_long_video_gets_a_timeline(trained, of, long_video, capsys):
    assert predict(of(long_video, num_clips=2)) == 0
    out = capsys.readouterr().out
    assert out.count("█") > 0
    assert (
        trained.path / "timelines" / f"{long_video.parent.name}_long.mp4.png"
    ).stat().st_size > 1000
    timeline = Classifier(trained.path).predict(long_video).timeline
    assert len(timeline) == (96 - 8) // 4 + 1
    assert timeline[0].start == 0
    assert timeline[-1].end == pytest.approx(94 / 16, abs=1e-3)


def test_options_change_how_the_clips_of_a_file_are_made(imported, long_video, capsys):
    options = {"interval": 2, "num_clips": 1, "json": True}
    assert predict(PredictConfig(model=imported, videos=(long_video,), **options)) == 0
    out, err = capsys.readouterr()
    (found,) = json.loads(out)
    assert "Change it with --sampling, --interval or" in err
    assert {row["class"] for row in found["classes"]} == set("0123")
    assert found["timeline"][0]["end"] == pytest.approx(3 * 2 / 16, abs=1e-3)


def test_counting_frames_decodes_no_pixels(trained, long_video, monkeypatch):
    made, render = [], Renderer.__call__

    def counted(self, picture):
        made.append(picture.time)
        return render(self, picture)

    monkeypatch.setattr(Renderer, "__call__", counted)
    classifier = Classifier(trained.path)
    classifier.predict(long_video, num_clips=2)
    assert len(made) == 96
    shown = [frame.timestamp / 1e6 for frame in classifier.frames(long_video)]
    np.testing.assert_allclose(classifier.times(long_video), shown)


def test_a_file_name_that_is_not_text_and_one_that_comes_twice(of, long_video, tmp_path, capsys):
    videos = [tmp_path / top / "cat" / os.fsdecode(b"lang\xe9.mp4") for top in ("a", "b")]
    for video in videos:
        video.parent.mkdir(parents=True)
        shutil.copy(long_video, video)
    assert predict(of(*videos, num_clips=1, timelines=tmp_path / "t")) == 0
    names = sorted(path.name for path in (tmp_path / "t").iterdir())
    assert names == [f"cat_{videos[0].name}{end}.png" for end in ("-2", "")]
    assert r"lang\udce9.mp4" in capsys.readouterr().out


def test_an_undrawable_timeline_does_not_stop_other_videos(of, long_video, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    videos = of(long_video, long_video, num_clips=1, timelines=tmp_path / "file")
    assert predict(videos) == 0
    printed = capsys.readouterr()
    assert printed.out.count("long.mp4\n") == printed.err.count("no timeline") == 2


def test_json_includes_failures(of, long_video, tmp_path, capsys):
    broken, absent = tmp_path / "broken.mp4", tmp_path / "absent.mp4"
    broken.write_bytes(b"nothing")
    assert predict(of(broken, absent, long_video, json=True)) == 2
    captured = capsys.readouterr()
    failed, missing, good = json.loads(captured.out)
    assert "No such file" in missing["error"]
    assert failed["video"] == str(broken)
    assert "damaged" in failed["error"]
    assert "broken.mp4" in captured.err
    assert len(good["classes"]) == 4
    assert sum(row["probability"] for row in good["classes"]) == pytest.approx(1, abs=1e-4)


def test_a_folder_of_videos_predicts_the_videos_in_it(of, long_video, tmp_path, capsys):
    """A stray picture, a subfolder of pictures and a list are ignored and printed."""
    folder, frames = tmp_path / "folder", tmp_path / "frames"
    for path in (folder / "thumbs", frames, tmp_path / "empty", tmp_path / "nested" / "a"):
        path.mkdir(parents=True)
    for name in ("b.mp4", "a.MP4"):
        shutil.copy(long_video, folder / name)
    shutil.copy(long_video, tmp_path / "nested" / "a")
    picture = cv2.imencode(".jpg", np.zeros((32, 32, 3), np.uint8))[1].tobytes()
    for name in ("1.jpg", "2.jpg"):
        (frames / name).write_bytes(picture)
    for stray in (folder, folder / "thumbs", tmp_path / "nested"):
        (stray / "cover.jpg").write_bytes(picture)
    given = [folder, frames, tmp_path / "empty", tmp_path / "nested"]
    assert predict(of(*given, json=True, num_clips=1)) == 2
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    scored = [row["video"] for row in found if "classes" in row]
    assert scored == [str(folder / "a.MP4"), str(folder / "b.mp4"), str(frames)]
    refused = {row["video"]: row["error"] for row in found if "error" in row}
    assert list(refused) == [str(tmp_path / "empty"), str(tmp_path / "nested")]
    assert "1 image and 1 folder" in refused[str(tmp_path / "nested")]
    assert "cover.jpg" in captured.err
    assert "thumbs" in captured.err


def test_a_stray_picture_is_not_a_folder_of_frames(trained, long_video, tmp_path):
    shutil.copy(long_video, tmp_path / "other.mp4")
    (tmp_path / "cover.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((9, 9, 3)))[1].tobytes())
    with pytest.raises(VideoError, match="contains videos next to images"):
        Classifier(trained.path).predict(tmp_path)


def test_gather_keeps_only_frames_that_are_still_needed():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (50, 2, 2, 3), np.uint8)
    indices = np.array([[0, 2, 4], [40, 42, 49], [3, 3, 1], [48, 0, 1]])
    clips = dict(gather(iter(frames), indices))
    for number, clip in enumerate(indices):
        np.testing.assert_array_equal(clips[number], frames[clip])
