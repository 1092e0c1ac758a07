"""The view of a run is the one that its model stores."""

import dataclasses
import json

import pytest

import ctm_keras
import tfrecords
from tfrecords.format import FrameOptions
from training.config.train import TrainConfig
from training.fit.resolve import seconds_and_fps
from training.run_folder import RunFacts
from training.view import View


def test_a_run_records_its_view_and_its_model_stores_it(trained):
    facts = trained.read()
    assert (facts["seconds"], facts["fps"], facts["protocol"]) == (4 * 2 / 16, 16, "ctm")
    assert ctm_keras.view_options(trained.load_model()) == {
        "sampling": "dense",
        "interval": 2,
        "scale": [256, 320],
        "short_side": 32,
        "resampled": False,
        "fps": 16,
        "seconds": 0.5,
        "protocol": "ctm",
    }


@pytest.mark.parametrize(
    ("config", "fps", "expected"),
    [
        ({}, None, (4 * 2 / 16, 16)),
        ({}, 8, (4 * 2 / 8, 8)),
        ({"sampling": "segments"}, None, (2.0, 16)),
        ({"sampling": "segments"}, 8, (2.0, 8)),
    ],
)
def test_a_clip_spans_its_frames_or_the_median_video(small, directions, config, fps, expected):
    config = dataclasses.replace(small, data=directions, **config)
    assert seconds_and_fps(config, fps) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("frame", "short_side", "rate"),
    [
        (FrameOptions(256), 256, None),
        (FrameOptions(256, fps=12.5), 256, 12.5),
        (FrameOptions(256, store="video"), None, None),  # stored at its original size
    ],
)
def test_videos_are_read_as_the_data_set_stores_them(frame, short_side, rate):
    config = TrainConfig(num_frames=4, interval=3, sampling="segments", scale=(240, 300))
    facts = RunFacts(("a", "b"), "hash", frame, 1, seconds=1.5, fps=frame.fps or 30.0)
    view = facts.view(config)
    assert (view.short_side, view.rate, view.fps) == (short_side, rate, frame.fps or 30.0)
    assert view.clips == tfrecords.ClipOptions(4, 224, "segments", 3, scale=(240, 300))


def test_a_view_survives_the_model(no_random_start, tmp_path):
    clips = tfrecords.ClipOptions(4, 32, "segments", 3, scale=(240, 300))
    view = View(clips, "tsn", 1.5, 12.5, 240, resampled=True)
    stored = json.loads(json.dumps(view.to_dict()))
    model = ctm_keras.build_video_model("tsn", "tiny", 2, 4, 32, weights=None, view=stored)
    assert View.of_model(model) == view


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 0.7),  # as recorded
        ({"scale": (256, 256)}, 0.7),
        ({"interval": 5}, 4 * 5 / 25),
        ({"sampling": "segments"}, None),
    ],
)
def test_changed_clips_span_another_time(changes, seconds):
    view = View(tfrecords.ClipOptions(4, interval=4), seconds=0.7, fps=25.0)
    changed = view.changed(**changes)
    assert changed.seconds == seconds
    assert changed.clips == dataclasses.replace(view.clips, **changes)
    assert dataclasses.replace(view, fps=None).changed(interval=5).seconds is None
