"""Concatenated recordings: all of them are read, or the file is a reported failure."""

import io

import numpy as np
import pytest
from PIL import Image

from tfrecords.video.parts import is_joined
from tfrecords.video.read import VideoError, read_frames

FRAMES = 12
FIRST_ONLY = {  # name: codec, options of the container; the demuxer stops after the first
    "a.mp4": ("libx264", {}),
    "front.mp4": ("libx264", {"movflags": "+faststart"}),
    "fragments.mp4": ("libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "a.mov": ("libx264", {}),
    "a.wmv": ("wmv2", {}),
    "a.flv": ("flv", {}),
}
ALL = {"a.avi": "mpeg4", "a.mkv": "libx264", "a.webm": "libvpx", "a.ts": "libx264", "a.gif": "gif"}
TABLE = b"\0\0\x1f\x98SKIP" + bytes(200) + b"2024/05/01 10:00 N:52.1 E:4.3" * 20


@pytest.fixture
def content(tmp_path, write_video):
    def encode(name, codec, container=None):
        pixels = "rgb8" if codec == "gif" else "yuv420p"
        path = tmp_path / "one" / name
        options = {"codec": codec, "pixels": pixels, "container": container}
        return write_video(path, FRAMES, options={"g": "4"}, **options).read_bytes()

    return encode


@pytest.fixture
def count(tmp_path):
    def frames(name, content):
        (tmp_path / name).write_bytes(content)
        return sum(1 for _ in read_frames(tmp_path / name))

    return frames


def box(name, content):
    return (8 + len(content)).to_bytes(4, "big") + name + content


def animation(kind):
    images = [Image.fromarray(np.full((32, 32, 3), 20 * n, np.uint8)) for n in range(FRAMES)]
    out = io.BytesIO()
    images[0].save(out, kind, save_all=True, append_images=images[1:], duration=40)
    return out.getvalue()


@pytest.mark.parametrize("name", FIRST_ONLY)
def test_a_second_recording_that_would_be_lost_is_reported(content, count, name):
    one = content(name, *FIRST_ONLY[name])
    assert count(name, one) == FRAMES
    with pytest.raises(VideoError, match="concatenation of recordings"):
        count(name, one * 2)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_second_animation_is_reported(count, kind):
    one = animation(kind)
    assert count("a.mp4", one) == count("a.mp4", one + TABLE) == FRAMES
    with pytest.raises(VideoError, match="concatenation of recordings"):
        count("a.mp4", one * 2)


@pytest.mark.parametrize("name", ALL)
def test_files_that_are_read_completely_are_accepted(content, count, name):
    assert count(name, content(name, ALL[name]) * 2) == 2 * FRAMES


@pytest.mark.parametrize("name", FIRST_ONLY)
def test_the_table_of_a_camera_is_not_a_recording(content, count, name):
    one = content(name, *FIRST_ONLY[name])
    assert count(name, one + TABLE) == FRAMES


def test_a_recording_inside_a_box_is_ignored(content, count):
    one = content("a.mp4", "libx264")
    for name in (b"free", b"mdat", b"uuid"):
        assert count("a.mp4", one + box(name, one)) == FRAMES


def test_repeated_tables_are_one_recording(content, count):
    for name in ("a.mp4", "front.mp4"):
        one = content(name, *FIRST_ONLY[name])
        start = one.index(b"moov") - 4
        moov = one[start : start + int.from_bytes(one[start : start + 4], "big")]
        assert count(name, one + moov) == FRAMES


def test_early_quicktime_has_no_header(content, count, tmp_path):
    one = content("a.mov", "libx264").replace(b"ftyp", b"free", 1)
    assert count("a.mov", one) == FRAMES
    with pytest.raises(VideoError, match="concatenation of recordings"):
        count("a.mov", one * 2)


def test_raw_streams_and_invalid_headers_are_not_parsed(tmp_path):
    for head in (b"\0\0\0\1\x67" * 9, b"", b"RIFF", b"FLV\1", b"\x30\x26\xb2\x75", b"\xff" * 40):
        (tmp_path / "a").write_bytes(head)
        assert not is_joined(tmp_path / "a")
