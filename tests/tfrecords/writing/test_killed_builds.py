"""A build that is killed at any moment resumes and ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tfrecords
from tfrecords.format.manifest import FILE, UNFINISHED

OPTIONS = {"short_side": 32, "workers": 2, "progress": False, "shards": 2}
COMMAND = f"""import signal, sys, tfrecords
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits it ignored
tfrecords.build(*sys.argv[1:], **{OPTIONS!r})"""


def decoders_of(marker):
    """Decoder processes of the builds that were started with a marker."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environ = (process / "environ").read_bytes()
        except OSError:
            continue
        if b"tfrecords.writing.decoder_process" in command and marker.encode() in environ:
            found.append(int(process.name))
    return found


def recorded(out):
    """The finished shards and their modification times."""
    names = [path.name.removesuffix(".json") for path in (out / UNFINISHED).glob("*.tfrecord.json")]
    return {name: (out / name).stat().st_mtime_ns for name in names}


def stop(videos, out, number, delay):
    """Starts a build and sends it a signal some time after its first work.

    Returns how it ended, and the shards that were done then.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(videos), str(out)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "BUILD_MARKER": str(out)},
    )
    deadline = time.monotonic() + 60
    while not (out / UNFINISHED / "spool").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(number)
    ended = process.wait(30)
    done = recorded(out)
    while decoders_of(str(out)):
        assert time.monotonic() < deadline, "a decoding process is left"
        time.sleep(0.02)
    return ended, done


def stop_often(videos, out, content, built, signals, random):
    """Stops builds of a folder at random moments, then finishes one; returns their exit codes."""
    ended, done = [], {}
    for number in signals:
        code, done = stop(videos, out, number, random.uniform(0, 0.7))
        ended.append(code)
    tfrecords.build(videos, out, **OPTIONS)
    assert content(out) == content(built)
    assert {name: (out / name).stat().st_mtime_ns for name in done} == done
    return ended


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.long)])
@pytest.mark.timeout(1800)
def test_a_build_killed_at_random_moments_ends_with_the_same_bytes(
    videos, built, content, tmp_path, kills
):
    """Shards that were recorded before a kill are not written again."""
    seed, ended = int.from_bytes(os.urandom(4)), []
    print("seed", seed)
    random = np.random.default_rng(seed)
    while ended.count(-signal.SIGKILL) < kills:
        out = tmp_path / str(len(ended))
        ended += stop_often(videos, out, content, built, [signal.SIGKILL] * 3, random)
    print(f"{ended.count(-signal.SIGKILL)} of {len(ended)} builds killed before they ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_or_terminated_build_cleans_up(videos, built, content, tmp_path, number):
    code, _ = stop(videos, tmp_path / "data", number, 0)
    assert code != 0
    assert not (tmp_path / "data" / UNFINISHED / "spool").exists()
    tfrecords.build(videos, tmp_path / "data", **OPTIONS)
    assert content(tmp_path / "data") == content(built)


def test_a_partial_record_of_a_shard_is_ignored(videos, built, content, tmp_path):
    """Remains of a power failure: temporary files, a shard without its index or record."""
    out = tmp_path / "data"
    stop(videos, out, signal.SIGKILL, 0)
    for name in ("plan.json.tmp", "x.tfrecord.json.tmp", "spool/train-00000.tfrecord.abc/3"):
        (out / UNFINISHED / name).parent.mkdir(parents=True, exist_ok=True)
        (out / UNFINISHED / name).write_text("half", encoding="utf-8")
    for shard in ("train-00000-of-00002", "val-00001-of-00002"):
        (out / f"{shard}.tfrecord").write_bytes(b"half")
        (out / f"{shard}.index").unlink(missing_ok=True)
    (out / f"{FILE}.tmp").write_text("half", encoding="utf-8")
    tfrecords.build(videos, out, **OPTIONS)
    assert content(out) == content(built)
