"""Moving averages of a model's weights, which often score better than the last weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf


class Averages:
    """The exponential moving average of every weight, including batch norm's statistics.

    Following TensorFlow's rule, the decay after n steps is at most (1 + n) / (10 + n), so that the
    initial weights do not dominate a short run.

    Args:
        model: Model whose weights are averaged, with a built optimizer that counts the steps.
        strategy: Strategy under which the model was created.
        decay: Fraction of the average kept in each step, e.g. 0.9999; 0 switches averaging off.

    Reference:
        - [Acceleration of Stochastic Approximation by Averaging](
            https://doi.org/10.1137/0330046)
    """

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy, decay: float):
        self.strategy, self.decay = strategy, decay
        self.steps = model.optimizer.iterations
        self.weights = [weight.value for weight in model.weights] if decay else []
        with strategy.scope():
            self.variables = [tf.Variable(w.read_value(), trainable=False) for w in self.weights]

    def update(self) -> None:
        """Updates the averages after a step; must be called outside the replicas."""
        steps = tf.cast(self.steps.value, tf.float32)
        part = 1 - tf.minimum(self.decay, (1 + steps) / (10 + steps))
        for average, weight in zip(self.variables, self.weights, strict=True):
            self.strategy.extended.update(
                average, lambda a, w: a.assign_add(part * (w - a)), args=(weight,), group=False
            )

    @contextmanager
    def in_the_model(self) -> Iterator[None]:
        """Puts the averages into the model inside a `with` block."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def swap(self) -> None:
        for average, weight in zip(self.variables, self.weights, strict=True):
            kept = tf.identity(average.read_value())
            average.assign(weight.read_value())
            weight.assign(kept)
