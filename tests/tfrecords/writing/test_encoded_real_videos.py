"""Real videos that can stay encoded in a data set decode to their original pictures."""

import csv

import numpy as np
import pytest

import tfrecords
from tfrecords.reading.clip_reader import read_frames as read_stored
from tfrecords.reading.split import Split
from tfrecords.video.read import read_frames

CHANGES = "the size, colors or rotation of its pictures change"
GIF = "Matroska does not support its codec (gif)"
AS_FRAMES = {
    "awkward/generated/size_change_midstream.ts": CHANGES,
    "awkward/imageio_imageio_issue245.gif": GIF,
    "clips/frames_demo/demo_dataset/jumping/0001": "PyAV cannot decode it",
    "clips/kinetics_i3d/v_CricketShot_g04_c01_flow.gif": GIF,
    "clips/kinetics_i3d/v_CricketShot_g04_c01_rgb.gif": GIF,
}
NO_VIDEOS = {".md", ".jpg", ".txt", ""}
FAST = 200_000  # bytes of a file


def everything(root):
    """All files and the folder of frames."""
    for folder in ("awkward", "clips"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if name in AS_FRAMES or (path.is_file() and path.suffix not in NO_VIDEOS):
                yield name


@pytest.mark.parametrize("part", ["awkward", pytest.param("clips", marks=pytest.mark.long)])
def test_real_videos(real_videos, tmp_path, part):
    names = [name for name in everything(real_videos) if name.startswith(part)]
    if part == "awkward":
        names = [name for name in names if (real_videos / name).stat().st_size < FAST]
    rows = [("path", "label", "split")]
    for number, name in enumerate(names):
        link = tmp_path / f"{number:03d}{(real_videos / name).suffix or '_folder'}"
        link.symlink_to(real_videos / name)
        rows.append((link.name, "ab"[number % 2], "train"))
    with open(tmp_path / "list.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    options = {"store": "video", "short_side": None, "max_failures": 1.0, "progress": False}
    manifest = tfrecords.build(tmp_path / "list.csv", tmp_path / "data", **options)
    name_of = {f"{number:03d}": name for number, name in enumerate(names)}
    reasons = {name_of[video[:3]]: reason for video, reason in manifest.as_frames.items()}
    assert reasons == {name: AS_FRAMES[name] for name in names if name in AS_FRAMES}
    split = Split(tmp_path / "data", "train")
    for video, video_id in enumerate(split.ids):
        name = name_of[video_id[:3]]
        assert split.encoded[video] == (name not in AS_FRAMES)
        if split.encoded[video]:
            compare(split, video, real_videos / name)


def compare(split, video, path):
    """Eight frames with gaps between, and eight frames from the whole video."""
    count = int(split.videos[video]["frames"])
    places = np.unique([*(np.arange(8) * 3 % count), *(np.arange(8) * (count - 1) // 7)])
    sets = [places, places[-1:], places[len(places) // 2 :][:2]]
    stored = {(n, k): rgb for n, s in enumerate(sets)
              for k, rgb in zip(s.tolist(), read_stored(split, video, s), strict=True)}  # fmt: skip
    last = -1
    for last, frame in enumerate(read_frames(path)):
        for n in range(len(sets)):
            if (n, last) in stored:
                np.testing.assert_array_equal(stored[n, last], frame.rgb, err_msg=str(path))
    assert last == count - 1
