"""Recordings whose clock jumps: joined recordings continue, pauses are kept."""

import csv
import itertools

import av
import numpy as np
import pytest

import tfrecords
from tfrecords.checks.stats import stats
from tfrecords.reading.clip_reader import read_frames as read_stored
from tfrecords.reading.split import Split
from tfrecords.video import decode
from tfrecords.video.read import read_frames, read_times
from tfrecords.video.timestamps import PAUSE, clock

JOINED = [("a.ts", "libx264"), ("a.mpg", "mpeg2video"), ("a.flv", "flv")]
PAUSED = [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx")]
HOUR = 3600


def picture(number):
    y, x = np.mgrid[:48, :64]
    return np.stack([7 * x + 9 * number, 5 * y, x * y + number], -1).astype(np.uint8)


def write(path, codec, offset, frames=50, only_shown=False):
    """A video of 25 frames per second whose packet k has a time stamp `offset(k)` seconds late."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options={"bf": "0"} if "264" in codec else {})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        frames = [av.VideoFrame.from_ndarray(picture(n), format="rgb24") for n in range(frames)]
        packets = [packet for frame in [*frames, None] for packet in stream.encode(frame)]
        for number, packet in enumerate(packets):
            ticks = int(offset(number) / packet.time_base)
            packet.pts += ticks
            packet.dts += 0 if only_shown else ticks
            out.mux(packet)
    return path


def join(path, *parts):
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """Two recordings of 2 s, an hour apart by the clock, the later one first or last."""
    top = tmp_path_factory.mktemp("joined")
    first = write(top / "first.ts", "libx264", lambda k: 0)
    later = write(top / "later.ts", "libx264", lambda k: HOUR)
    return [join(top / "ahead.ts", first, later), join(top / "back.ts", later, first)]


@pytest.mark.parametrize(("name", "codec"), JOINED)
def test_a_jump_continues_one_frame_later(tmp_path, name, codec):
    path, jumps = write(tmp_path / name, codec, lambda k: HOUR * (k >= 25)), []
    times = [picture.time for picture in decode.pictures(path, jumps=jumps)]
    np.testing.assert_allclose(times, np.arange(50) * 40_000, atol=1000)
    assert jumps == pytest.approx([1.0], abs=0.1)  # MPEG-PS has time stamps for some frames only
    assert len(list(read_frames(path, fps=10))) == 20
    assert list(read_times(path)) == times


@pytest.mark.parametrize(
    ("name", "codec"),
    [*JOINED, *PAUSED[:2], pytest.param(*PAUSED[2], marks=pytest.mark.long)],  # VP8 takes seconds
)
def test_a_pause_stays(tmp_path, name, codec):
    seconds = 8 if (name, codec) in JOINED else HOUR
    path, jumps = write(tmp_path / name, codec, lambda k: seconds * (k >= 25)), []
    times = [picture.time for picture in decode.pictures(path, jumps=jumps)]
    assert times[-1] == pytest.approx((seconds + 1.96) * 1e6, abs=1000)
    assert np.diff(times).max() == pytest.approx((seconds + 0.04) * 1e6, abs=1000)
    assert not jumps


@pytest.mark.parametrize(("name", "codec"), JOINED + PAUSED)
def test_an_outlying_time_stamp_shifts_nothing(tmp_path, name, codec):
    path = write(tmp_path / name, codec, lambda k: HOUR * (k == 20), only_shown=True)
    np.testing.assert_allclose(list(read_times(path)), np.arange(50) * 40_000, atol=1000)


def timed(stamps, **options):
    jumps = []
    frames = [(None, stamp) for stamp in stamps]
    return [time for _, time in clock(frames, stamps[0], 40_000, jumps=jumps, **options)], jumps


@pytest.mark.parametrize(("stamps", "times", "jumps"), [
    ([0, 1, 2, 90, 91], [0, 1, 2, 2.04, 3.04], [2.04]),  # joined
    ([0, 1, 2, 90, 3, 4], [0, 1, 2, 2.04, 3, 4], []),  # an outlier ahead
    ([0, 1, 2, -9, 2.02, 3], [0, 1, 2, 2.01, 2.02, 3], []),  # one back, closely followed
    ([50, 51, 0, 1], [0, 1, 1.04, 2.04], [1.04]),  # the clock starts again
    ([0, 9, 18, 27.5], [0, 9, 18, 27.5], []),  # slow, but not a jump
    ([0, 1, None, 90, None, 91], [0, 1, 1.04, 1.08, 1.12, 2.08], [1.08]),
    ([0, 0.1, 0.1, 0.3], [0, 0.1, 0.14, 0.3], []),  # a repeated time stamp
])  # fmt: skip
def test_the_clock(stamps, times, jumps):
    found = timed(stamps, longest=PAUSE)
    np.testing.assert_allclose(found[0], np.array(times) * 1e6)
    assert found[1] == pytest.approx(jumps)


def test_without_a_longest_pause_only_backward_jumps_are_corrected():
    assert timed([0, 1, 90, 91]) == ([0, 1_000_000, 90_000_000, 91_000_000], [])
    assert timed([0, 1, 90, 2, 3]) == ([0, 1_000_000, 1_040_000, 2_000_000, 3_000_000], [])
    assert timed([50, 51, 0, 1])[1] == pytest.approx([1.04])


@pytest.mark.parametrize("number", [0, 1])
def test_start_and_end_follow_the_corrected_clock(joined, monkeypatch, number):
    whole = list(read_frames(joined[number]))
    assert len(whole) == 100
    monkeypatch.setattr(decode, "SEEK_AFTER", 0.1)
    for start, end, first, last in ((2.4, 3.2, 60, 80), (1.2, 2.8, 30, 70), (0.4, 1.2, 10, 30)):
        part = list(read_frames(joined[number], start, end))
        assert [frame.timestamp for frame in part] == [40_000 * n for n in range(first, last)]
        for one, other in zip(part, whole[first:last], strict=True):
            np.testing.assert_array_equal(one.rgb, other.rgb)


@pytest.mark.parametrize("store", ["frames", "video"])
def test_a_build_follows_and_reports_the_corrected_clock(joined, tmp_path, capsys, store):
    rows = [("path", "label", "split", "start", "end")]
    rows += [(joined[0], "a", "train", "", ""), (joined[1], "b", "train", 1.6, 2.4)]
    steady = write(tmp_path / "steady.ts", "libx264", lambda k: 0)
    with open(tmp_path / "list.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([*rows, (steady, "b", "train", "", "")])
    options = {"store": store, "short_side": None, "progress": False}
    manifest = tfrecords.build(tmp_path / "list.csv", tmp_path / "data", **options)
    assert manifest.clock_jumps == tfrecords.read_manifest(tmp_path / "data").clock_jumps
    assert sorted(manifest.clock_jumps.values()) == [[2.0], [2.0]]
    assert all("steady" not in name for name in manifest.clock_jumps)
    printed = capsys.readouterr().out
    assert "2.00 s" in printed
    assert all(name in printed for name in manifest.clock_jumps)
    split = Split(tmp_path / "data", "train")
    assert sorted(split.videos["frames"].tolist()) == [20, 50, 100]
    np.testing.assert_allclose(split.videos["frame_rate"], 25)
    assert split.encoded.tolist() == [store == "video"] * 3
    if store == "video":
        part = next(k for k, name in enumerate(split.ids) if "@" in name)
        frames = [frame.rgb for frame in read_frames(joined[1], 1.6, 2.4)]
        stored = read_stored(split, part, np.arange(20))
        assert all(itertools.starmap(np.array_equal, zip(stored, frames, strict=True)))
    seconds = stats(tmp_path / "data", copies=False, progress=False).seconds("train")
    assert seconds.sum() == pytest.approx(6.8)


def test_real_joined_recordings(real_videos):
    path = real_videos / "faults" / "clock_jumps_one_hour.ts"
    times = list(read_times(path))
    assert (len(times), times[-1]) == (200, 7_960_000)
    assert len(list(read_times(path, fps=10))) == 80
    assert len(list(read_times(path, 5, 7))) == 50
