"""Still pictures with the suffix of a video, and animations that FFmpeg cannot read."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tfrecords.format.decoded import FrameOptions, Job
from tfrecords.video.read import VideoError, read_frames, read_times
from tfrecords.writing import decoder_process

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)
DURATIONS = [40, 100, 80, 200, 40, 60]  # milliseconds


def saved(kind, frames, **options):
    """The bytes of an image file."""
    first, *rest = [Image.fromarray(PIXELS[n]) for n in range(frames)]
    options |= {"save_all": True, "append_images": rest} if rest else {}
    content = io.BytesIO()
    first.save(content, format=kind, **options)
    return content.getvalue()


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".webm", ".mkv"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "ICO"])
def test_a_still_picture_is_not_a_video(tmp_path, kind, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(saved(kind, 1))
    for reader in (read_frames, read_times):
        with pytest.raises(VideoError, match=rf"still picture \({kind}\)"):
            list(reader(path))


@pytest.mark.parametrize(("kind", "frames"), [("GIF", 1), ("GIF", 6), ("PNG", 6)])
def test_an_animation_is_a_video_regardless_of_its_suffix(tmp_path, kind, frames):
    path = tmp_path / "a.mp4"
    path.write_bytes(saved(kind, frames, duration=80))
    assert len(list(read_frames(path))) == frames


def test_a_video_of_one_frame_is_a_video(tmp_path, write_video):
    for name, codec in (("a.mp4", "libx264"), ("a.avi", "mjpeg"), ("a.mov", "png")):
        pixels = {"mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
        path = write_video(tmp_path / name, frames=1, codec=codec, pixels=pixels)
        assert len(list(read_frames(path))) == 1


@pytest.fixture
def webp(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(saved("WEBP", 6, duration=DURATIONS, lossless=True))
    return path


def test_an_animated_webp_returns_its_frames_and_times(webp):
    frames = list(read_frames(webp))
    np.testing.assert_array_equal([frame.rgb for frame in frames], PIXELS)
    starts = np.cumsum([0, *DURATIONS[:-1]]) * 1000
    assert [frame.timestamp for frame in frames] == starts.tolist()
    assert len(list(read_frames(webp, fps=50))) == sum(DURATIONS) * 50 // 1000
    assert next(read_frames(webp)).rgb.shape[:2] == (48, 64)


@pytest.mark.parametrize("store", ["frames", "video"])
def test_a_build_stores_an_animated_webp_as_frames(webp, tmp_path, store):
    job = Job(str(webp), str(tmp_path / "spool"), FrameOptions(None, 95, store))
    found = decoder_process.answer(job).decoded
    assert len(found.lengths) == 6
    assert bool(found.not_encoded) == (store == "video")


def test_a_damaged_webp_is_reported(webp):
    content = webp.read_bytes()
    webp.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(VideoError, match="truncated"):
        list(read_frames(webp))
    last = content.rindex(b"ANMF") + 60
    webp.write_bytes(content[:last] + b"\xff" * 40 + content[last + 40 :])
    with pytest.raises(VideoError, match="damaged"):
        list(read_frames(webp))


@pytest.mark.parametrize("number", [1, 3, 5])
def test_missing_frames_of_a_webp_are_reported(webp, number):
    content = webp.read_bytes()
    place = [k for k in range(len(content)) if content.startswith(b"ANMF", k)][number]
    for start in (place, place + 24):  # the decoder skips an unknown chunk, or one in a frame
        webp.write_bytes(content[:start] + b"\0aaa" + content[start + 4 :])
        with pytest.raises(VideoError, match="damaged"):
            list(read_frames(webp))
    webp.write_bytes(content[:place] + b"EXIF" + content[place + 4 :] + b"bytes behind the end")
    assert len(list(read_frames(webp))) == 5  # an intact file with one frame less


def test_motion_jpeg_with_exif_is_read(tmp_path):
    """PyAV does not support this kind of side data."""
    exif = Image.Exif()
    exif[0x010E] = "a camera's words"
    jpeg = saved("JPEG", 1, exif=exif)
    assert b"Exif" in jpeg
    with av.open(str(tmp_path / "a.avi"), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        for number in range(3):
            packet = av.Packet(jpeg)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            out.mux(packet)
    assert len(list(read_frames(tmp_path / "a.avi"))) == 3
