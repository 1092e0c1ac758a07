"""With every augmentation on, samples are still a function of (seed, epoch, position)."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

import tfrecords

COUNT = 22
EVERYTHING = tfrecords.Augment(
    crop="resized",
    color_jitter=(0.4, 0.4, 0.4, 0.1),
    randaugment="rand-m7-n4-mstd0.5-inc1",
    erasing=0.5,
    repeats=3,
)
MIXED = tfrecords.Augment.preset("mvit", repeats=1, mix_per="clip", mix_prob=0.9, mix_switch=0.4)
SMALL = {"image_size": 16, "num_frames": 2, "interval": 4, "epoch": 0, "with_ids": True}
PAIRS = [("swipe_left", "swipe_right")]


@pytest.fixture(scope="module")
def data(synthetic, tmp_path_factory):
    """22 videos of the classes wave (13), swipe_left (5), swipe_right (3), jump (1)."""
    labels = [0] * 13 + [1] * 5 + [2] * 3 + [3]
    videos = {"train": [(12 + k, 40, 60, label) for k, label in enumerate(labels)]}
    return synthetic.write_dataset(tmp_path_factory.mktemp("order"), videos, shards=3)


def test_every_augmentation_is_in_one_of_the_two():
    for field in dataclasses.fields(tfrecords.Augment):
        values = {getattr(augment, field.name) for augment in (EVERYTHING, MIXED)}
        assert values != {field.default}, field.name


def samples(data, **options):
    """All samples in order, each as a dict of arrays."""
    batches = [
        {key: value.numpy() for key, value in batch.items()}
        for batch in tfrecords.clips(data, **{"batch_size": 4, **SMALL, **options})
    ]
    return [
        {k: v[i] for k, v in batch.items()} for batch in batches for i in range(len(batch["id"]))
    ]


def ids(found):
    return [sample["id"].decode() for sample in found]


def same(first, second):
    assert ids(first) == ids(second)
    for one, other in zip(first, second, strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


def test_the_order_of_the_defaults_is_pinned(data):
    """The order has not changed since the first training runs."""
    expected = [21, 10, 20, 13, 2, 7, 0, 1, 16, 4, 15, 11, 9, 12, 19, 14, 3, 6, 18, 8]
    assert [int(name.split()[1]) for name in ids(samples(data, seed=3, epoch=5))] == expected


@pytest.mark.parametrize("weights", [pytest.param(None, marks=pytest.mark.long), "balanced"])
def test_everything_is_stateless(data, weights):
    options = {"augment": EVERYTHING, "class_weights": weights, "epoch": 2, "seed": 5}
    whole = samples(data, **options)
    assert len(whole) == 3 * COUNT // 4 * 4
    same(samples(data, **options, num_parallel=1), whole)
    same(samples(data, **options, num_parallel=5), whole)
    same(samples(data, **options, step=9), whole[36:])
    for other in ({"epoch": 3}, {"seed": 6}):
        changed = samples(data, **{**options, **other})
        assert ids(changed) != ids(whole)
    clips = {sample["clip"].tobytes() for sample in whole}
    assert len(clips) == len(whole)


@pytest.mark.parametrize(
    ("augment", "weights", "shards"),
    [
        pytest.param(EVERYTHING, None, 5, marks=pytest.mark.long),
        (EVERYTHING, {"jump": 5, "wave": 0.5}, 2),
        pytest.param(tfrecords.Augment(), {"jump": 5, "wave": 0.5}, 5, marks=pytest.mark.long),
        pytest.param(tfrecords.Augment(), None, 2, marks=pytest.mark.long),
    ],
)
def test_shards_partition_the_order(data, augment, weights, shards):
    options = {"augment": augment, "class_weights": weights, "epoch": 1, "batch_size": 1}
    options["drop_remainder"] = False
    whole, repeats = samples(data, **options), augment.repeats
    for i in range(shards):
        part = samples(data, **options, shard=(i, shards))
        places = [p for p in range(len(whole)) if p // repeats % shards == i]
        same(part, [whole[p] for p in places])


def test_a_mixed_batch_is_a_function_of_its_position(data):
    options = {"augment": MIXED, "epoch": 4, "class_weights": "sqrt", "flip_pairs": PAIRS}
    whole = samples(data, **options)
    same(samples(data, **options, num_parallel=3), whole)
    same(samples(data, **options, step=2), whole[8:])
    for i in (0, 1):
        part = samples(data, **options, shard=(i, 2), batch_size=5)
        same(samples(data, **options, shard=(i, 2), batch_size=5, step=1), part[5:])
    assert {sample["label"].shape for sample in whole} == {(4,)}
    np.testing.assert_allclose([sample["label"].sum() for sample in whole], 1, rtol=1e-6)
    mixed = np.mean([sample["label"].max() < 1 for sample in whole])
    assert mixed > 0.2


def test_repeats_follow_each_other_with_their_own_draws(data):
    found = samples(data, augment=tfrecords.Augment(repeats=3), drop_remainder=False)
    names = ids(found)
    assert names[::3] == names[1::3] == names[2::3]
    assert names[::3] == ids(samples(data, drop_remainder=False))
    assert Counter(names) == {f"video {k}": 3 for k in range(COUNT)}
    triples = [{sample["clip"].tobytes() for sample in found[k : k + 3]} for k in range(0, 66, 3)]
    assert sum(len(triple) == 3 for triple in triples) >= 20


def test_classes_are_sampled_in_proportion_to_their_weights(data):
    for weights, shares in [("balanced", [1, 1, 1, 1]), ({"wave": 0, "jump": 2}, [0, 5, 3, 2])]:
        found = samples(data, class_weights=weights, drop_remainder=False, flip=False)
        counts = np.bincount([sample["label"] for sample in found], minlength=4)
        assert np.abs(counts - COUNT * np.array(shares) / np.sum(shares)).max() <= 1
        assert len(found) == COUNT


def mirrored(sample):
    """Whether a clip is mirrored: red increases along x, in a mirrored clip it decreases."""
    red = sample["clip"][..., 0].astype(float).mean(axis=(0, 1))
    return red[-1] < red[0]


def test_labels_are_swapped_with_the_mirror_before_they_are_mixed(data, synthetic):
    """CutMix: the pixels of a clip outside the box show whether it was mirrored."""
    plain = {"flip_pairs": PAIRS, "epoch": 3}
    alone = samples(data, **plain)
    cut = samples(data, **plain, augment=tfrecords.Augment(cutmix=1.0))
    own = [synthetic.read_off(sample["clip"])[0] for sample in alone]
    swapped = [0] * 13 + [2] * 5 + [1] * 3 + [3]
    label = [0] * 13 + [1] * 5 + [2] * 3 + [3]
    for place, sample in enumerate(cut):
        first = place // 4 * 4
        pair = place, first + 3 - (place - first)
        expected = np.zeros(4)
        other = (sample["clip"] != alone[place]["clip"]).any(axis=(0, 3)).mean()
        for part, share in zip(pair, (1 - other, other), strict=True):
            names = swapped if mirrored(alone[part]) else label
            expected[names[own[part]]] += share
        np.testing.assert_allclose(sample["label"], expected, atol=0.05)
        assert sample["id"] == alone[place]["id"]


def test_specs_and_evaluation(data):
    dataset = tfrecords.clips(data, augment="mvit", batch_size=4, image_size=16)
    clip, label = dataset.element_spec
    assert (clip.shape, clip.dtype) == ((4, 8, 16, 16, 3), np.uint8)
    assert (label.shape, label.dtype) == ((4, 4), np.float32)
    assert len(dataset) == 11
    options = {"training": False, "batch_size": 22}
    same(samples(data, augment="mvit", class_weights="sqrt", **options), samples(data, **options))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"augment": "vit"}, "augment must be one of slowfast, tsn, mvit, received 'vit'"),
        ({"class_weights": {"jmp": 1}}, "received 'jmp', which is not a class"),
        ({"flip_pairs": "jester"}, "flip_pairs must match the classes, received 'jester'"),
    ],
)
def test_wrong_arguments_are_errors(data, option, message):
    with pytest.raises(ValueError, match=message):
        tfrecords.clips(data, **option)
