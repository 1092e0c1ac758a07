"""Top-1 and top-5 of training, for integer labels and for those that MixUp and CutMix made soft."""

import keras
from keras import ops

from ctm_keras.loss import is_soft


class TopK(keras.metrics.MeanMetricWrapper):
    """How often the class is among the k best; of a mixed clip the class with the largest share.

    Args:
        k: int.
        name: str.

    Input shape:
        Labels `(batch,)`, or shares `(batch, num_classes)`, and logits `(batch, num_classes)`.

    Example:

    >>> model.compile(loss=ctm_keras.SmoothedCrossentropy(), metrics=[TopK(5, name="top5")])
    """

    def __init__(self, k: int, name: str):
        super().__init__(top_k, name=name, k=k)


def top_k(y_true, y_pred, k):
    """1 for each clip whose class is among the k best, else 0."""
    labels = ops.argmax(y_true, axis=-1) if is_soft(y_true) else ops.reshape(y_true, (-1,))
    return keras.metrics.sparse_top_k_categorical_accuracy(labels, y_pred, k)


def metrics(num_classes: int) -> list[keras.metrics.Metric]:
    """Top-1 and top-5; of fewer than five classes, all."""
    return [TopK(1, name="top1"), TopK(min(5, num_classes), name="top5")]
