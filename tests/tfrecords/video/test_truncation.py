"""Files with trailing bytes or without a length are complete; truncated ones are reported."""

import struct

import numpy as np
import pytest

from tfrecords.video import matroska, mpegts
from tfrecords.video.read import VideoError, read_frames
from tfrecords.video.truncation import promised_size

FRAMES = 40
TABLE = b"\0\0\x1f\x98SKIP" + bytes(200) + b"2024/05/01 10:00 N:52.1 E:4.3" * 20 + bytes(333)
TAILS = {"table": TABLE, "text": b"S360" + TABLE[8:], "letters": b"more", "zeros": bytes(4096)}
TAILS["noise"] = np.random.default_rng(0).bytes(3000)
KINDS = {  # name: codec, options of the container
    "a.mp4": ("libx264", {}),
    "fragments.mp4": ("libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "a.ts": ("libx264", {}),
    "a.m2ts": ("libx264", {"mpegts_m2ts_mode": "1"}),
    "parity.ts": ("libx264", {}),
    "a.avi": ("mpeg4", {}),
    "pipe.avi": ("mpeg4", {}),
    "zero.avi": ("mpeg4", {}),
    "a.gif": ("gif", {}),
    "a.mkv": ("libx264", {}),
    "live.mkv": ("libx264", {"live": "1"}),
    "live.webm": ("libvpx", {"live": "1"}),
    "a.wmv": ("wmv2", {}),
}


def moving(number, height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([7 * x + 9 * number, 5 * y, x * y + number], -1).astype(np.uint8)


def without_sizes(content, size):
    """An AVI as written to a pipe, without sizes or an index."""
    movi = content.index(b"movi") - 4
    end = content.index(b"idx1")
    return content[:4] + size + content[8:movi] + size + content[movi + 4 : end]


def with_parity(content):
    packets = (content[k : k + 188] for k in range(0, len(content), 188))
    return b"".join(packet + bytes(range(16)) for packet in packets)


CHANGES = {
    "pipe.avi": lambda content: without_sizes(content, b"\xff" * 4),
    "zero.avi": lambda content: without_sizes(content, bytes(4)),
    "parity.ts": with_parity,
}


@pytest.fixture(scope="module")
def contents(tmp_path_factory, write_video):
    top, found = tmp_path_factory.mktemp("whole"), {}
    for name, (codec, container) in KINDS.items():
        kind = {"codec": codec, "pixels": "rgb8" if codec == "gif" else "yuv420p"}
        path = write_video(top / name, FRAMES, draw=moving, container=container, **kind)
        found[name] = CHANGES.get(name, bytes)(path.read_bytes())
    return found


@pytest.fixture
def read(tmp_path):
    def count(name, content):
        (tmp_path / name).write_bytes(content)
        return sum(1 for _ in read_frames(tmp_path / name))

    return count


@pytest.mark.parametrize("name", KINDS)
def test_bytes_after_the_end_are_ignored(contents, read, tmp_path, name):
    for tail in (b"", *TAILS.values()):
        assert read(name, contents[name] + tail) == FRAMES
        assert promised_size(tmp_path / name) == len(contents[name] + tail)


@pytest.mark.parametrize("name", KINDS)
def test_truncated_files_are_reported(contents, read, tmp_path, name):
    whole = contents[name]
    for share in (0.6, 0.75, 0.9):
        cut = whole[: int(len(whole) * share) // 8 * 8 + 5]
        with pytest.raises(VideoError, match=r"truncated: .* [\d,]+ bytes?"):
            read(name, cut)
        assert 0 < promised_size(tmp_path / name) - len(cut) < 2 * len(whole)


def test_truncation_inside_the_name_of_a_chunk_is_reported(contents, read):
    whole = contents["pipe.avi"]
    last = whole.rindex(b"00dc")
    assert read("a.avi", whole[:last]) == FRAMES - 1  # this cannot be detected
    for rest in (1, 4, 7):
        with pytest.raises(VideoError, match="truncated"):
            read("a.avi", whole[: last + rest])


def test_all_parts_of_a_large_avi_count(contents, tmp_path):
    """An AVI above 1 GB is a chain of parts."""
    more = b"AVIX" + b"LIST" + struct.pack("<I", 1004) + b"movi" + bytes(1000)
    whole = contents["a.avi"] + b"RIFF" + struct.pack("<I", len(more)) + more
    for missing in (0, 1, 600):
        (tmp_path / "a.avi").write_bytes(whole[: len(whole) - missing])
        assert promised_size(tmp_path / "a.avi") == len(whole)


@pytest.mark.parametrize("name", ["a.avi", "pipe.avi", "zero.avi"])
@pytest.mark.parametrize("claimed", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF])
def test_a_size_beyond_a_complete_avi_is_ignored(contents, read, name, claimed):
    whole = contents[name][:4] + claimed.to_bytes(4, "little") + contents[name][8:]
    assert read(name, whole) == read(name, whole + TABLE) == FRAMES
    for share in (0.5, 0.8):
        with pytest.raises(VideoError, match="truncated"):
            read(name, whole[: int(len(whole) * share) // 8 * 8 + 5])


@pytest.mark.parametrize("claimed", [0x7FFFFFFF, 0x80000000])
def test_lists_larger_than_their_avi_are_ignored(contents, read, claimed):
    content, size = contents["a.avi"], claimed.to_bytes(4, "little")
    whole = without_sizes(content, size)
    assert read("a.avi", whole) == FRAMES
    with pytest.raises(VideoError, match="truncated"):
        read("a.avi", whole[: len(whole) - 5])


def test_truncation_between_two_chunks_of_an_avi_is_reported(contents, read):
    whole = contents["a.avi"]
    with pytest.raises(VideoError, match="truncated"):
        read("a.avi", whole[: whole.rindex(b"00dc", 0, whole.index(b"idx1"))])


@pytest.mark.parametrize("bytes_lost", [1, 100, 512, 4096])
@pytest.mark.parametrize("name", ["a.ts", "a.m2ts"])
def test_missing_bytes_of_a_transport_stream_are_reported(contents, tmp_path, name, bytes_lost):
    path, whole = tmp_path / name, contents[name]
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + whole[middle + bytes_lost :] + TABLE)
    assert promised_size(path) == path.stat().st_size
    assert "incomplete" in mpegts.damage(path)
    path.write_bytes(whole + TABLE)
    assert mpegts.damage(path) is None


def test_recordings_joined_with_their_tables_are_complete(contents, tmp_path):
    path, one = tmp_path / "a.ts", contents["a.ts"] + TABLE
    path.write_bytes(one * 2)
    assert promised_size(path) == 2 * len(one)
    assert mpegts.damage(path) is None
    path.write_bytes((one * 2)[: -len(TABLE) - 50])
    assert promised_size(path) == path.stat().st_size + 50


def test_a_live_recording_ends_with_its_last_part(contents, tmp_path):
    path = tmp_path / "a.webm"
    for name in ("live.mkv", "live.webm"):
        whole = contents[name]
        path.write_bytes(whole + TABLE)
        with open(path, "rb") as file:
            assert matroska.end(file, path.stat().st_size) == len(whole)


@pytest.mark.parametrize(("name", "frames"), [
    ("camera_trailer.mp4", 100), ("dashcam_table.ts", 200), ("length_unknown.avi", 100),
])  # fmt: skip
def test_real_files(real_videos, read, name, frames):
    content = (real_videos / "faults" / name).read_bytes()
    assert read(name, content) == frames
    with pytest.raises(VideoError, match="truncated"):
        read(name, content[: len(content) * 2 // 3])
