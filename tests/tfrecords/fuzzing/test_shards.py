"""Damaged data sets in verify and clips. Since checksums cover every byte, all damage is found.

A mutant is read as the sound data set is, frame for frame, or named; `verify` names all of them.
"""

import hashlib
import json
import random
import shutil
import struct
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tfrecords.format.index import (
    FRAME_DTYPE,
    HEADER_DTYPE,
    VIDEO_DTYPE,
    BadIndex,
    index_path,
    read_index,
)
from tfrecords.format.manifest import FILE, checksum, read_manifest

from .mutants import NUMBERS, mutant
from .originals import FRAMES, write_original

SEVERAL, MANY = 50, 2000
VIDEOS = ("h264.mp4", "mjpeg.avi", "vp9.webm")
HEADER_FIELDS = ("version", "videos", "frames", "shard_size")


@pytest.fixture(scope="module", params=["frames", "video"])
def sound(request, tmp_path_factory):
    """A data set of two shards of three videos, as JPEGs or encoded."""
    top = tmp_path_factory.mktemp("sound")
    for label in "ab":
        (top / "videos" / label).mkdir(parents=True)
        for name in VIDEOS:
            write_original(top / "videos" / label / name)
    options = {"short_side": 32, "val_fraction": 0.0, "shards": 2, "progress": False}
    manifest = tfrecords.build(top / "videos", top / "data", store=request.param, **options)
    assert not manifest.as_frames
    return top / "data"


@pytest.fixture(scope="module")
def pixels(sound):
    return read(sound)


def read(data: Path) -> np.ndarray:
    """Every frame of every video."""
    options = {"num_frames": FRAMES, "interval": 1, "image_size": 32, "batch_size": 4}
    return np.concatenate([c for c, _ in tfrecords.clips(data, training=False, **options)])


def reading(data: Path, pixels: np.ndarray) -> str:
    """`"same"`, `"named"`, or how else it ended."""
    try:
        return "same" if np.array_equal(read(data), pixels) else "other pixels"
    except ValueError as error:
        return named(data, error)
    except tf.errors.OpError as error:
        return named(data, tfrecords.data_error(error) or f"unforeseen: {error}")


def checking(data: Path) -> str:
    """`"same"` or `"named"`, as `verify` has it."""
    try:
        report = tfrecords.verify(data, progress=False)
    except ValueError as error:
        return named(data, error)
    return "same" if report.ok else named(data, report)


def named(data: Path, sentence: object) -> str:
    return "named" if str(data) in str(sentence) else str(sentence)


def damage(data: Path, number: int) -> str:
    """Damages a file of a data set; mutant k is deterministic."""
    draw = random.Random(f"data set {number}")
    path = draw.choice(sorted(data.iterdir()))
    other = draw.choice([p for p in sorted(data.glob(f"*{path.suffix}")) if p != path] or [path])
    kind = draw.choice([*["bytes"] * 8, *["field"] * 4, "missing", "empty", "exchanged"])
    if kind == "field" and path.suffix == ".index":
        path.write_bytes(with_other_field(path.read_bytes(), draw))
    elif kind == "missing":
        path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "exchanged" and other != path:
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)
    else:
        path.write_bytes(mutant(path.read_bytes(), path.name, number)[1])
    return path.suffix


def with_other_field(content: bytes, draw: random.Random) -> bytes:
    """An index with a wrong count, length or offset."""
    changed = np.frombuffer(bytearray(content), np.uint8)
    videos = int(changed[: HEADER_DTYPE.itemsize].view(HEADER_DTYPE)[0]["videos"])
    split = HEADER_DTYPE.itemsize + videos * VIDEO_DTYPE.itemsize
    header = changed[: HEADER_DTYPE.itemsize].view(HEADER_DTYPE)
    videos = changed[HEADER_DTYPE.itemsize : split].view(VIDEO_DTYPE)
    rows = draw.choice([header, videos, changed[split:].view(FRAME_DTYPE)])
    names = HEADER_FIELDS if rows is header else rows.dtype.names
    row, name = rows[draw.randrange(len(rows)) :][:1], draw.choice(names)
    before, size = row[name].copy(), row[name].dtype.itemsize
    while np.array_equal(row[name], before):
        near = int(before[0]) + draw.choice([-1, 1]) if name != "frame_rate" else 7
        value = draw.choice([*NUMBERS, near, len(content), draw.getrandbits(64)])
        row[name] = np.frombuffer(struct.pack("<Q", value & (1 << 64) - 1)[:size], row[name].dtype)
    return changed.tobytes()


def fuzz(sound: Path, pixels: np.ndarray, folder: Path, count: int) -> dict[str, Counter]:
    table = {}
    whole = read_manifest(sound)
    for number in range(count):
        data = shutil.copytree(sound, folder / f"{number:04d}")
        kind = damage(data, number)
        found, checked = reading(data, pixels), checking(data)
        assert found in ("same", "named"), (number, found)
        if kind == ".json" and checked == "same":  # spaces or the escape of a letter
            assert (found, read_manifest(data)) == ("same", whole), number
        else:
            assert checked == "named", number
        table.setdefault(kind, Counter())[found] += 1
        shutil.rmtree(data)
    return table


def forge(data: Path, number: int) -> None:
    """Damages an index and updates all checksums of the data set."""
    draw = random.Random(f"forged {number}")
    path = draw.choice(sorted(data.glob("*.index")))
    content = path.read_bytes()
    field = draw.random() < 0.8
    path.write_bytes(with_other_field(content, draw) if field else mutant(content, number)[1])
    manifest = json.loads((data / FILE).read_text(encoding="utf-8"))
    (shard,) = [s for s in manifest["shards"] if index_path(s["file"]).name == path.name]
    shard["index_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    del manifest["checksum"]
    (data / FILE).write_text(
        json.dumps({**manifest, "checksum": checksum(manifest)}), encoding="utf-8"
    )


def rows_lie_inside(path: Path) -> bool:
    """Whether an index is rejected or all its offsets are inside its shard."""
    try:
        index = read_index(path)
    except BadIndex:
        return True
    rows = [(int(row["offset"]), int(row["length"])) for row in index.frames]
    own = [len(index.pieces(number)) for number in range(len(index.videos))]
    return all(0 <= o <= o + n <= index.shard_size for o, n in rows) and sum(own) == len(rows)


def fuzz_forged(sound: Path, pixels: np.ndarray, folder: Path, count: int) -> Counter:
    table, allowed = Counter(), ("same", "named")
    if read_manifest(sound).frame.get("store") == "video":
        allowed += ("other pixels",)  # a forged index may refer to another packet of the same video
    for number in range(count):
        data = shutil.copytree(sound, folder / f"{number:04d}")
        forge(data, number)
        tracemalloc.start()
        assert all(rows_lie_inside(path) for path in data.glob("*.index")), number
        assert tracemalloc.get_traced_memory()[1] < 1 << 20, number
        tracemalloc.stop()
        found = reading(data, pixels)
        assert found in allowed, (number, found)
        assert checking(data) in ("same", "named"), number
        table[found] += 1
        shutil.rmtree(data)
    return table


def show(table: dict[str, Counter]) -> None:
    print("\n| damaged | mutants | read right | named by clips |\n|---|---|---|---|")
    for kind, row in [*sorted(table.items()), ("all", sum(table.values(), Counter()))]:
        print(f"| {kind} | {row.total()} | {row['same']} | {row['named']} |")


def test_damaged_data_sets_are_read_correctly_or_reported(sound, pixels, tmp_path):
    table = fuzz(sound, pixels, tmp_path, SEVERAL)
    show(table)
    assert set(table) == {".json", ".index", ".tfrecord"}


def test_an_index_with_forged_checksums_stays_within_its_shard(sound, pixels, tmp_path):
    assert fuzz_forged(sound, pixels, tmp_path, SEVERAL // 2).total() == SEVERAL // 2


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_thousands_of_damaged_data_sets_are_read_correctly_or_reported(
    sound, pixels, tmp_path, capsys
):
    table = fuzz(sound, pixels, tmp_path, MANY)
    table["forged .index"] = fuzz_forged(sound, pixels, tmp_path, MANY // 4)
    with capsys.disabled():
        show(table)
