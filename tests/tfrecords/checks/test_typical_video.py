"""The median duration and frame rate, of a split alone, as stored or as resampled."""

import pytest

import tfrecords

from ..conftest import encode

VIDEOS = {"a": (20, 10), "b": (10, 25), "c": (30, 50)}  # frames and rate: 2.0, 0.4 and 0.6 s


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for name, (frames, rate) in VIDEOS.items():
        encode(folder / "train" / name / "0.mp4", frames, rate=rate)
    encode(folder / "val" / "a" / "1.mp4", 8, rate=5)
    return folder


@pytest.mark.parametrize(("fps", "expected"), [(None, (0.6, 25)), (20, (0.6, 20))])
def test_the_medians_are_those_of_the_split(videos, tmp_path, fps, expected):
    tfrecords.build(videos, tmp_path / "data", fps=fps, progress=False)
    assert tfrecords.typical_video(tmp_path / "data") == pytest.approx(expected)
    with pytest.raises(ValueError, match="split must be one of train, val, received 'test'"):
        tfrecords.typical_video(tmp_path / "data", "test")
