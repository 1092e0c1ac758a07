"""Damage that is found only by checks of the decoder or the container."""

import io

import numpy as np
import pytest

from tfrecords.video.matroska import SEGMENT, Element, damage, element_at
from tfrecords.video.read import VideoError, read_frames
from tfrecords.video.truncation import promised_size


def read(path):
    return list(read_frames(path))


def waves(number, height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([(7 * x + number) % 256, (5 * y) % 256, (x * y) % 256], -1).astype(np.uint8)


def test_an_unknown_codec_is_reported(tmp_path, write_video):
    path = write_video(tmp_path / "a.avi", codec="mjpeg", pixels="yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"QQQQ"))
    with pytest.raises(VideoError, match="its codec is unknown"):
        read(path)


def test_an_invalid_picture_of_motion_jpeg_is_reported(tmp_path, write_video):
    path = write_video(tmp_path / "a.avi", codec="mjpeg", pixels="yuvj420p", draw=waves)
    assert len(read(path)) == 12
    content = bytearray(path.read_bytes())
    picture = content.index(b"\xff\xda", len(content) // 2)
    content[picture + 40 : picture + 60] = b"\x2b" * 20
    path.write_bytes(content)
    with pytest.raises(VideoError, match="damaged"):
        read(path)


@pytest.mark.parametrize(
    ("name", "codec", "missing"),
    [
        ("a.ts", "mpeg2video", 1),
        ("a.ts", "mpeg2video", 100),
        ("a.wmv", "wmv2", 100),
        ("a.wmv", "wmv2", 3000),
    ],
)
def test_a_truncated_stream_is_reported(tmp_path, write_video, name, codec, missing):
    path = write_video(tmp_path / name, codec=codec, draw=waves)
    content = path.read_bytes()
    assert promised_size(path) == len(content)
    path.write_bytes(content[:-missing])
    with pytest.raises(VideoError, match=rf"at least {missing:,} byte{'s' * (missing > 1)}\b"):
        read(path)


def test_a_live_recording_has_no_size(tmp_path, write_video):
    path = write_video(tmp_path / "a.wmv", codec="wmv2")
    content = bytearray(path.read_bytes())
    properties = content.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    content[properties + 88] |= 1
    path.write_bytes(content[:-100])
    assert promised_size(path) == len(content) - 100


def test_a_flipped_bit_in_a_matroska_file_with_checksums_is_reported(tmp_path, write_video):
    path = write_video(tmp_path / "a.mkv", codec="ffv1", draw=waves)
    assert damage(path) is None
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    path.write_bytes(content)
    with pytest.raises(VideoError, match="it is damaged"):
        read(path)
    assert "the checksum of its part at byte" in damage(path)


def test_invalid_bytes_in_a_webm_file_are_reported(tmp_path, write_video):
    """The demuxer skips to the next block and loses the one with these bytes."""
    path = write_video(tmp_path / "a.webm", codec="libvpx-vp9", draw=waves)
    assert damage(path) is None
    content = path.read_bytes()
    middle = len(content) * 2 // 3
    path.write_bytes(content[:middle] + bytes(40) + content[middle:])
    assert "element" in damage(path)
    with pytest.raises(VideoError, match=r"damaged|truncated"):
        read(path)


def test_the_damage_of_a_live_recording_is_unknown(tmp_path, write_video):
    path = write_video(tmp_path / "a.webm", codec="libvpx-vp9", draw=waves)
    content = bytearray(path.read_bytes())
    segment = content.index(b"\x18\x53\x80\x67")
    content[segment + 4 : segment + 12] = b"\x01" + b"\xff" * 7
    path.write_bytes(content)
    assert damage(path) is None
    assert len(read(path)) == 12


def test_data_after_a_segment_is_ignored(tmp_path, write_video):
    path = write_video(tmp_path / "a.mkv", codec="mpeg4")
    path.write_bytes(path.read_bytes() + b"\0junk")
    assert len(read(path)) == 12


@pytest.mark.parametrize(
    ("head", "element"),
    [
        ("1853806784", Element(SEGMENT, 6, 10)),
        ("18538067400f", Element(SEGMENT, 7, 22)),
        ("185380670100000000001000", Element(SEGMENT, 13, 13 + 4096)),
        ("18538067ff", Element(SEGMENT, 6, None)),  # a live recording
        ("1853806701ffffffffffffff", Element(SEGMENT, 13, None)),
        ("bf84", Element(0xBF, 3, 7)),
        ("", None),
        ("18", None),
        ("18538067", None),
        ("18538067400f"[:-2], None),
        ("0853806784", None),  # a number of five bytes
        ("1853806700", None),
    ],
)
def test_elements(head, element):
    assert element_at(io.BytesIO(b"x" + bytes.fromhex(head)), 1) == element


def test_the_segment_ends_with_the_matroska_file(tmp_path, write_video):
    path = write_video(tmp_path / "a.mkv", codec="mpeg4")
    with open(path, "rb") as file:
        segment = element_at(file, element_at(file, 0).end)
    assert segment.id == SEGMENT
    assert segment.end == path.stat().st_size == promised_size(path)
