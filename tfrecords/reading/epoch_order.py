"""Maps a position of an epoch to its video: a pure function that needs no other position.

An epoch's order is a permutation of the split. With class weights, the interval [0, 1] is divided
among the classes in proportion to their weights. The positions are points spread evenly over the
interval, visited in shuffled order. So in each epoch the number of clips of a class matches its
weight to within one, and so do the numbers of clips of the videos within a class.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfrecords.reading.class_weights import Weights, video_weights
from tfrecords.reading.split import Split


@dataclass(frozen=True)
class ClassOrder:
    """Samples videos by the weights of their classes.

    Args:
        edges: Float64 array, the end of each class's section of the interval [0, 1].
        videos: Indices of the videos in the split, sorted by class.
        starts: Index in `videos` of each class's first video.
        counts: Number of videos of each class.
        length: Positions per epoch: all videos of the split, including those of weight 0.
    """

    edges: np.ndarray
    videos: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    length: np.int64

    def video(self, position: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        """The video at a position of the epoch with this key."""
        offset = tf.random.stateless_uniform([], key + 2, dtype=tf.float64, alg="philox")
        place = (tf.cast(shuffled(position, key, self.length), tf.float64) + offset) / float(
            self.length
        )
        label = tf.searchsorted(self.edges, place[None], side="right")[0]
        label = tf.minimum(label, len(self.edges) - 1)
        first, count = tf.gather(np.r_[0.0, self.edges], label), tf.gather(self.counts, label)
        fraction = (place - first) / (tf.gather(self.edges, label) - first)
        rank = tf.minimum(tf.cast(fraction * tf.cast(count, tf.float64), tf.int64), count - 1)
        own_key = tf.random.experimental.stateless_fold_in(key, label, alg="philox")
        rank = tf.gather(self.starts, label) + shuffled(rank, own_key, count)
        return tf.gather(self.videos, rank)


def class_order(
    labels: np.ndarray, class_names: tuple[str, ...], weights: Weights
) -> ClassOrder | None:
    """The order that results from class weights, or None without them.

    Args:
        labels: The class of each video of the split.
        class_names: Class names, in label order.
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


def key_of_epoch(seed: int, epoch: int | tf.Tensor) -> tf.Tensor:
    """The key of all random draws of an epoch."""
    start = tf.constant([seed, 0], tf.int64)
    return tf.random.experimental.stateless_fold_in(start, epoch, alg="philox")


def video_at(
    position: tf.Tensor, key: tf.Tensor, weighted: ClassOrder | None, videos: np.int64
) -> tf.Tensor:
    """The video at a position of the epoch with this key."""
    return weighted.video(position, key) if weighted else shuffled(position, key, videos)


def rows_of_epoch(videos: Split, class_weights: Weights, seed: int, epoch: int) -> np.ndarray:
    """The order in which training reads the videos of a split in an epoch.

    Args:
        videos: The split.
        class_weights: As in `tfrecords.clips`.
        seed: Seed of the order.
        epoch: Number of the epoch.

    Returns:
        Rows of the split, int64 of shape `(videos,)`.
    """
    weighted = class_order(videos.videos["label"], videos.class_names, class_weights)
    key, count = key_of_epoch(seed, epoch), np.int64(len(videos))
    rows = tf.data.Dataset.range(count).map(lambda p: video_at(p, key, weighted, count))
    return rows.batch(count).get_single_element().numpy()


def epochs(epoch: int | tf.Variable | None) -> tf.data.Dataset:
    """A dataset of one epoch number, which is determined when an iterator starts."""
    once = tf.data.Dataset.from_tensors(0)
    if epoch is None:
        counter = tf.Variable(-1, dtype=tf.int64, trainable=False)
        return once.map(lambda _: counter.assign_add(1))
    return once.map(lambda _: tf.cast(epoch, tf.int64))


def shuffled(position: tf.Tensor, key: tf.Tensor, count: np.int64 | tf.Tensor) -> tf.Tensor:
    """The element at a position of a random permutation of `count` elements.

    It shuffles twice, since after a single shuffle the orders of two epochs are correlated (up to
    0.3 for 80,000 videos).
    """
    once = tf.random.experimental.index_shuffle(position, key, count - 1)
    return tf.random.experimental.index_shuffle(once, key + 1, count - 1)
