"""`ctm stats` on data sets with encoded videos and with frames."""

import cv2
import numpy as np
import pytest

import tfrecords


def film(seed):
    """A function that draws frames of two moving discs at any size."""
    draws = np.random.default_rng(seed)
    back, paths = draws.uniform(30, 220, (5, 7, 3)), draws.uniform(1, 6, (2, 2, 2))

    def draw(number, height, width):
        frame = cv2.resize(back, (width, height))
        for speed, phase in paths:
            where = 0.5 + 0.4 * np.sin(speed * number / 10 + phase)
            center = int(where[0] * width), int(where[1] * height)
            cv2.circle(frame, center, width // 9, (250,) * 3, -1)
        return frame.astype(np.uint8)

    return draw


@pytest.mark.parametrize("store", ["video", "frames"])
def test_copies_among_encoded_videos(write_video, tmp_path, store):
    for number in range(4):
        for split, size, quality in (("train", (96, 128), "23"), ("val", (64, 84), "35")):
            label = "ab"[number % 2]
            name = f"{split}/{label}/{split} {number}.mp4"
            copied = number < 2 or split == "train"  # two of val are copies, two are others
            draw = film(number if copied else number + 10)
            write_video(tmp_path / "videos" / name, 40, size, draw=draw, options={"crf": quality})
    options = {"store": store, "short_side": None if store == "video" else 48, "workers": 1}
    tfrecords.build(tmp_path / "videos", tmp_path / "data", progress=False, **options)
    found = tfrecords.stats(tmp_path / "data", progress=False)
    pairs = {tuple(video.id for video in copy.videos) for copy in found.copies}
    assert pairs == {
        ("train/a/train 0", "val/a/val 0"), ("train/b/train 1", "val/b/val 1")
    }  # fmt: skip
    assert not any(copy.identical for copy in found.copies)
