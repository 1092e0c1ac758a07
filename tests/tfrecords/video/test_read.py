"""Video files are decoded upright, in order and with their times, or rejected."""

import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from tfrecords.video import decode
from tfrecords.video.read import VideoError, read_frames, read_times
from tfrecords.video.timestamps import clock, in_order
from tfrecords.video.truncation import promised_size

FORMATS = [
    ("a.mp4", "libx264", "yuv420p", {}),
    ("a.mov", "libx264", "yuv420p", {"bf": "3"}),
    ("a.mkv", "libx265", "yuv420p", {"x265-params": "log-level=none"}),
    ("a.webm", "libvpx", "yuv420p", {}),
    ("a.webm", "libvpx-vp9", "yuv420p", {}),
    ("a.mp4", "libsvtav1", "yuv420p", {"svtav1-params": "lp=1"}),
    ("a.avi", "mpeg4", "yuv420p", {"bf": "2"}),
    ("a.avi", "mjpeg", "yuvj420p", {}),
    ("a.mpg", "mpeg1video", "yuv420p", {}),
    ("a.ts", "mpeg2video", "yuv420p", {"flags": "+ilme+ildct"}),
    ("a.mkv", "ffv1", "yuv444p", {}),
    ("a.mp4", "libx264", "yuv420p10le", {}),
    ("a.mp4", "libx264", "gray", {}),
    ("a.gif", "gif", "rgb8", {}),
]


def levels(path, **options):
    return [frame.rgb.mean() for frame in read_frames(path, **options)]


@pytest.mark.parametrize(("name", "codec", "pixels", "options"), FORMATS)
def test_every_codec_returns_its_frames_in_order(
    tmp_path, write_video, level_of, name, codec, pixels, options
):
    size = (64, 96) if codec == "libsvtav1" else (48, 64)
    path = write_video(tmp_path / name, codec=codec, pixels=pixels, options=options, size=size)
    frames = list(read_frames(path))
    assert len(frames) == 12
    assert all(f.rgb.shape == (*size, 3) and f.rgb.dtype == np.uint8 for f in frames)
    tolerance = 20 if pixels in ("rgb8", "gray") else 8  # few levels; range not tagged
    np.testing.assert_allclose(
        [f.rgb.mean() for f in frames], [level_of(n) for n in range(12)], atol=tolerance
    )
    np.testing.assert_allclose([f.timestamp for f in frames], np.arange(12) * 40_000, atol=1000)


@pytest.mark.parametrize("size", [(129, 171), (2, 16), (1, 1)])
def test_odd_sizes(tmp_path, write_video, size):
    path = write_video(tmp_path / "a.mkv", size=size, codec="ffv1", pixels="yuv444p", frames=2)
    assert [frame.rgb.shape for frame in read_frames(path)] == [(*size, 3)] * 2
    assert next(read_frames(path)).rgb.shape[:2] == size


def quadrants(number, height, width):
    """Four grays, so that every rotation or mirroring is visible."""
    return (
        np.kron([[40, 90], [150, 220]], np.ones((height // 2, width // 2)))[..., None]
        .repeat(3, axis=2)
        .astype(np.uint8)
    )


def with_matrix(path, matrix):
    """Writes a display matrix (a, b, c, d) into the track header of an MP4."""
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 44
    assert struct.unpack(">i", content[start : start + 4]) == (65536,)
    a, b, c, d = (value << 16 for value in matrix)
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


@pytest.mark.parametrize("matrix", [
    (1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1),
    (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0), (0, -1, -1, 0),
])  # fmt: skip
def test_every_display_matrix_is_applied(tmp_path, write_video, matrix):
    path = write_video(tmp_path / "a.mp4", draw=quadrants, frames=2)
    stored = next(read_frames(path)).rgb
    with_matrix(path, matrix)
    a, b, c, d = matrix
    height, width = stored.shape[:2]
    y, x = np.mgrid[:height, :width]
    to_x, to_y = a * x + c * y, b * x + d * y
    expected = np.zeros((*((height, width) if a else (width, height)), 3), np.uint8)
    expected[to_y - to_y.min(), to_x - to_x.min()] = stored
    np.testing.assert_array_equal(next(read_frames(path)).rgb, expected)
    assert next(read_frames(path)).rgb.shape[:2] == expected.shape[:2]


def test_times_of_a_variable_rate_are_kept(tmp_path, write_video):
    times = [0, 40, 60, 200, 210, 500]
    path = write_video(tmp_path / "a.mp4", frames=6, times=times)
    assert [f.timestamp for f in read_frames(path)] == [1000 * time for time in times]


def test_resampling_takes_the_picture_nearest_in_time(tmp_path, write_video, level_of):
    times = [0, 40, 60, 200, 210, 500]
    path = write_video(tmp_path / "a.mp4", frames=6, times=times, codec="libx264")
    frames = list(read_frames(path, fps=10))
    assert [f.timestamp for f in frames] == [0, 100_000, 200_000, 300_000, 400_000, 500_000]
    nearest = [0, 2, 3, 4, 5, 5]
    np.testing.assert_allclose(
        [f.rgb.mean() for f in frames], [level_of(n) for n in nearest], atol=8
    )


@pytest.mark.parametrize(("fps", "count"), [(25, 12), (50, 24), (12.5, 6), (5, 3), (1, 1)])
def test_resampling_keeps_the_duration(tmp_path, write_video, fps, count):
    assert len(levels(write_video(tmp_path / "a.mkv"), fps=fps)) == count


@pytest.mark.parametrize("options", [{}, {"fps": 10}, {"start": 0.1, "end": 0.3, "fps": 50}])
def test_times_equal_those_of_the_frames(tmp_path, write_video, options):
    path = write_video(tmp_path / "a.mp4", frames=6, times=[0, 40, 60, 200, 210, 500])
    frames = read_frames(path, **options)
    assert list(read_times(path, **options)) == [frame.timestamp for frame in frames]


def test_start_and_end_cut_a_segment(tmp_path, write_video, level_of):
    path = write_video(tmp_path / "a.mp4")
    frames = list(read_frames(path, start=0.12, end=0.24))
    assert [f.timestamp for f in frames] == [120_000, 160_000, 200_000]
    np.testing.assert_allclose([f.rgb.mean() for f in frames], [*map(level_of, (3, 4, 5))], atol=8)
    resampled = list(read_frames(path, start=0.12, end=0.24, fps=50))
    assert [f.timestamp for f in resampled] == [120_000 + 20_000 * n for n in range(6)]
    with pytest.raises(VideoError, match="no frame between 5 s and 6 s"):
        list(read_frames(path, start=5, end=6))


def noise(number, height, width):
    return np.random.default_rng(number).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize(("name", "codec", "options"), [
    ("a.mp4", "libx264", {"g": "10", "bf": "3"}),
    ("a.mkv", "libx264", {"g": "10", "bf": "3", "x264-params": "open-gop=1"}),
    ("a.ts", "libx264", {"g": "10", "bf": "3"}),
    ("a.mkv", "libx264", {"g": "1000"}),
    ("a.webm", "libvpx", {"g": "7"}),
    ("a.avi", "mpeg4", {"g": "10"}),
])  # fmt: skip
def test_seeking_equals_decoding_from_the_start(
    tmp_path, write_video, monkeypatch, name, codec, options
):
    path = write_video(tmp_path / name, frames=60, draw=noise, codec=codec, options=options)
    straight = list(read_frames(path, start=1.3))
    monkeypatch.setattr(decode, "SEEK_AFTER", 0.1)
    sought = list(read_frames(path, start=1.3))
    assert [f.timestamp for f in sought] == [f.timestamp for f in straight]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(sought, straight, strict=True))


@pytest.mark.parametrize("claimed", [3, 500])
def test_frame_counts_in_a_header_are_ignored(tmp_path, write_video, claimed):
    path = write_video(tmp_path / "a.avi", codec="mpeg4")
    content = bytearray(path.read_bytes())
    for mark, skip in ((b"avih", 24), (b"strh", 40)):
        place = content.index(mark) + skip
        assert struct.unpack("<I", content[place : place + 4]) == (12,)
        content[place : place + 4] = struct.pack("<I", claimed)
    path.write_bytes(content)
    assert len(levels(path)) == 12


def test_metadata_that_is_not_utf8(tmp_path, write_video):
    path = write_video(tmp_path / "a.avi", codec="mpeg4", metadata={"title": "MARK"})
    content = path.read_bytes()
    assert content.count(b"MARK") == 1
    path.write_bytes(content.replace(b"MARK", b"\xd3\xff\xd3\xff"))
    with pytest.raises(UnicodeDecodeError), av.open(str(path)):
        pass
    assert len(levels(path)) == 12


def test_a_size_that_changes_midway_is_scaled_to_the_first(tmp_path, write_video):
    parts = [
        write_video(tmp_path / f"{size}.ts", size=size, frames=5) for size in ((48, 64), (64, 48))
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = list(read_frames(path))
    assert [f.rgb.shape for f in frames] == [(48, 64, 3)] * 10
    times = [f.timestamp for f in frames]
    assert all(np.diff(times) > 0)


def test_a_clock_that_jumps_back_continues():
    stamps = [0.0, 0.04, 0.08, 0.04, 0.08, None, 0.16]
    times = [time for _, time in clock([(None, s) for s in stamps], 0, 40_000)]
    assert times == [0, 40_000, 80_000, 120_000, 160_000, 200_000, 240_000]


def test_time_stamps_of_an_avi_are_sorted_and_its_pictures_are_not():
    stamps = [1, 2, 4, 3, 6, 5, 8, 7, 11, 10, 12, 9, *range(13, 40)]
    given = list(in_order(enumerate(stamps)))
    assert given == list(enumerate(range(1, 40)))


@pytest.mark.parametrize(("short_side", "expected"), [(24, (24, 32)), (96, (96, 128)), (7, (7, 9))])
def test_scaling_by_the_short_side(tmp_path, write_video, short_side, expected):
    def ramp(number, height, width):
        y, x = np.mgrid[:height, :width]
        return np.stack([2 * y, 3 * x, x + y], axis=-1).astype(np.uint8)

    path = write_video(tmp_path / "a.mp4", draw=ramp, frames=1, options={"crf": "1"})
    whole = next(read_frames(path)).rgb
    scaled = next(read_frames(path, short_side=short_side)).rgb
    assert scaled.shape == (*expected, 3)
    method = cv2.INTER_AREA if short_side < 48 else cv2.INTER_LINEAR
    reference = cv2.resize(whole, expected[::-1], interpolation=method)
    assert np.abs(scaled.astype(int) - reference).mean() < 3


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize("share", [0.4, 0.7, 0.9, 0.99])
@pytest.mark.parametrize(("name", "codec", "pixels", "container"), [
    ("a.mp4", "libx264", "yuv420p", {"movflags": "+faststart"}),
    ("a.mp4", "libx264", "yuv420p", {}),
    ("a.mov", "libx264", "yuv420p", {"movflags": "+faststart"}),
    ("a.avi", "mpeg4", "yuv420p", {}),
    ("a.mkv", "libx264", "yuv420p", {}),
    ("a.webm", "libvpx", "yuv420p", {}),
    ("a.gif", "gif", "rgb8", {}),
])  # fmt: skip
def test_a_truncated_file_is_not_a_shorter_video(
    tmp_path, write_video, name, codec, pixels, container, share
):
    path = write_video(tmp_path / name, frames=40, codec=codec, pixels=pixels, container=container)
    assert promised_size(path) == path.stat().st_size
    cut(path, share)
    with pytest.raises(VideoError, match=r"truncated: .* [\d,]+ bytes?"):
        list(read_frames(path))


def test_frames_before_the_truncation_can_be_read_by_time(tmp_path, write_video):
    path = write_video(tmp_path / "a.mkv", frames=60, options={"g": "5", "bf": "0"})
    cut(path, 0.8)
    assert len(levels(path, end=0.4)) == 10


def test_a_recording_of_unknown_length_is_complete(tmp_path, write_video):
    path = write_video(tmp_path / "a.mkv", container={"live": "1"})
    assert promised_size(path) == path.stat().st_size
    assert len(levels(path)) == 12


def test_damage_in_the_middle_of_the_video_is_an_error(tmp_path, write_video):
    path = write_video(tmp_path / "a.mp4", frames=20, draw=noise)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = b"\xff" * 3000
    path.write_bytes(content)
    with pytest.raises(VideoError, match="damaged"):
        list(read_frames(path))


def test_files_that_are_not_videos(tmp_path, write_sound):
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("a letter, not a film\n" * 50, encoding="utf-8")
    table = [(empty, "the file is empty"), (text, "unknown format")]
    table.append((write_sound(tmp_path / "a.wav"), "no video stream"))
    for path, reason in table:
        for reader in (read_frames, read_times):
            with pytest.raises(VideoError, match=reason):
                next(reader(path))
    with pytest.raises(FileNotFoundError):
        next(read_frames(tmp_path / "absent.mp4"))


def test_frames_too_large_for_a_jpeg_are_rejected(tmp_path, write_video):
    path = write_video(tmp_path / "a.mkv", size=(2, 400), codec="ffv1", frames=1)
    with pytest.raises(VideoError, match="must be at most 16384 pixels"):
        list(read_frames(path, short_side=256))


def test_opencv_reads_files_that_pyav_cannot(tmp_path, write_video, monkeypatch, level_of):
    path = write_video(tmp_path / "a.avi", codec="mpeg4")

    def refuse(path, start, tape, jumps):
        raise av.error.InvalidDataError(1, "refused")
        yield

    monkeypatch.setattr(decode, "_pyav", refuse)
    np.testing.assert_allclose(levels(path), [level_of(n) for n in range(12)], atol=8)
    assert isinstance(next(decode.pictures(path)).image, np.ndarray)  # as from OpenCV
    monkeypatch.setattr(decode, "_pyav", lambda path, start, tape, jumps: iter(()))
    assert len(levels(path)) == 12


def write_images(folder: Path, numbers, suffix=".png"):
    folder.mkdir()
    for number in numbers:
        image = np.full((20, 30, 3), 10 * number, np.uint8)
        image[..., 2] = 0
        cv2.imwrite(str(folder / f"img_{number}{suffix}"), image)
    return folder


def test_a_folder_of_frames_is_read_in_natural_order(tmp_path):
    folder = write_images(tmp_path / "clip", range(1, 13))
    (folder / "notes.txt").write_text("no image", encoding="utf-8")
    frames = list(read_frames(folder))
    assert [int(f.rgb[0, 0, 1]) for f in frames] == [10 * n for n in range(1, 13)]
    assert not any(f.rgb[..., 0].any() for f in frames)
    assert [f.timestamp for f in frames] == [40_000 * n for n in range(12)]


def test_a_damaged_image_is_reported(tmp_path):
    folder = write_images(tmp_path / "clip", range(1, 5), ".jpg")
    cut(folder / "img_3.jpg", 0.6)
    with pytest.raises(VideoError, match=r"img_3\.jpg is damaged"):
        list(read_frames(folder))
    folder = write_images(tmp_path / "animated", range(1, 5), ".webp")
    image = Image.new("RGB", (30, 20))
    other = Image.new("RGB", (30, 20), "red")
    image.save(folder / "img_2.webp", save_all=True, append_images=[other], duration=40)
    with pytest.raises(VideoError, match=r"img_2\.webp is an animation"):
        list(read_frames(folder))
    (tmp_path / "none").mkdir()
    with pytest.raises(VideoError, match="has no images"):
        list(read_frames(tmp_path / "none"))
