"""`stats` of data sets with planted copies, leaks and anomalies."""

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tfrecords.checks.thumbnails import few_frames
from tfrecords.checks.video_hashes import compare, hashes, likely_pairs
from tfrecords.format.manifest import write_manifest

QUIET = {"progress": False}
HEIGHT, WIDTH = 60, 80


def scene(place, motion, seconds=2.0, rate=20, start=0.0):
    """A film of discs on random paths (seed `motion`) over blurred noise (seed `place`)."""
    draws = np.random.default_rng(place)
    back = cv2.resize(draws.uniform(40, 200, (6, 8)).astype(np.float32), (WIDTH, HEIGHT))
    back = np.repeat(back[..., None], 3, axis=2)
    speeds, phases = np.random.default_rng(motion).uniform(1, 6, (2, 3, 2))
    frames = []
    for time in start + np.arange(round(seconds * rate)) / rate:
        frame = back.copy()
        for disc, where in enumerate(0.5 + 0.4 * np.sin(speeds * time + phases)):
            center = (int(where[0] * WIDTH), int(where[1] * HEIGHT))
            cv2.circle(frame, center, 8, (20.0, 90.0 * disc, 250.0), -1)
        frames.append(frame)
    return np.stack(frames).clip(0, 255).astype(np.uint8)


def still(place, noise):
    """A film without motion except noise."""
    film = np.repeat(scene(place, 0)[:1], 40, axis=0).astype(int)
    return (film + np.random.default_rng(noise).integers(-3, 4, film.shape)).clip(0, 255)


def write(folder, videos, classes=("a", "b")):
    """A data set of `(split, id, label, rate, frames, quality)`."""
    splits = {split for split, *_ in videos}
    for split in splits:
        folder.mkdir(exist_ok=True)
        with tf.io.TFRecordWriter(str(folder / f"{split}-00000-of-00001")) as writer:
            for own, name, label, rate, frames, quality in videos:
                if own == split:
                    writer.write(_record(name, classes[label], rate, frames, quality))
    data = folder.with_name(f"{folder.name} registered")
    tfrecords.import_records(folder, data, **QUIET)
    return data


def _record(name, label, rate, frames, quality):
    example = tf.train.SequenceExample()
    context = example.context.feature
    context["clip/media_id"].bytes_list.value[:] = [name.encode()]
    context["clip/label/text"].bytes_list.value[:] = [label.encode()]
    context["image/frame_rate"].float_list.value[:] = [rate]
    steps = example.feature_lists.feature_list["image/encoded"].feature
    for frame in frames:
        jpeg = cv2.imencode(".jpg", np.uint8(frame), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        steps.add().bytes_list.value[:] = [jpeg.tobytes()]
    return example.SerializeToString()


def resized(film, width, height):
    return [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in film]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Films, their copies, and films that only look like copies."""
    films = [scene(k, k + 100) for k in range(5)]
    bright = [np.uint8((frame * 0.85 + 30).clip(0, 255)) for frame in films[3]]
    videos = [("train", f"film {k}", k % 2, 20, film, 90) for k, film in enumerate(films)]
    videos += [
        ("val", "0 smaller", 0, 20, resized(films[0], 40, 32), 50),
        ("val", "1 cut", 1, 20, films[1][9:33], 90),
        ("val", "2 at half the rate", 0, 10, films[2][::2], 90),
        ("val", "3 brighter", 0, 20, bright, 80),
        ("train", "4 again", 0, 20, films[4], 90),
        ("val", "0 mirrored", 0, 20, films[0][:, :, ::-1], 90),
        ("val", "0 another take", 0, 20, scene(0, 7), 90),
        ("val", "1 backwards", 1, 20, films[1][::-1], 90),
        ("train", "still", 0, 20, still(9, 1), 90),
        ("val", "still again", 0, 20, still(9, 2), 90),
        ("train", "black", 1, 20, np.zeros((40, HEIGHT, WIDTH, 3)), 90),
        ("val", "black too", 1, 20, np.zeros((40, HEIGHT, WIDTH, 3)), 90),
    ]
    return write(tmp_path_factory.mktemp("planted") / "records", videos)


@pytest.fixture(scope="module")
def found(planted):
    return tfrecords.stats(planted, **QUIET)


def test_copies_are_found_and_nothing_else(found):
    pairs = {tuple(sorted(v.id for v in copy.videos)): copy for copy in found.copies}
    assert pairs.keys() == {
        ("0 smaller", "film 0"), ("1 cut", "film 1"), ("2 at half the rate", "film 2"),
        ("3 brighter", "film 3"), ("4 again", "film 4"),
    }  # fmt: skip
    assert {names for names, copy in pairs.items() if copy.identical} == {("4 again", "film 4")}
    assert {names for names, copy in pairs.items() if not copy.torn} == {("4 again", "film 4")}
    assert [copy.torn for copy in found.copies] == [True] * 4 + [False]
    assert {video.id for video in found.blank} == {"black", "black too"}


def test_the_text_begins_with_the_problems(found, planted):
    lines = str(found).splitlines()
    assert lines[0] == f"{planted}: 2 classes, videos: train 8, val 9"
    assert lines[2].startswith("  ! Copies in different splits: 4 pairs, 0 of them identical.")
    assert "      train film 1 = val 1 cut" in lines
    assert "      train film 4 = train 4 again (identical)" in lines
    assert "  ! Copies with different classes: 1 pair, 0 of them identical." in lines  # film 3
    assert "  ! Blank videos, all of a single color: 2." in lines
    assert re.search(r"train +8 +320 +0\.00 +2\.0, 2\.0, 2\.0 +20 +80x60", str(found))
    assert lines[-2:] == ["a          5    6", "b          3    3"]


def test_json_has_the_whole_report(found):
    content = json.loads(json.dumps(found.as_json()))
    assert [len(content[key]) for key in ("copies", "blank", "classes")] == [5, 2, 2]
    assert content["classes"][0] == {"name": "a", "videos": {"train": 5, "val": 6}}
    assert content["splits"]["val"]["sizes"] == {"80x60": 8, "40x32": 1}
    assert content["splits"]["val"]["frame_rates"] == {"20": 8, "10": 1}
    assert content["splits"]["train"]["seconds"] == {
        "sum": 16.0, "least": 2.0, "median": 2.0, "most": 2.0
    }  # fmt: skip
    assert content["findings"][0].startswith("Copies in different splits: 4 pairs")


def test_the_search_for_copies_is_optional(planted, monkeypatch):
    monkeypatch.setattr("tfrecords.checks.thumbnails.read_frames", None)
    found = tfrecords.stats(planted, copies=False, **QUIET)
    assert found.copies is None
    assert "opies" not in str(found)
    assert found.as_json()["copies"] is None


def test_groups_in_several_splits(planted, tmp_path):
    manifest = tfrecords.read_manifest(planted)
    for path in planted.iterdir():
        (tmp_path / path.name).symlink_to(path.resolve())
    (tmp_path / "dataset.json").unlink()
    groups = {"film 0": "x", "0 smaller": "x", "0 mirrored": "x", "film 1": "y", "film 2": "y"}
    write_manifest(tmp_path, replace(manifest, groups=groups))
    found = tfrecords.stats(tmp_path, copies=False, **QUIET)
    assert found.groups == {"x": {"train": ["film 0"], "val": ["0 smaller", "0 mirrored"]}}
    assert "  ! Groups in several splits: 1 of 2." in str(found)
    assert "      'x': 1 in train, 2 in val" in str(found).splitlines()


def test_unusual_classes_and_lengths_are_reported(tmp_path):
    gray = np.full((1, 16, 16, 3), 100)
    videos = [("train", f"{k}", 0, 25.0, gray, 50) for k in range(40)]
    videos += [
        ("train", "long", 1, 10.0, np.repeat(gray, 30, 0), 50),
        ("val", "v", 2, 50.0, gray, 50),
    ]
    found = tfrecords.stats(write(tmp_path / "r", videos, ("a", "b", "c")), copies=False, **QUIET)
    assert [line.partition(":")[0] for line in found.as_json()["findings"]] == [
        "Classes without videos in train",
        "Classes without videos in val",
        "Classes with fewer than 10 training videos",
        "Imbalanced classes",
        "Videos shorter than the 64 frames of a default clip, which are looped (see --interval)",
        "Videos more than 10 times longer than the median of 0.0 s",
        "Frame rates from 10 to 50 per second",
    ]
    assert "Classes without videos in train: 1 (c)." in str(found)
    assert "1, up to 3 s (long)" in str(found)


def test_many_classes_make_a_short_table(tmp_path):
    gray = np.full((70, 16, 16, 3), 100)
    videos = [("train", f"{k}", k, 25.0, gray[: 1 + k % 2], 50) for k in range(50)]
    found = tfrecords.stats(
        write(tmp_path / "r", videos, [f"c{k:02d}" for k in range(50)]), copies=False, **QUIET
    )
    assert "(the 20 smallest and the 20 largest classes)" in str(found)
    assert "c25" not in str(found).partition("class  ")[2]


def test_a_long_name_of_a_class_does_not_widen_the_text(tmp_path):
    gray = np.full((1, 16, 16, 3), 100)
    videos = [("train", f"{k}", 0, 25.0, gray, 50) for k in range(40)]
    videos += [("train", "v", 1, 25.0, gray, 50)]
    root = write(tmp_path / "r", videos, ("long " * 100 + "x", "b"))
    found = tfrecords.stats(root, copies=False, **QUIET)
    begin = "long long long long long long l…"
    assert f"Imbalanced classes: 40 training videos of {begin}, 1 of b." in str(found)
    assert f"{begin}     40" in str(found).splitlines()
    assert found.as_json()["classes"][1]["name"] == "long " * 100 + "x"


# The search for copies


def test_similar_hashes_are_found_among_many():
    """The time is linear in the number of videos: 20,000 videos, 50 with a copy."""
    draws = np.random.default_rng(0)
    hashed = draws.integers(1, 1 << 63, (20_000, 2, 8), dtype=np.uint64)
    flips = np.uint64(1) << draws.integers(0, 63, (3, 50, 2, 8)).astype(np.uint64)
    hashed[10_000:10_050] = hashed[:50] ^ flips[0] ^ flips[1] ^ flips[2]
    assert likely_pairs(hashed) == [(k, 10_000 + k) for k in range(50)]


def test_candidates_per_video_are_limited():
    """Films of one static camera have similar hashes, but few pairs are compared."""
    hashed = np.full((2000, 2, 8), 12345, np.uint64)
    pairs = likely_pairs(hashed)
    assert len(pairs) <= 2000 * 16
    assert all(one < other for one, other in pairs)


def test_too_few_videos_for_a_pair():
    assert likely_pairs(np.zeros((0, 2, 8), np.uint64)) == []
    assert likely_pairs(np.ones((1, 2, 8), np.uint64)) == []


def test_a_film_is_its_own_copy_and_dark_ones_are_not(planted):
    split = tfrecords.reading.split.Split(planted, "train")
    films = [few_frames(split, video, 32) for video in range(len(split))]
    for name, film in zip(split.ids, films, strict=True):
        motion, picture = compare(film, film)
        if name in ("still", "black"):
            assert motion < 0.4 or picture == 0
        else:
            assert min(motion, picture) > 0.99
    assert not hashes(films[split.ids.index("black")]).any()
