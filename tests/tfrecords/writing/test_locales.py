"""A source is read equally in every locale."""

import os
import subprocess
import sys
from dataclasses import asdict

import cv2
import numpy as np
import pytest

import tfrecords
from tfrecords.format.manifest import FILE, read_manifest
from tfrecords.format.record import VideoEntry
from tfrecords.sources.file_names import as_text, file_of
from tfrecords.writing.fingerprint import digest, fingerprints

C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
OPTIONS = {"short_side": 16, "workers": 1, "progress": False, "val_fraction": 0.0}
NAMES = ("прыжок/ü.mp4", "跳/é.mp4")


@pytest.fixture
def build_in_c():
    """`build_in_c(folder, source, out)` builds in a locale of ASCII only."""

    def build(folder, source, out, **options):
        code = (
            "import sys, tfrecords\nfor stream in (sys.stdout, sys.stderr):\n"
            "    stream.reconfigure(errors='backslashreplace')\n"
            f"tfrecords.build({source!r}, {out!r}, **{OPTIONS | options!r})"
        )
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, capture_output=True, check=False, cwd=folder, env={**os.environ, **C}
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return build


@pytest.fixture
def source(tmp_path, write_video):
    """A folder of videos and frames, and lists of them, with names that are not ASCII."""
    for name in NAMES:
        write_video(tmp_path / "videos" / name, frames=3, size=(16, 16))
    frames = tmp_path / "videos" / "跳" / "ö"
    frames.mkdir()
    image = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1]
    (frames / "ä.jpg").write_bytes(image.tobytes())
    rows = [f"videos/{name},{name[0]}" for name in NAMES]
    text = "\n".join(["path,label", *rows, "videos/跳/ö,b"])
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    lines = "".join(f"{name} {n}\n" for n, name in enumerate(NAMES))
    (tmp_path / "videos" / "train.txt").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("name", "options", "videos"), [
    ("videos", {}, 3), ("list.csv", {"store": "video"}, 3), ("videos", {"format": "mmaction2"}, 2),
])  # fmt: skip
def test_a_build_is_the_same_in_every_locale(
    source, build_in_c, monkeypatch, name, options, videos
):
    build_in_c(source, name, "data", **options)
    manifest = read_manifest(source / "data")
    assert len(manifest.ids("train")) == videos
    assert manifest.failures == ()
    monkeypatch.chdir(source)
    again = tfrecords.build(name, source / "data", **OPTIONS, **options)
    assert again == manifest
    tfrecords.build(name, source / "other", **OPTIONS, **options)
    assert (source / "other" / FILE).read_bytes() == (source / "data" / FILE).read_bytes()


def test_the_digest_of_old_data_sets_is_unchanged(tmp_path, write_video):
    for name in ("a/1.mp4", "b/2.mp4"):
        write_video(tmp_path / "videos" / name, frames=2, size=(16, 16))
    manifest = tfrecords.build(tmp_path / "videos", tmp_path / "data", **OPTIONS)
    entries = [VideoEntry(f"{n}", f"{n}.mp4", n[0], "train") for n in ("a/1", "b/2")]
    assert manifest.source["asked"]["entries"] == digest([*map(asdict, entries)])


def test_names_that_are_not_utf8_and_impossible_file_names(tmp_path):
    raw = os.fsdecode(b"\xfc\xe9.mp4")
    (tmp_path / raw).write_bytes(b"12")
    entries = [
        VideoEntry(str(n), p, "x", "") for n, p in enumerate((as_text(raw), "\ud800", "a\0"))
    ]
    assert file_of(tmp_path, entries[0].path).exists()
    found = fingerprints(tmp_path, entries)
    assert found["0"].startswith("2 bytes")
    assert [found["1"], found["2"]] == ["missing", "missing"]
