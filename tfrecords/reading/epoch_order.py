"""Which video stands at a position of an epoch: a pure function, found without looking at others.

An epoch's order is a permutation of the split. With class weights each position is a place on a
line that the classes share by their weights; the places are spread evenly and taken in shuffled
order, so that in each epoch a class has its share, and in a class every video the same number of
clips, both to within one.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfrecords.reading.class_weights import Weights, video_weights


@dataclass(frozen=True)
class ClassOrder:
    """Videos drawn by the weights of their classes.

    Args:
        edges: Float64 array, where each class's part of the line [0, 1] ends.
        videos: Places in the split, class after class.
        starts: Where each class's videos begin in `videos`.
        counts: Videos of each class.
        length: Positions of an epoch: the videos of the split, also those never taken.
    """

    edges: np.ndarray
    videos: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    length: np.int64

    def video(self, position: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        """The video at a position of the epoch that has this key."""
        offset = tf.random.stateless_uniform([], key + 2, dtype=tf.float64, alg="philox")
        place = (tf.cast(shuffled(position, key, self.length), tf.float64) + offset) / float(
            self.length
        )
        label = tf.searchsorted(self.edges, place[None], side="right")[0]
        label = tf.minimum(label, len(self.edges) - 1)
        first, count = tf.gather(np.r_[0.0, self.edges], label), tf.gather(self.counts, label)
        part = (place - first) / (tf.gather(self.edges, label) - first)
        rank = tf.minimum(tf.cast(part * tf.cast(count, tf.float64), tf.int64), count - 1)
        own_key = tf.random.experimental.stateless_fold_in(key, label, alg="philox")
        rank = tf.gather(self.starts, label) + shuffled(rank, own_key, count)
        return tf.gather(self.videos, rank)


def class_order(
    labels: np.ndarray, class_names: tuple[str, ...], weights: Weights
) -> ClassOrder | None:
    """The order that class weights give, or None without them.

    Args:
        labels: The class of each video of the split.
        class_names: The classes in order.
        weights: As in `video_weights`, or None.
    """
    if weights is None:
        return None
    counts = np.bincount(labels, minlength=len(class_names))
    shares = counts * video_weights(counts, class_names, weights)
    used = np.flatnonzero(shares)
    videos = np.argsort(labels, kind="stable")[np.isin(np.sort(labels), used)]
    starts = np.r_[0, np.cumsum(counts[used])[:-1]]
    edges = np.cumsum(shares[used]) / shares.sum()
    return ClassOrder(edges, videos, starts, counts[used], np.int64(len(labels)))


def epochs(epoch: int | tf.Variable | None) -> tf.data.Dataset:
    """One epoch number, found out when an iterator starts."""
    once = tf.data.Dataset.from_tensors(0)
    if epoch is None:
        counter = tf.Variable(-1, dtype=tf.int64, trainable=False)
        return once.map(lambda _: counter.assign_add(1))
    return once.map(lambda _: tf.cast(epoch, tf.int64))


def shuffled(position: tf.Tensor, key: tf.Tensor, count: np.int64 | tf.Tensor) -> tf.Tensor:
    """The place of a position in a shuffled order of `count`.

    Shuffled twice: the orders that single shuffles of two epochs give are correlated (up to 0.3
    at 80,000 videos).
    """
    once = tf.random.experimental.index_shuffle(position, key, count - 1)
    return tf.random.experimental.index_shuffle(once, key + 1, count - 1)
