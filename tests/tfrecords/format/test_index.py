"""The shard index: its layout byte by byte, and the detection of every damage."""

import struct
import tracemalloc

import numpy as np
import pytest

from tfrecords.format.index import (
    FRAME_DTYPE,
    PICTURE_DTYPE,
    STORE_DTYPE,
    VIDEO_DTYPE,
    BadIndex,
    index_path,
    read_index,
    write_index,
)

SHA = bytes(range(32))
VIDEOS = np.array([(0, 2, 5, 240, 320, 25.0), (2, 1, -1, 256, 340, 29.97)], VIDEO_DTYPE)
FRAMES = np.array([(16, 100, 1), (116, 50, 2), (2**33, 7, 0xFFFFFFFF)], FRAME_DTYPE)
SIZE = 2**33 + 7


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "train-00000-of-00001.index"
    write_index(path, SIZE, SHA, VIDEOS, FRAMES)
    return path


def test_the_bytes_are_the_documented_layout(path):
    expected = struct.pack("<8sIIQQ32s", b"CTMINDEX", 1, 2, 3, SIZE, SHA)
    for row in VIDEOS.tolist():
        expected += struct.pack("<QIiIId", *row)
    for row in FRAMES.tolist():
        expected += struct.pack("<QII", *row)
    assert path.read_bytes() == expected
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_round_trip(path):
    index = read_index(path)
    assert (index.shard_size, index.sha256) == (SIZE, SHA)
    np.testing.assert_array_equal(index.videos, VIDEOS)
    np.testing.assert_array_equal(index.frames, FRAMES)


def test_a_hash_that_ends_in_zeros_keeps_them(tmp_path):
    write_index(tmp_path / "a.index", SIZE, bytes(32), VIDEOS, FRAMES)
    assert read_index(tmp_path / "a.index").sha256 == bytes(32)


def test_an_empty_shard_has_an_index(tmp_path):
    write_index(tmp_path / "a.index", 0, SHA, VIDEOS[:0], FRAMES[:0])
    assert len(read_index(tmp_path / "a.index").videos) == 0


def test_the_index_is_next_to_its_shard(tmp_path):
    assert index_path(tmp_path / "a.b-00000.tfrecord") == tmp_path / "a.b-00000.index"


def test_a_missing_index_is_reported(tmp_path):
    with pytest.raises(BadIndex, match=r"a\.index is missing\. Run `ctm verify"):
        read_index(tmp_path / "a.index")


def corrupt(path, offset, data):
    content = bytearray(path.read_bytes())
    content[offset : offset + len(data)] = data
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("offset", "data", "message"),
    [
        (0, b"X", "not an index of ctm-keras"),
        (8, b"\x03", "its version must be 1 or 2, received 3"),
        (12, b"\x03", "bytes, expected .* according to its header"),
        (64 + 32, b"\x01", "are not contiguous"),
        (64 + 32 + 8, b"\x02", "does not match its videos"),
        (64 + 16, bytes(4), "video 0 has no height"),
        (64 + 20, bytes(4), "video 0 has no width"),
        (24, bytes(8), "frame 0 is outside the shard of 0 bytes"),
        (64 + 64 + 32, b"\xff" * 8, "frame 2 is outside"),
        (64 + 64 + 16 + 8, bytes(4), "frame 1 is outside"),
    ],
)
def test_a_changed_byte_is_detected(path, offset, data, message):
    corrupt(path, offset, data)
    with pytest.raises(BadIndex, match=message) as error:
        read_index(path)
    assert str(path) in str(error.value)
    assert "ctm verify" in str(error.value)


def test_huge_counts_do_not_allocate_memory(path):
    corrupt(path, 12, b"\xff" * 4 + b"\xff" * 7 + b"\x7f")
    tracemalloc.start()
    try:
        with pytest.raises(BadIndex, match=r"has 176 bytes, expected \d{21} according"):
            read_index(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 63, 64, 175])
def test_a_truncated_index_is_detected(path, size):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(BadIndex, match="bytes"):
        read_index(path)


def test_invalid_rows_are_not_written(tmp_path):
    with pytest.raises(BadIndex, match="frame 2"):
        write_index(tmp_path / "a.index", 1000, SHA, VIDEOS, FRAMES)
    with pytest.raises(BadIndex, match="32 bytes, received 3"):
        write_index(tmp_path / "a.index", SIZE, b"abc", VIDEOS, FRAMES)
    assert not list(tmp_path.iterdir())


PIECES = np.array([(16, 100, 1), (116, 50, 2), (300, 40, 3), (345, 7, 4), (352, 9, 5)], FRAME_DTYPE)
STORES = np.array([(0, 2, 0), (2, 3, 1)], STORE_DTYPE)  # two JPEGs; a head and two packets
PICTURES = np.array([(0, 0, 0), (1, 1, 7), (2, 1, 8)], PICTURE_DTYPE)
AT_STORES = 64 + 2 * 32 + 5 * 16
AT_PICTURES = AT_STORES + 2 * 16


@pytest.fixture
def mixed(tmp_path):
    write_index(tmp_path / "m.index", 400, SHA, VIDEOS, PIECES, STORES, PICTURES)
    return tmp_path / "m.index"


def test_the_bytes_of_an_index_with_encoded_videos(mixed):
    expected = struct.pack("<8sIIQQ32s", b"CTMINDEX", 2, 2, 5, 400, SHA)
    for form, rows in [("<QIiIId", VIDEOS), ("<QII", PIECES), ("<QII", STORES), ("<III", PICTURES)]:
        expected += b"".join(struct.pack(form, *row) for row in rows.tolist())
    assert mixed.read_bytes() == expected


def test_an_index_with_encoded_videos_is_read(mixed):
    index = read_index(mixed)
    assert index.num_frames == 3
    assert index.encoded.tolist() == [False, True]
    np.testing.assert_array_equal(index.pieces(1), PIECES[2:])
    np.testing.assert_array_equal(index.pictures, PICTURES)
    pieces, pictures = index.places()
    assert pieces.tolist() == [64 + 2 * 32, 64 + 2 * 32 + 2 * 16]
    assert pictures.tolist() == [AT_PICTURES, AT_PICTURES + 2 * 12]


@pytest.mark.parametrize(
    ("offset", "data", "message"),
    [
        (12, b"\x03", "bytes, expected .* according to its header"),
        (64 + 8, b"\x03", "bytes, expected .* according to its header"),
        (64 + 64 + 2 * 16, b"\xff" * 8, "frame 2 is outside"),
        (64 + 64 + 3 * 16, struct.pack("<Q", 339), "packets of an encoded video overlap"),
        (AT_STORES + 8, b"\x01", "pieces of its videos are not contiguous"),
        (AT_STORES + 16, b"\x01", "pieces of its videos are not contiguous"),
        (AT_STORES + 16 + 12, b"\x02", "a picture is outside the packets"),
        (AT_PICTURES + 2 * 12, b"\x03", "a picture is outside the packets"),
        (AT_PICTURES + 2 * 12 + 4, b"\x03", "a picture is outside the packets"),
        (AT_PICTURES + 2 * 12 + 4, b"\x00", "a picture is outside the packets"),
    ],
)
def test_a_changed_byte_in_an_index_with_encoded_videos_is_detected(mixed, offset, data, message):
    corrupt(mixed, offset, data)
    with pytest.raises(BadIndex, match=message):
        read_index(mixed)
