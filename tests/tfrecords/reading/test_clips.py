"""The order of samples, epochs, steps and shards; the content of batches; fit on two devices."""

import gc
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tfrecords.reading.epoch_order import shuffled
from tfrecords.reading.split import Split

COUNT, BATCH = 22, 4
SMALL = {"image_size": 16, "num_frames": 2, "batch_size": BATCH, "with_ids": True}


@pytest.fixture(scope="module")
def data(synthetic, tmp_path_factory):
    """22 training videos in 3 shards, of the classes wave, swipe_left, swipe_right, jump."""
    videos = {
        "train": [(40 + k, 64, 96, k % 4) for k in range(COUNT)],
        "val": [(30, 64, 96, 0), (25, 96, 64, 3), (7, 64, 64, 1)],
    }
    return synthetic.write_dataset(tmp_path_factory.mktemp("pipeline"), videos, shards=3)


def samples(dataset):
    """All samples in order, each as a dict of arrays."""
    batches = [{key: value.numpy() for key, value in batch.items()} for batch in dataset]
    return [
        {k: v[i] for k, v in batch.items()} for batch in batches for i in range(len(batch["id"]))
    ]


def ids(dataset):
    return [sample["id"].decode() for sample in samples(dataset)]


def same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


def train(data, **options):
    return tfrecords.clips(data, **{**SMALL, "epoch": 0, **options})


def test_an_epoch_uses_every_video_once_and_drops_the_remainder(data):
    dataset = train(data)
    found = ids(dataset)
    assert len(dataset) == 5
    assert len(set(found)) == len(found) == 20
    assert len(train(data, drop_remainder=False)) == 6
    assert sorted(ids(train(data, drop_remainder=False))) == sorted(
        f"video {k}" for k in range(COUNT)
    )


def test_element_specs(data):
    clip, label = tfrecords.clips(data, image_size=16, batch_size=4).element_spec
    assert clip == tf.TensorSpec((4, 8, 16, 16, 3), tf.uint8)
    assert label == tf.TensorSpec((4,), tf.int32)
    spec = tfrecords.clips(data, "val", image_size=16, num_crops=3, with_ids=True).element_spec
    assert spec["clip"] == tf.TensorSpec((None, 8, 16, 16, 3), tf.uint8)
    assert spec["id"] == tf.TensorSpec((None,), tf.string)
    assert spec["view"] == spec["label"] == tf.TensorSpec((None,), tf.int32)


def test_ids_labels_and_pixels_belong_together(data, synthetic):
    for sample in samples(train(data, flip=False)):
        video, frames = synthetic.read_off(sample["clip"])
        assert sample["id"].decode() == f"video {video}"
        assert sample["label"] == video % 4
        assert frames[1] - frames[0] == 8
        assert 0 <= frames[0] <= 40 + video - 16


def test_samples_are_a_function_of_seed_epoch_and_position(data):
    reference = samples(train(data, seed=3, epoch=5))
    for num_parallel in (1, 2, 7):
        same(samples(train(data, seed=3, epoch=5, num_parallel=num_parallel)), reference)
    orders = [ids(train(data, seed=s, epoch=e)) for s in (3, 4) for e in (5, 6)]
    assert len({tuple(order) for order in orders}) == 4
    assert orders[0] == [sample["id"].decode() for sample in reference]


def test_each_epoch_draws_another_clip_of_a_video(data, synthetic):
    dataset = train(data, epoch=None)  # each pass is the next epoch
    starts = {
        synthetic.read_off(sample["clip"])[1][0]
        for _ in range(12)
        for sample in samples(dataset)
        if sample["id"] == b"video 21"
    }
    assert len(starts) >= 6


@pytest.mark.parametrize("step", [0, 1, 3, 5])
def test_step_resumes_within_the_epoch(data, step):
    dataset = train(data, epoch=2, step=step)
    assert len(dataset) == 5 - step
    same(samples(dataset), samples(train(data, epoch=2))[step * BATCH :])


def test_skipped_steps_are_not_read(data, monkeypatch):
    read, original = [], Split.read
    monkeypatch.setattr(Split, "read", lambda *a: read.append(int(a[1])) or original(*a))
    left = ids(train(data, step=3))
    assert sorted(read) == sorted(int(name.split()[1]) for name in left)
    read.clear()
    options = {**SMALL, "num_clips": 5, "num_crops": 3}
    assert len(samples(tfrecords.clips(data, "val", step=10, **options))) == 45 - 40
    assert read == [2, 2]


@pytest.mark.parametrize("shards", [2, *(pytest.param(n, marks=pytest.mark.long) for n in (3, 5))])
def test_shards_together_are_the_whole_order(data, shards):
    whole = samples(train(data, batch_size=1, epoch=1))
    options = {"batch_size": 1, "epoch": 1, "drop_remainder": False}
    parts = [samples(train(data, shard=(i, shards), **options)) for i in range(shards)]
    for i, part in enumerate(parts):
        same(part, whole[i::shards])
    lengths = {len(train(data, batch_size=2, shard=(i, shards))) for i in range(shards)}
    assert lengths == {COUNT // shards // 2}


def test_evaluation_shards_neither_skip_nor_repeat_views(data):
    options = {**SMALL, "num_clips": 2, "num_crops": 3}
    whole = samples(tfrecords.clips(data, "val", **options))
    parts = [samples(tfrecords.clips(data, "val", shard=(i, 2), **options)) for i in range(2)]
    assert [len(part) for part in parts] == [12, 6]
    same(parts[0], whole[:6] + whole[12:])
    same(parts[1], whole[6:12])
    assert samples(tfrecords.clips(data, "val", shard=(3, 4), **options)) == []


def test_a_variable_is_read_when_an_iterator_starts(data):
    epoch = tf.Variable(4, dtype=tf.int64)
    dataset = train(data, epoch=epoch)
    same(samples(dataset), samples(train(data, epoch=4)))
    epoch.assign(7)
    next(iter(dataset))  # one more iterator, as Keras starts it, changes nothing
    same(samples(dataset), samples(train(data, epoch=7)))
    iterator = iter(dataset)
    first = next(iterator)
    epoch.assign(8)
    assert [*first["id"].numpy(), *(i for b in iterator for i in b["id"].numpy())] == [
        name.encode() for name in ids(train(data, epoch=7))
    ]


def test_without_an_epoch_every_iterator_starts_the_next(data):
    dataset = train(data, epoch=None)
    gc.collect()
    for epoch in range(3):
        assert ids(dataset) == ids(train(data, epoch=epoch))


@pytest.mark.parametrize("count", [1000, 16384, 80000])
def test_orders_are_permutations_without_correlation(count):
    positions, orders = tf.range(count, dtype=tf.int64), []
    for epoch in range(6):
        key = tf.random.experimental.stateless_fold_in([0, 0], epoch, alg="philox")
        orders.append(shuffled(positions, key, np.int64(count)).numpy())
        assert np.array_equal(np.sort(orders[-1]), np.arange(count))
    correlations = np.corrcoef([np.arange(count), *orders])
    assert np.abs(correlations - np.eye(7)).max() < 4 / np.sqrt(count)


def slopes(sample):
    """The slope of red along x in every frame: the size of the crop, negative if mirrored."""
    red = sample["clip"][..., 0].astype(float).mean(axis=1)
    return (red[:, 12:].mean(axis=1) - red[:, :4].mean(axis=1)) / 12


def test_frames_of_a_clip_share_crop_and_flip(data):
    found = []
    for epoch in range(4):
        for sample in samples(train(data, epoch=epoch, num_frames=4)):
            change = slopes(sample)
            assert np.ptp(change) < 0.1
            found.append((sample["label"], change[0]))
            red = sample["clip"][..., 0].astype(float)
            assert np.abs(red - red[:1]).max() <= 6  # the same crop in every frame
    sides = 16 * np.abs([change for _, change in found])
    assert 42 < sides.min() < 48 < 54 < sides.max() < 58  # 224/320 and 224/256 of 64 pixels
    mirrored = Counter((int(label), bool(change < 0)) for label, change in found)
    for label in (0, 3):
        assert min(mirrored[label, True], mirrored[label, False]) >= 5
    for label in (1, 2):  # swipe_left, swipe_right
        assert mirrored[label, True] == 0


def test_flip_pairs_swap_the_labels_of_mirrored_clips(data, synthetic):
    seen = Counter()
    for epoch in range(3):
        for sample in samples(train(data, epoch=epoch, flip_pairs=[("swipe_left", "swipe_right")])):
            own, flipped = synthetic.read_off(sample["clip"])[0] % 4, slopes(sample)[0] < 0
            assert sample["label"] == ([0, 2, 1, 3][own] if flipped else own)
            seen[own, bool(flipped)] += 1
    assert len(seen) == 8


def test_no_flips_without_flip(data):
    assert all(
        slopes(s)[0] > 0 for e in range(3) for s in samples(train(data, epoch=e, flip=False))
    )


def test_training_samples_one_frame_from_each_segment(data, synthetic):
    for sample in samples(train(data, sampling="segments", num_frames=4)):
        video, frames = synthetic.read_off(sample["clip"])
        edges = [k * (40 + video) // 4 for k in range(5)]
        assert all(a <= f < b for a, f, b in zip(edges, frames, edges[1:], strict=False))


def test_evaluation_is_in_the_order_of_the_data_set_and_complete(data, synthetic):
    dataset = tfrecords.clips(data, "val", num_clips=2, num_crops=3, **SMALL)
    found = samples(dataset)
    assert len(dataset) == 5
    assert [(s["id"].decode(), int(s["view"])) for s in found] == [
        (f"video {22 + v}", view) for v in range(3) for view in range(6)
    ]
    assert [int(s["label"]) for s in found[::6]] == [0, 3, 1]
    frames = [synthetic.read_off(s["clip"])[1] for s in found[::3]]
    assert frames == [[0, 8], [14, 22], [0, 8], [9, 17], [0, 1], [0, 1]]
    same(samples(dataset), found)
    single = samples(tfrecords.clips(data, "val", **SMALL))
    assert [synthetic.read_off(s["clip"])[1] for s in single] == [[7, 15], [4, 12], [0, 1]]


def test_training_on_another_split_and_evaluating_the_training_split(data):
    assert len(ids(tfrecords.clips(data, "val", training=True, **{**SMALL, "batch_size": 1}))) == 3
    everything = ids(tfrecords.clips(data, "train", training=False, **SMALL))
    assert everything == [f"video {k}" for k in range(COUNT)]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, received 0"),
        ({"batch_size": 23}, r"at most 22, the clips .*'train' has 22 videos\), received 23"),
        (
            {"batch_size": 12, "shard": (0, 2)},
            "at most 11, the clips .* for 2 processes\\), received 12",
        ),
        ({"step": -1}, "step must be an integer of at least 0"),
        ({"step": 6}, "step must be at most 5, the batches of an epoch, received 6"),
        ({"epoch": -1}, "epoch must be an integer"),
        ({"epoch": "first"}, "epoch must be an integer"),
        ({"seed": 0.5}, "seed must be an integer"),
        ({"shard": (2, 2)}, "shard must be \\(i, n\\) with 0 <= i < n, received \\(2, 2\\)"),
        ({"num_parallel": 0}, "num_parallel must be"),
        ({"num_clips": 10}, "must be 1 in training"),
        ({"num_crops": 3}, "must be 1 in training"),
        ({"flip_pairs": [("wave", "jmp")]}, "received 'jmp'. Did you mean 'jump'"),
    ],
)
def test_wrong_arguments_are_errors(data, option, message):
    with pytest.raises(ValueError, match=message):
        train(data, **option)


@pytest.mark.long
def test_fit_on_two_devices_sees_the_order_of_every_epoch(data):
    """In epochs 1, 2 and 3 (from step 2), each step feeds one half of its batch to each device."""
    script = Path(__file__).with_name("two_devices.py")
    run = subprocess.run([sys.executable, script, data], capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr[-3000:]
    expected = []
    for epoch in (1, 2, 3):
        order = [int(name.split()[1]) for name in ids(train(data, epoch=epoch))]
        halves = [sorted(order[i : i + 2]) for i in range(0, len(order), 2)]
        steps = [sorted(halves[i : i + 2]) for i in range(0, len(halves), 2)]
        expected += steps[2:] if epoch == 3 else steps
    assert json.loads(run.stdout.splitlines()[-1]) == {"outside": expected, "inside": expected}
