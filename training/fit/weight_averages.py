"""Moving averages of a model's weights, which are often better than the last weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf


class Averages:
    """The exponential moving average of every weight, the statistics of batch norm too.

    Young averages forget faster, by TensorFlow's rule: after n steps the decay is at most
    (1 + n) / (10 + n), so that the start does not weigh on a short run.

    Args:
        model: Model whose weights are followed, with a built optimizer that counts the steps.
        strategy: Strategy under which the model was made.
        decay: Share of the average that stays in a step, as 0.9999; 0 is no average at all.

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
        """Moves the averages by one step, outside of the replicas."""
        steps = tf.cast(self.steps.value, tf.float32)
        part = 1 - tf.minimum(self.decay, (1 + steps) / (10 + steps))
        for average, weight in zip(self.variables, self.weights, strict=True):
            self.strategy.extended.update(
                average, lambda a, w: a.assign_add(part * (w - a)), args=(weight,), group=False
            )

    @contextmanager
    def in_the_model(self) -> Iterator[None]:
        """Puts the averages into the model for the time of a block."""
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
