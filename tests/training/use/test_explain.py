"""`ctm explain`: the file opens, shows the clip, and is bright where the map is."""

import dataclasses
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from training.config.use import ExplainConfig
from training.use.explain import explain, overlaid


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Sixteen frames of a moving square."""
    path = tmp_path_factory.mktemp("video") / "v.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.height = stream.width = 48
        stream.pix_fmt = "yuv420p"
        for number in range(16):
            frame = np.full((48, 48, 3), 40, np.uint8)
            frame[10:20, number : number + 10] = 220
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        out.mux(stream.encode())
    return path


def explained(run, video, to, class_name=None, **options):
    options = {"model": run.path, "class_name": class_name, **options}
    return list(explain(ExplainConfig(video=video, to=to, **options)))


def test_a_gif_has_the_frames_next_to_the_maps(trained, video, tmp_path):
    line, written = explained(trained, video, tmp_path / "new" / "v.gif")
    assert written == f"Written: {tmp_path / 'new' / 'v.gif'}"
    name, _, probability = line.partition(", probability ")
    assert name in trained.read()["class_names"]
    assert 0.25 <= float(probability) <= 1  # the best of four
    with Image.open(tmp_path / "new" / "v.gif") as gif:
        assert (gif.n_frames, gif.size) == (4, (448, 224))


def test_an_mp4_of_a_chosen_class(trained, video, tmp_path):
    name = trained.read()["class_names"][2]
    line, _ = explained(trained, video, tmp_path / "v.mp4", name, model=trained.model)
    assert line.startswith(name)
    with av.open(str(tmp_path / "v.mp4")) as file:
        sizes = {(frame.width, frame.height) for frame in file.decode(video=0)}
    assert sizes == {(448, 224)}


def test_evidence_for_the_class_is_bright_and_the_rest_unchanged():
    clip = np.full((2, 8, 8, 3), 100, np.uint8)
    maps = np.array([[[1.0, -1.0], [-1.0, -1.0]], [[-1.0, -1.0], [-1.0, -1.0]]], np.float32)
    shown = overlaid(clip, maps).astype(int)
    assert np.abs(shown[0, :2, :2] - 100).min(axis=-1).max() > 20
    np.testing.assert_array_equal(shown[0, 6:, 6:], 100)
    np.testing.assert_array_equal(shown[1], 100)


def test_a_map_of_pooled_frames_is_shown_on_all_of_them():
    maps = np.zeros((2, 1, 1), np.float32)
    maps[1] = 1.0
    changed = (overlaid(np.full((8, 4, 4, 3), 9, np.uint8), maps) != 9).any(axis=(1, 2, 3))
    assert changed.tolist() == [False] * 4 + [True] * 4


def test_the_video_itself_is_never_overwritten(trained, video, tmp_path):
    before = video.read_bytes()
    (tmp_path / "link.mp4").symlink_to(video)
    for to in (video, tmp_path / "link.mp4"):
        with pytest.raises(ValueError, match=r"itself, .* Give another file"):
            explained(trained, video, to)
    assert video.read_bytes() == before


@pytest.mark.parametrize(
    ("to", "name", "words"),
    [("v.avi", None, "--to must be a .gif or .mp4"), ("v.gif", "flying", "received 'flying'")],
)
def test_invalid_values_are_named(trained, video, tmp_path, to, name, words):
    with pytest.raises(ValueError, match=words):
        explained(trained, video, tmp_path / to, name)


def test_a_short_side_is_the_scale_and_not_below_the_crop(video):
    config = ExplainConfig(model=Path("run"), video=video, to=Path("v.gif"), short_side=240)
    assert config.changes == {"scale": (240, 240)}
    with pytest.raises(ValueError, match=r"--short-side must be at least 224, .* received 100"):
        dataclasses.replace(config, short_side=100).changes  # noqa: B018  (it raises)


def test_a_folder_must_be_one_video(trained, video, tmp_path):
    (tmp_path / "one").mkdir()
    shutil.copy(video, tmp_path / "one" / "a.mp4")
    assert explained(trained, tmp_path / "one", tmp_path / "v.gif")
    shutil.copy(video, tmp_path / "one" / "b.mp4")
    with pytest.raises(ValueError, match=r"with 2 videos\. .*a\.mp4"):
        explained(trained, tmp_path / "one", tmp_path / "v.gif")
    (tmp_path / "more" / "a").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"more: .*1 folder"):
        explained(trained, tmp_path / "more", tmp_path / "v.gif")
