"""Estimates of a build from a sample, and disks that are too small."""

import shutil
from types import SimpleNamespace

import pytest

import tfrecords
from tfrecords.format.manifest import UNFINISHED
from tfrecords.storage.disk_space import FullDisk
from tfrecords.writing import estimate
from tfrecords.writing.decoder_pool import BuildError

OPTIONS = {"short_side": 96, "workers": 1, "progress": False}


@pytest.fixture
def disk(monkeypatch):
    """`disk(free)` sets the free bytes of every disk."""

    def make(free):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))

    return make


def shard_bytes(manifest):
    return sum(shard.bytes for shard in manifest.all_shards)


def test_an_estimate_is_close_to_the_build(videos, tmp_path, capsys):
    """Twenty of twenty-four videos of 4 to 11 frames; nothing is written."""
    out = tmp_path / "data"
    found = tfrecords.build(videos, out, estimate=True, **{**OPTIONS, "workers": 2})
    assert not out.exists()
    assert (found.videos, found.sampled, found.failed, found.workers) == (24, 20, 0, 2)
    needed = shard_bytes(tfrecords.build(videos, out, **OPTIONS))
    assert found.bytes == pytest.approx(needed, rel=0.2)
    assert 0 < found.error < 0.5
    assert found.spool <= found.bytes
    assert 0 < found.seconds < 60
    printed = capsys.readouterr().out
    assert "24 videos with 2 workers: about" in printed
    assert "are free on the disk of" in printed
    assert "From 20 videos" in printed


def test_twice_the_workers_take_half_the_time(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "_decode", lambda task, sample, workers: decoded(sample))

    def decoded(sample):
        sizes = estimate._weights(videos, sample) * 10
        return sizes / 1000, sizes, ()

    one, four = (
        tfrecords.build(videos, tmp_path / "data", estimate=True, **{**OPTIONS, "workers": n})
        for n in (1, 4)
    )
    source = sum(path.stat().st_size for path in videos.rglob("*.mp4"))
    assert one.bytes == four.bytes == 10 * source
    assert one.seconds == pytest.approx(source / 100)
    assert four.seconds == pytest.approx(source / 400)
    assert one.error == pytest.approx(0, abs=1e-6)


def test_the_cost_of_segments_is_proportional_to_their_length(tmp_path, write_video):
    """Forty short segments and one of forty times their length, from two files."""
    for name in "ab":
        write_video(tmp_path / f"{name}.mp4", frames=50)
    rows = [
        f"{'ab'[n % 2]}.mp4,{'ab'[n % 2]},{n * 0.04:.2f},{n * 0.04 + 0.04:.2f}\n" for n in range(40)
    ]
    file = tmp_path / "list.csv"
    file.write_text("path,label,start,end\n" + "".join(rows) + "a.mp4,a,0,1.6\n", encoding="utf-8")
    found = tfrecords.build(file, tmp_path / "data", estimate=True, **OPTIONS)
    needed = shard_bytes(tfrecords.build(file, tmp_path / "data", **OPTIONS))
    assert found.bytes == pytest.approx(needed, rel=0.3)


def test_an_estimate_tells_of_videos_that_cannot_be_read_and_of_what_is_left(
    videos, tmp_path, monkeypatch
):
    source, out = tmp_path / "videos", tmp_path / "data"
    shutil.copytree(videos, source, ignore=shutil.ignore_patterns("clip [67].mp4"))
    (source / "a.b" / "clip 0.mp4").write_bytes(b"no film")
    found = tfrecords.build(source, out, estimate=True, **OPTIONS)
    assert (found.sampled, found.failed, found.error) == (18, 1, 0.0)
    assert "From 18 videos; " in str(found)
    assert "1 of them could not be read" in str(found)
    with monkeypatch.context() as patch:
        patch.setattr("tfrecords.writing.summary.Manifest", raises(RuntimeError))
        with pytest.raises(RuntimeError):
            tfrecords.build(source, out, **OPTIONS)
    with pytest.raises(
        BuildError, match=r"All shards of .* are written\. Build without --estimate"
    ):
        tfrecords.build(source, out, estimate=True, **OPTIONS)
    (out / UNFINISHED / "val-00000-of-00001.tfrecord.json").unlink()
    found = tfrecords.build(source, out, estimate=True, **OPTIONS)
    assert found.videos == 3
    with pytest.raises(BuildError, match="cannot be resumed: quality is 50, was 95"):
        tfrecords.build(source, out, estimate=True, quality=50, **OPTIONS)


def raises(error):
    def function(*_, **__):
        raise error

    return function


def test_a_disk_that_is_clearly_too_small_stops_a_build_before_it_starts(videos, tmp_path, disk):
    out = tmp_path / "data"
    disk(1000)
    for options in ({"estimate": True}, {}):
        with pytest.raises(
            FullDisk, match=r"too small: 24 videos will need about .* are free\. Free"
        ):
            tfrecords.build(videos, out, **options, **OPTIONS)
        assert not list(out.glob("*.tfrecord"))
    disk(10**6)  # small, but sufficient
    tfrecords.build(videos, out, **OPTIONS)


def test_nothing_is_decoded_if_the_disk_is_large(videos, tmp_path, disk, monkeypatch):
    monkeypatch.setattr(estimate, "_decode", raises(RuntimeError))
    disk(10**15)
    tfrecords.build(videos, tmp_path / "data", **OPTIONS)
    disk(10**4)
    with pytest.raises(RuntimeError):
        tfrecords.build(videos, tmp_path / "other", **OPTIONS)


def test_the_printed_estimate(tmp_path):
    figures = {"videos": 5, "sampled": 5, "failures": (), "workers": 2, "error": 0.125}
    found = estimate.Estimate(
        tmp_path, seconds=5400.0, bytes=2_500_000_000, spool=12_340_000, free=3 * 10**12, **figures
    )
    assert str(found) == (
        "5 videos with 2 workers: about 1.5 hours, 2.5 GB of shards and up to 12.3 MB more while "
        f"it runs; 3.0 TB are free on the disk of {tmp_path}.\n"
        "(From 5 videos; the size may be off by 12%.)"
    )


def test_only_unreadable_videos_are_reported_without_figures(tmp_path):
    for name in ("a/1.mp4", "a/2.mp4", "b/1.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).write_bytes(b"no film")
    found = tfrecords.build(tmp_path / "videos", tmp_path / "data", estimate=True, **OPTIONS)
    assert [failure.path for failure in found.failures] == ["a/1.mp4", "a/2.mp4", "b/1.mp4"]
    assert all(path in str(found) for path in ("a/1.mp4", "a/2.mp4", "b/1.mp4"))
    assert all(failure.reason in str(found) for failure in found.failures)
    assert "MB" not in str(found)
    assert "%" not in str(found)
