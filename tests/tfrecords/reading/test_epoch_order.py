"""Class weights: how often classes and their videos are sampled."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from tfrecords.reading.epoch_order import class_order

COUNTS = (100, 10, 1, 300, 0)
NAMES = ("often", "seldom", "once", "most", "never")
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(5), COUNTS))


def epoch_of(weights, epoch=0, labels=LABELS):
    """The videos of all positions of an epoch."""
    order = class_order(labels, NAMES, weights)
    key = tf.random.experimental.stateless_fold_in([0, 0], epoch, alg="philox")
    positions = tf.range(len(labels), dtype=tf.int64)
    in_a_graph = tf.function(
        lambda: tf.map_fn(lambda position: order.video(position, key), positions)
    )
    return in_a_graph().numpy()


@pytest.mark.parametrize(
    ("weights", "weight_of_class"),
    [
        ("balanced", [1 / 100, 1 / 10, 1, 1 / 300, 0]),
        ("sqrt", [0.1, 10**-0.5, 1, 300**-0.5, 0]),
        ({"seldom": 3, "most": 0}, [1, 3, 1, 0, 1]),
        ({"never": 7, "often": 0.5}, [0.5, 1, 1, 1, 7]),
    ],
)
def test_counts_of_classes_and_videos_match_their_weights_to_within_one(weights, weight_of_class):
    videos = epoch_of(weights)
    assert len(videos) == len(LABELS)
    shares = np.multiply(weight_of_class, COUNTS)
    expected = shares / shares.sum() * len(LABELS)
    found = np.bincount(LABELS[videos], minlength=5)
    assert (np.abs(found - expected) <= 1).all()
    taken = Counter(videos.tolist())
    for label in range(4):
        times = [taken[video] for video in np.flatnonzero(label == LABELS)]
        assert max(times) - min(times) <= 1


def test_epochs_sample_a_frequent_class_differently():
    first, second = (set(epoch_of("balanced", epoch).tolist()) for epoch in (0, 1))
    frequent = set(np.flatnonzero(LABELS == 3))
    assert 100 <= len(first & frequent) <= 105
    assert 15 <= len(first & second & frequent) <= 60  # a third of a third would be 34
    rare = [np.flatnonzero(LABELS[epoch_of("balanced", epoch)] == 2) for epoch in (0, 1)]
    assert set(rare[0]) != set(rare[1])
    halves = np.histogram(rare[0], bins=4, range=(0, len(LABELS)))[0]
    assert halves.min() > 10  # the only video of its class is spread over the epoch


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("even", "class_weights must be balanced, sqrt or a mapping .*, received 'even'"),
        ({"ofen": 2}, "received 'ofen', which is not a class. The classes are often, seldom"),
        ({"once": -1}, "of 'once' must be at least 0, received -1"),
        ({"once": float("nan")}, "of 'once' must be at least 0, received nan"),
        ({"once": "2"}, "of 'once' must be at least 0, received '2'"),
        ({"once": True}, "of 'once' must be at least 0, received True"),
        (dict.fromkeys(NAMES[:4], 0), "must be above 0 for a class that has videos in the split"),
    ],
)
def test_wrong_weights_are_errors(weights, message):
    with pytest.raises(ValueError, match=message):
        class_order(LABELS, NAMES, weights)
