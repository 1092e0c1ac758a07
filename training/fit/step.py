"""One step of training or validation on all devices of all machines.

The gradients of all micro-batches and devices are summed, then clipped, then applied. The results
equal those of one device with the whole batch, except for batch norm, which sees a micro-batch.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ctm_keras.loss import is_soft
from training.fit.batch_norm import synchronized
from training.fit.weight_averages import Averages

SUM = tf.distribute.ReduceOp.SUM


class Step:
    """Trains and scores a compiled model.

    Args:
        model: Compiled model; its optimizer is built.
        trunk: Frozen model that computes its inputs from clips, or None.
        strategy: Strategy under which it was created.
        averages: Averages of its weights, updated after each step.
        clip_norm: Maximum global norm of a step's gradient, or None.
        accumulate: Micro-batches per step.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        averages: Averages,
        clip_norm: float | None = None,
        accumulate: int = 1,
        trunk: keras.Model | None = None,
    ):
        self.trunk = trunk
        self.model, self.strategy, self.averages = model, strategy, averages
        self.clip_norm, self.accumulate = clip_norm, accumulate
        with strategy.scope():
            self.gradients = [_own_of_each_replica(v) for v in model.trainable_variables]
        # As decorators, these would warn about retracing when a process trains several models.
        self.add, self.apply = tf.function(self._add), tf.function(self._apply)
        self.forward = tf.function(self._forward)

    def train(self, batches: Iterable[tuple], stop: bool) -> np.ndarray:
        """Runs one training step.

        Args:
            batches: The step's micro-batches, `accumulate` of them.
            stop: Whether this machine should stop.

        Returns:
            Sums over all clips, see `means`.
        """
        sums = sum(self.add(*batch, float(stop)) for batch in batches)
        self.apply()
        return sums.numpy()

    def score(self, *batch: tf.Tensor, stop: bool) -> np.ndarray:
        """The sums over the clips of a batch with weight 1, without training."""
        return self.forward(*batch, float(stop)).numpy()

    def _add(self, *inputs: tf.Tensor) -> tf.Tensor:
        with synchronized(self.model, self.strategy):
            return self.strategy.reduce(SUM, self.strategy.run(self._add_own, inputs), axis=None)

    def _apply(self) -> None:
        self.strategy.run(self._apply_own)
        self.averages.update()

    def _forward(self, *inputs: tf.Tensor) -> tf.Tensor:
        return self.strategy.reduce(SUM, self.strategy.run(self._forward_own, inputs), axis=None)

    def inputs(self, inputs: Sequence[tf.Tensor]) -> Any:
        """The inputs of the model: clips, or what the trunk returns for them."""
        if self.trunk is not None:
            return self.trunk(*inputs, training=False)
        return inputs[0] if len(inputs) == 1 else list(inputs)

    def _add_own(self, *batch: tf.Tensor) -> tf.Tensor:
        """Adds the gradients of a micro-batch on each replica."""
        *inputs, labels, stop = batch
        inputs = self.inputs(inputs)
        with tf.GradientTape() as tape:
            logits = self.model(inputs, training=True)
            losses = self.model.loss.call(labels, logits)
            loss = tf.nn.compute_average_loss(losses) / self.accumulate
            loss += sum(map(tf.nn.scale_regularization_loss, self.model.losses)) / self.accumulate
            loss = self.model.optimizer.scale_loss(loss)
        gradients = tape.gradient(loss, [v.value for v in self.model.trainable_variables])
        for total, gradient in zip(self.gradients, gradients, strict=True):
            total.assign_add(gradient)
        return sums(losses, labels, logits, tf.ones_like(losses), stop)

    def _apply_own(self) -> None:
        """Applies the sum of all gradients on each replica."""
        optimizer = self.model.optimizer
        gradients = [total.read_value() for total in self.gradients]
        if self.clip_norm or isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = self._summed(gradients)
        optimizer.apply(gradients, self.model.trainable_variables)
        for total in self.gradients:
            total.assign(tf.zeros_like(total))

    def _summed(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """The summed and clipped gradient of all replicas, divided by their number.

        Keras sums gradients in `apply`, after clipping and checking for infinities, which is too
        late.
        """
        gradients = tf.distribute.get_replica_context().all_reduce(SUM, gradients)
        if self.clip_norm:
            most = self.model.optimizer.scale_loss(tf.constant(self.clip_norm))
            gradients, _ = tf.clip_by_global_norm(gradients, most)
        return [gradient / self.strategy.num_replicas_in_sync for gradient in gradients]

    def _forward_own(self, *batch: tf.Tensor) -> tf.Tensor:
        *inputs, labels, weights, stop = batch
        logits = self.model(self.inputs(inputs), training=False)
        return sums(self.model.loss.call(labels, logits), labels, logits, weights, stop)


def _own_of_each_replica(variable: keras.Variable) -> tf.Variable:
    """A variable of zeros with a separate value on each replica."""
    return tf.Variable(
        tf.zeros(variable.shape, variable.dtype),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )


def sums(
    losses: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor, stop: tf.Tensor
) -> tf.Tensor:
    """The sums of weights, losses, top-1 and top-5 hits, and of machines that should stop."""
    right = [top_k(labels, logits, k) for k in (1, min(5, logits.shape[-1]))]
    rows = [tf.ones_like(losses), losses, *right]
    return tf.stack([*(tf.reduce_sum(row * weights) for row in rows), stop])


def top_k(labels: tf.Tensor, logits: tf.Tensor, k: int) -> tf.Tensor:
    """1 for each clip whose class is among the top k, otherwise 0.

    The class of a mixed clip, whose label is soft, is the one with the largest weight.
    """
    hard = tf.argmax(labels, axis=-1) if is_soft(labels) else tf.reshape(labels, (-1,))
    return keras.metrics.sparse_top_k_categorical_accuracy(hard, logits, k)


def means(total: np.ndarray) -> dict[str, float]:
    """The mean metrics of sums, by name."""
    names = ("loss", "top1", "top5")
    return {name: float(total[i] / total[0]) for i, name in enumerate(names, start=1)}
