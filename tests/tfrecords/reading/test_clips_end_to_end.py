"""Compares clips of files that `build` wrote with the views of the same raw videos in predict."""

import cv2
import numpy as np
import pytest

import tfrecords
from tfrecords.video.read import read_frames

VIDEOS = {
    "swipe_left/one": (0, 20, 60, 90),
    "swipe_left/two": (1, 70, 90, 60),
    "up/a b": (2, 3, 64, 64),
}


@pytest.fixture(scope="module")
def source(synthetic, tmp_path_factory):
    """Three folders of frames: landscape, portrait and very short."""
    folder = tmp_path_factory.mktemp("source")
    for name, (video, frames, height, width) in VIDEOS.items():
        (folder / "train" / name).mkdir(parents=True)
        for frame in range(frames):
            picture = synthetic.frame_of(video, frame, height, width)[..., ::-1]
            cv2.imwrite(str(folder / "train" / name / f"{frame:05d}.png"), picture)
    return folder


def test_clips_of_a_build_equal_the_views_of_predict(source, synthetic, tmp_path):
    tfrecords.build(source, tmp_path / "data", short_side=48, workers=1, progress=False)
    options = {"num_frames": 4, "image_size": 32, "num_clips": 3, "num_crops": 3}
    clips = tfrecords.clips(
        tmp_path / "data", training=False, batch_size=9, with_ids=True, **options
    )
    assert len(clips) == len(VIDEOS)
    for batch in clips:
        (name,) = {i.decode() for i in batch["id"].numpy()}
        own = name.removeprefix("train/")
        video = VIDEOS[own][0]
        raw = [frame.rgb for frame in read_frames(source / "train" / own, short_side=48)]
        assert len(raw) == VIDEOS[own][1]
        views = tfrecords.views(np.stack(raw), **options)
        found = batch["clip"].numpy()
        assert set(batch["label"].numpy()) == {["swipe_left", "up"].index(own.split("/")[0])}
        assert [synthetic.read_off(v) for v in views] == [synthetic.read_off(c) for c in found]
        assert {synthetic.read_off(view)[0] for view in views} == {video}
        assert np.abs(found.astype(int) - views).max() <= 4  # JPEG's loss
