"""Precise batch norm: moving statistics recomputed with weights that do not change."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.fit.batch_norm import batch_norms, synchronized
from training.fit.dropout import Seeds
from training.fit.preemption import Notice
from training.fit.step import SUM

Norms = list[keras.layers.BatchNormalization]


def trained_norms(model: keras.Model) -> Norms:
    """The batch norms of a model that are not frozen.

    Raises:
        ValueError: If there are none.
    """
    norms = [norm for norm in batch_norms(model) if norm.trainable]
    if not norms:
        raise ValueError(
            "--precise-bn requires batch norms that are trained; this model has none that are not "
            "frozen. Remove --precise-bn."
        )
    return norms


class PreciseStatistics:
    """Recomputes the moving statistics of a model's batch norms.

    In training the weights change with each step, so moving statistics are a mixture of those of
    many models. Here, the weights stay the same, and the statistics become the mean and variance
    of everything that a batch norm sees in several batches of equal size, on all devices. Frozen
    batch norms and the masks of later steps stay as they are.

    Args:
        model: A model with batch norms that are trained.
        strategy: Strategy under which it was created.
        inputs: Function that returns the model's inputs for those of a batch.

    Reference:
        Wu and Johnson, Rethinking "Batch" in BatchNorm, 2021, section 3 and appendix; as in
        fvcore and PySlowFast.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        inputs: Callable[[Sequence[tf.Tensor]], Any] = operator.itemgetter(0),
    ):
        self.inputs = inputs
        self.model, self.strategy = model, strategy
        self.norms, self.seeds = trained_norms(model), Seeds(model, strategy)
        self.forward = tf.function(self._forward)

    def recompute(self, batches: Iterable[tuple], notice: Notice) -> bool:
        """Recomputes the statistics.

        Args:
            batches: Batches of training data.
            notice: Records whether this machine should stop.

        Returns:
            Whether a machine should stop; if so, the statistics are those of one batch.
        """
        seeds = self.seeds.read()
        moments = self._moments_of(batches, notice)
        self.seeds.write(seeds)
        if moments is None:
            return True
        for norm, own in zip(self.norms, zip(*moments, strict=True), strict=True):
            means, variances = np.stack(own, axis=1, dtype="float64")
            norm.moving_mean.assign(means.mean(axis=0))
            norm.moving_variance.assign(variances.mean(axis=0) + means.var(axis=0))
        return False

    def _moments_of(self, batches: Iterable[tuple], notice: Notice) -> list | None:
        """By batch, the mean and variance of each batch norm; None if a machine should stop."""
        moments = []
        for *inputs, _ in batches:
            if self.forward(*inputs, float(notice.came)).numpy():
                return None
            moments.append([_moments(norm) for norm in self.norms])
        return moments

    def _forward(self, *inputs: tf.Tensor) -> tf.Tensor:
        with synchronized(self.model, self.strategy), _without_momentum(self.norms):
            return self.strategy.reduce(
                SUM, self.strategy.run(self._forward_own, inputs), axis=None
            )

    def _forward_own(self, *batch: tf.Tensor) -> tf.Tensor:
        *inputs, stop = batch
        self.model(self.inputs(inputs), training=True)
        return tf.convert_to_tensor(stop)


def _moments(norm: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """The moving mean and variance; without momentum, those of the last batch."""
    moving = norm.moving_mean, norm.moving_variance
    mean, variance = map(keras.ops.convert_to_numpy, moving)
    return mean, variance


@contextmanager
def _without_momentum(norms: Norms) -> Iterator[None]:
    """Inside a `with` block, moving statistics are those of the last batch."""
    before = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
        yield
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
