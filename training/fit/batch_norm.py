"""Batch norm in training: fixed for fine-tuning, synchronized over devices."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

Gradients = Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The batch norm layers of a model, in the order of its graph, the stem's first."""
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def freeze_batch_norm(model: keras.Model, resumed: bool = False) -> list[str]:
    """Fixes every batch norm but the first (the stem's), for fine-tuning a video model.

    A fixed layer uses its moving statistics and learns neither scale nor offset.

    Args:
        model: A video model with trained weights.
        resumed: Whether the trained weights come later, from a run's saved state.

    Returns:
        The names of the fixed layers.

    Raises:
        ValueError: If a scale is still all zero, as the last batch norm of a new CTM path
            is: fixed, it would keep the path at zero for ever.

    Example:

    >>> training.freeze_batch_norm(model)[0]
    'conv2_block1_1_bn'

    Reference:
        CTM, section 4.2 ("All the BN layers are fixed except the first one").
    """
    frozen = batch_norms(model)[1:]
    for layer in frozen:
        if layer.scale and not resumed and not keras.ops.any(layer.gamma):
            raise ValueError(
                f"Batch norm cannot be fixed: the scale of {layer.name!r} is still zero, so its "
                "path would never learn. Fixing is for fine-tuning a trained video model: give "
                "its file as --weights, or train without --freeze-bn."
            )
    for layer in frozen:
        layer.trainable = False
    return [layer.moving_mean.path.rpartition("/")[0] for layer in frozen]


@contextmanager
def synchronized(model: keras.Model, strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Lets the batch norms of a model see the batches of all devices for the time of a block.

    For this time they are `SynchronizedBatchNorm`: the same objects with the same weights, so that
    it does not matter which graph, block or list of weights holds them.

    Args:
        model: Any model; what is saved outside of the block is plain `BatchNormalization`.
        strategy: Strategy under which it was made; on a single device nothing changes.
    """
    norms = batch_norms(model) if strategy.num_replicas_in_sync > 1 else []
    try:
        for layer in norms:
            layer.__class__ = SynchronizedBatchNorm
        yield
    finally:
        for layer in norms:
            layer.__class__ = keras.layers.BatchNormalization


class SynchronizedBatchNorm(keras.layers.BatchNormalization):
    """Batch norm with the mean and variance of all replicas, of which each has equally many clips.

    Keras' own `synchronized=True` gives the same numbers, but takes long to trace, see
    `_mean_of_replicas`, and models that are saved with it do not open on JAX and PyTorch.
    """

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        if not training or not self.trainable:
            return super().call(inputs, training=False)
        inputs = keras.ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = self.moments(inputs)
        for moving, new in [(self.moving_mean, mean), (self.moving_variance, variance)]:
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        outputs = keras.ops.batch_normalization(
            inputs, mean, variance, self.axis, self.beta, self.gamma, self.epsilon
        )
        return keras.ops.cast(outputs, self.compute_dtype)

    def moments(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The mean and variance of the inputs of all replicas."""
        axes = list(range(inputs.shape.rank))
        del axes[self.axis]
        mean, variance = tf.nn.moments(inputs, axes)
        mean, squares = tf.unstack(_mean_of_replicas(tf.stack([mean, variance + mean**2])))
        return mean, tf.maximum(squares - mean**2, 0.0)


def _mean_of_replicas(own: tf.Tensor) -> tf.Tensor:
    """The mean of a tensor over all replicas, with its gradient.

    TensorFlow's `all_reduce` searches, at each call, all that the other replicas have done so far
    for variables: on 4 devices the tiny backbone took 63 s to trace, and 5 s so. Here the function
    that has a gradient of its own begins after the adding up.
    """
    context = tf.distribute.get_replica_context()

    def mean(value: tf.Tensor) -> tf.Tensor:
        return context.merge_call(_reduce, args=(value,))

    @tf.custom_gradient
    def with_gradient(own: tf.Tensor, reduced: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
        return tf.identity(reduced), lambda upstream: (mean(upstream), None)

    return with_gradient(own, mean(own))


def _reduce(
    strategy: tf.distribute.Strategy, value: tf.distribute.DistributedValues
) -> tf.distribute.DistributedValues:
    """The mean of a value over all replicas, for each of them."""
    return strategy.extended.reduce_to(tf.distribute.ReduceOp.MEAN, value, destinations=value)
