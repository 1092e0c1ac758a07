"""The color of scaled frames is aligned with their brightness."""

import av
import cv2
import numpy as np
import pytest

from tfrecords.video import decode
from tfrecords.video.read import read_frames

HEIGHT, WIDTH, EDGE = 256, 340, 160
TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])


def halved(plane, sited_left):
    """A color plane at half the size; H.264 aligns it with the left of two pixels."""
    plane = (plane[0::2] + plane[1::2]) / 2
    if not sited_left:
        return (plane[:, 0::2] + plane[:, 1::2]) / 2
    wide = np.pad(plane, ((0, 0), (1, 1)), "edge")
    return (wide[:, 0:-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4


def write(path, codec, sited_left):
    """A lossless edge of all three components at the same position."""
    y, u, v = (np.full((HEIGHT, WIDTH), level, float) for level in (60, 100, 90))
    for plane, level in ((y, 160), (u, 140), (v, 170)):
        plane[:, EDGE:] = level
    planes = [y, halved(u, sited_left), halved(v, sited_left)]
    content = np.concatenate([plane.round().astype(np.uint8).ravel() for plane in planes])
    frame = av.VideoFrame.from_ndarray(content.reshape(-1, WIDTH), format="yuv420p")
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options={"qp": "0"} if "264" in codec else {})
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        out.mux([*stream.encode(frame), *stream.encode()])
    return path


def edges(rgb):
    """The position of the edge of Y, U and V in pixels of the scaled frame."""
    profile = (rgb @ TO_YUV.T).mean(axis=0)
    low, high = profile[:2].mean(axis=0), profile[-2:].mean(axis=0)
    return len(profile) - ((profile - low) / (high - low)).sum(axis=0)


@pytest.mark.parametrize("short_side", [224, 128, 112, 64, 32])
@pytest.mark.parametrize(("codec", "sited_left"), [("libx264", True), ("ffv1", False)])
def test_edges_of_color_and_brightness_stay_aligned(tmp_path, codec, sited_left, short_side):
    path = write(tmp_path / "a.mkv", codec, sited_left)
    rgb = next(read_frames(path, short_side=short_side)).rgb
    np.testing.assert_allclose(edges(rgb), EDGE * rgb.shape[1] / WIDTH, atol=0.12)


@pytest.mark.parametrize("short_side", [128, 112, 64])
def test_both_decoders_scale_to_the_same_pixels(tmp_path, monkeypatch, write_video, short_side):
    def texture(number, height, width):
        noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        return cv2.GaussianBlur(noise, (0, 0), 4)

    kind = {"codec": "ffv1", "frames": 1, "size": (HEIGHT, WIDTH), "draw": texture}
    path = write_video(tmp_path / "a.mkv", **kind)
    own = next(read_frames(path, short_side=short_side)).rgb.astype(int)
    monkeypatch.setattr(decode, "_pyav", lambda path, start, tape, jumps: iter(()))
    other = next(read_frames(path, short_side=short_side)).rgb.astype(int)
    assert np.abs(own - other).max() <= 5
    assert (own - other).std() < 1
