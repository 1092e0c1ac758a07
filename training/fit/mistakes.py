"""A trained model's most confident mistakes on the validation split."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfrecords.reading import Split
from training.config.train import TrainConfig
from training.evaluate.mistakes import mistakes_in_words, worst_mistakes
from training.evaluate.predictions import softmax


def validation_mistakes(
    model: keras.Model, batches: tf.data.Dataset, config: TrainConfig, class_names: Sequence[str]
) -> Iterator[str]:
    """The lines about a model's mistakes on the validation split; none if it makes none.

    Args:
        model: The trained model, or the part of it that reads the batches.
        batches: Batches of the whole validation split, such as `validation_clips(config)`.
        config: The options of its run.
        class_names: The classes, in order.
    """
    ids = np.array(Split(config.dataset, config.val_split).ids)  # in the order of the batches
    mistakes = worst_mistakes(ids, *_scores(model, batches))
    return mistakes_in_words(mistakes, class_names, config.dataset, config.val_split)


def _scores(model: keras.Model, batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The labels and probabilities of the videos in batches."""
    rows = [
        (labels, model(inputs if len(inputs) > 1 else inputs[0], training=False))
        for *inputs, labels in batches
    ]
    labels, logits = (np.concatenate(column) for column in zip(*rows, strict=True))
    return labels, softmax(logits)
