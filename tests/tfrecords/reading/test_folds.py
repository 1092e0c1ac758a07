"""Folds: a partition, even in each class, that keeps groups whole; and splits read by them."""

from dataclasses import replace

import numpy as np
import pytest

import tfrecords
from tfrecords.format.manifest import read_manifest, write_manifest
from tfrecords.reading.folds import fold_numbers
from tfrecords.reading.split import Split

NAMES = tuple("abcdef")


def named_videos(count):
    return [f"video {number}" for number in range(count)]


@pytest.mark.parametrize("seed", range(8))
def test_folds_without_groups_differ_by_at_most_one_video_of_each_class(seed):
    rng = np.random.default_rng(seed)
    folds = int(rng.integers(2, 7))
    labels = np.concatenate([np.arange(4).repeat(folds), rng.integers(0, 4, rng.integers(0, 90))])
    found = fold_numbers(named_videos(len(labels)), labels, {}, folds, NAMES)
    assert found.shape == labels.shape
    assert set(found) == set(range(folds))
    for own in (found, *(found[labels == label] for label in range(4))):
        assert np.ptp(np.bincount(own, minlength=folds)) <= 1


@pytest.mark.parametrize("seed", range(8))
def test_a_fold_does_not_depend_on_the_order_of_the_videos(seed):
    rng = np.random.default_rng(seed)
    ids, labels = np.array(named_videos(60)), np.arange(60) % 6
    groups = {name: f"group {rng.integers(0, 30)}" for name in ids if rng.random() < 0.6}
    found = fold_numbers(ids, labels, groups, 3, NAMES)
    order = rng.permutation(60)
    again = fold_numbers(ids[order], labels[order], groups, 3, NAMES)
    assert again.tolist() == found[order].tolist()


@pytest.mark.parametrize("seed", range(8))
def test_groups_of_one_class_are_whole_and_differ_by_at_most_the_largest_group(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, (4, 12))  # twelve groups of each class
    labels = np.arange(4).repeat(sizes.sum(axis=1))
    units = np.arange(48).repeat(sizes.ravel())
    ids = named_videos(len(labels))
    groups = {name: f"group {unit}" for name, unit in zip(ids, units, strict=True)}
    found = fold_numbers(ids, labels, groups, 5, NAMES)
    assert all(len(set(found[units == unit])) == 1 for unit in range(48))
    for label in range(4):
        counts = np.bincount(found[labels == label], minlength=5)
        assert counts.min() > 0
        assert np.ptp(counts) <= sizes[label].max()


def test_groups_with_videos_of_every_class_are_spread_evenly():
    """Ten people who each perform all actions, as in KTH."""
    ids, labels = named_videos(60), np.arange(60) % 6
    groups = {name: f"person {number // 6}" for number, name in enumerate(ids)}
    found = fold_numbers(ids, labels, groups, 5, NAMES)
    assert (found.reshape(10, 6) == found.reshape(10, 6)[:, :1]).all()
    assert np.bincount(found).tolist() == [12] * 5


def test_segments_of_a_file_are_a_group_in_old_data_sets():
    ids = [f"{file}@{start}-{start + 1}" for file in "abcd" for start in range(5)]
    found = fold_numbers(ids, np.zeros(20, int), {}, 2, NAMES)
    assert (found.reshape(4, 5) == found.reshape(4, 5)[:, :1]).all()


def test_the_folds_of_a_data_set_never_change():
    """If they did, a cross-validation would go on with videos that it has trained on."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2])
    found = fold_numbers(named_videos(12), labels, {"video 0": "x", "video 4": "x"}, 3, NAMES)
    assert found.tolist() == [0, 2, 1, 1, 0, 1, 0, 2, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("labels", "groups", "words"),
    [
        ([0, 0, 0, 1], {}, "A class must have at least 2 videos .*, received 1 of 'b'"),
        ([0, 0, 1, 1, 1], {}, "folds must be at most 2, the number of videos of the class 'a'"),
        ([0, 0, 0, 1, 1, 1], "xyzxyy", "at most 2, the number of groups of the class 'b', .* 3"),
        ([0, 0, 0, 1, 1], "xyzuu", "several groups .* received only the group 'u' of 'b'"),
    ],
)
def test_a_class_that_cannot_be_divided_is_named(labels, groups, words):
    ids = named_videos(len(labels))
    with pytest.raises(ValueError, match=words):
        fold_numbers(ids, np.array(labels), dict(zip(ids, groups, strict=False)), 3, NAMES)


def test_a_class_that_groups_of_several_classes_put_into_one_fold_is_named():
    """Found by a random search: two of three groups have b, and the largest group is alone."""
    labels = np.array([1, 0, 1, 0, 3, 3, 1, 3, 2, 3, 1, 0, 0, 3, 2, 2, 3, 3])
    ids = named_videos(18)
    groups = dict(zip(ids, "020111000021221021", strict=True))
    with pytest.raises(ValueError, match="in several folds, but all videos of 'b' would be in one"):
        fold_numbers(ids, labels, groups, 2, NAMES)


def test_a_class_without_videos_is_no_obstacle():
    assert set(fold_numbers(named_videos(4), np.array([0, 0, 2, 2]), {}, 2, NAMES)) == {0, 1}


@pytest.fixture(scope="module")
def data(synthetic, tmp_path_factory):
    """Nine training and four validation videos of two classes, in two shards each; one test."""
    videos = {
        "train": [(4 + k, 16, 24, k % 2) for k in range(9)],
        "val": [(4 + k, 24, 16, k % 2) for k in range(4)],
        "test": [(4, 16, 16, 0)],
    }
    data = synthetic.write_dataset(tmp_path_factory.mktemp("folds") / "data", videos)
    groups = {f"video {k}": f"group {k // 2}" for k in range(8)}
    write_manifest(data, replace(read_manifest(data), groups=groups))
    return data


def test_splits_are_read_together_in_the_order_given(data):
    train, val = (Split(data, name) for name in ("train", "val"))
    both, turned = Split(data, "train+val"), Split(data, "val+train")
    assert both.ids == train.ids + val.ids
    assert turned.ids == val.ids + train.ids
    assert both.videos.tolist() == train.videos.tolist() + val.videos.tolist()
    assert both.read(9, np.arange(3)) == val.read(0, np.arange(3))
    assert (both.base, both.rows.tolist()) == ("train+val", list(range(13)))


def test_a_fold_and_the_others_are_the_base(data):
    base = Split(data, "train+val")
    held_out = []
    for fold in range(3):
        own = Split(data, f"train+val:fold-{fold}-of-3")
        others = Split(data, f"train+val:all-but-{fold}-of-3")
        assert sorted([*own.rows, *others.rows]) == list(range(13))
        for part in (own, others):
            assert part.base == "train+val"
            assert part.ids == tuple(base.ids[row] for row in part.rows)
            assert part.videos.tolist() == base.videos[part.rows].tolist()
            last = len(part) - 1
            frames = np.arange(4)
            assert part.read(last, frames) == base.read(int(part.rows[last]), frames)
        held_out += own.ids
    assert sorted(held_out) == sorted(base.ids)


def test_clips_are_those_of_the_fold(data):
    view = {"num_frames": 2, "interval": 1, "image_size": 16, "batch_size": 3, "with_ids": True}
    batches = tfrecords.clips(data, "train+val:fold-1-of-3", **view)
    found = [name.decode() for batch in batches for name in batch["id"].numpy()]
    assert found == list(Split(data, "train+val:fold-1-of-3").ids)
    training = tfrecords.clips(data, "train+val:all-but-1-of-3", training=True, epoch=0, **view)
    shown = {name.decode() for batch in training for name in batch["id"].numpy()}
    assert not shown & set(found)


def test_the_manifest_knows_several_splits_but_no_folds(data):
    manifest = read_manifest(data)
    assert manifest.ids("val+train") == manifest.ids("val") + manifest.ids("train")
    assert manifest.num_videos("train+val") == 13
    with pytest.raises(ValueError, match=r"without a fold here, .* 'train:fold-0-of-2'\. Use `tfr"):
        manifest.ids("train:fold-0-of-2")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("train+vla", "one of train, val, test, received 'vla' in 'train\\+vla'"),
        ("vla:fold-0-of-2", "one of train, val, test, received 'vla'"),
        ("train:fold-2-of-2", "a fold from 0 to 1, received"),
        (
            "train+val:fold-0-of-7",
            "at most 6, the number of videos of .* 'swipe_left', .* 7",
        ),
        ("test:fold-0-of-2", "received 1 of 'wave'"),
    ],
)
def test_a_split_that_does_not_exist_is_refused(data, split, words):
    with pytest.raises(ValueError, match=words):
        tfrecords.clips(data, split)
