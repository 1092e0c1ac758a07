"""Batch norm in training: frozen for fine-tuning, synchronized over devices."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

Gradients = Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The batch norm layers of a model in the order of its graph, from the stem on."""
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def freeze_batch_norm(model: keras.Model, resumed: bool = False) -> list[str]:
    """Freezes all batch norms except the first (the stem's), for fine-tuning a video model.

    A frozen layer uses its moving statistics; its scale and offset are not trained.

    Args:
        model: A video model with trained weights.
        resumed: Whether trained weights will be restored later from a run's saved state.

    Returns:
        The names of the frozen layers.

    Raises:
        ValueError: If a scale is still all zero, like that of the last batch norm of a new CTM
            path: frozen, it would keep the path at zero.

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
                f"Batch norm cannot be frozen: the scale of {layer.name!r} is zero, so its path "
                "would never train. Give a trained video model as --weights, or train without "
                "--freeze-bn."
            )
    for layer in frozen:
        layer.trainable = False
    return [layer.moving_mean.path.rpartition("/")[0] for layer in frozen]


@contextmanager
def synchronized(model: keras.Model, strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Synchronizes the batch norms of a model over all devices inside a `with` block.

    Inside the block the layers' class is `SynchronizedBatchNorm`. They remain the same objects
    with the same weights, so every graph that contains them sees the change.

    Args:
        model: Any model; saved outside the block, it has plain `BatchNormalization`.
        strategy: Strategy under which it was created; nothing changes on a single device.
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
    """Batch norm with mean and variance over all replicas, which have equal numbers of clips.

    Keras' `synchronized=True` gives the same results, but is slow to trace (see
    `_mean_of_replicas`), and models saved with it do not load on JAX and PyTorch.
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
        """The mean and variance of the inputs over all replicas."""
        axes = list(range(inputs.shape.rank))
        del axes[self.axis]
        mean, variance = tf.nn.moments(inputs, axes)
        mean, squares = tf.unstack(_mean_of_replicas(tf.stack([mean, variance + mean**2])))
        return mean, tf.maximum(squares - mean**2, 0.0)


def _mean_of_replicas(own: tf.Tensor) -> tf.Tensor:
    """The mean of a tensor over all replicas, with its gradient.

    At each call, TensorFlow's `all_reduce` searches everything that the replicas have traced so
    far for variables: on 4 devices, the tiny backbone took 63 s to trace, and takes 5 s with this
    function, whose custom gradient starts after the reduction.
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
