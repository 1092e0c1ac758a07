"""Everything a run needs to go on exactly, saved as TensorFlow's checkpoints."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.fit.weight_averages import Averages


class State:
    """Weights, their averages, optimizer, random seeds, position, best metric, the epoch's sums.

    A `.keras` file leaves the states of dropout's seeds out, so the variables are saved as
    they are, in the order of the graph.

    Args:
        model: A compiled model whose optimizer is built.
        averages: The averages of its weights.
        folder: Where the states lie; the newest two are kept.
        chief: Whether this machine is the one that writes.
    """

    def __init__(self, model: keras.Model, averages: Averages, folder: Path, chief: bool = True):
        self.chief = chief
        self.position = tf.Variable([0, 0], dtype=tf.int64)  # epoch, step in the epoch
        self.best = tf.Variable(-np.inf, dtype=tf.float64)
        self.sums = tf.Variable(tf.zeros(5, tf.float64))  # as `training.fit.step.sums` has them
        variables = [v.value for v in [*model.variables, *model.optimizer.variables]]
        checkpoint = tf.train.Checkpoint(
            variables=variables + averages.variables,
            position=self.position,
            best=self.best,
            sums=self.sums,
        )
        self.manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)

    def save(self, epoch: int, step: int) -> None:
        """Saves the state before step `step` of epoch `epoch`."""
        self.position.assign([epoch, step])
        if self.chief:
            self.manager.save()

    def restore(self) -> tuple[int, int]:
        """Restores the newest whole state; returns its epoch and step, (0, 0) without any.

        Raises:
            ValueError: If there are states and all are damaged.
        """
        for path in reversed(self.manager.checkpoints):
            try:
                self.manager.checkpoint.restore(path).assert_consumed()
            except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:
                print(f"{path} is damaged and left out: {str(error).splitlines()[0]}")
            else:
                return tuple(self.position.numpy().tolist())
        if self.manager.checkpoints:
            raise ValueError(
                f"All states in {self.manager.directory} are damaged: the run cannot go on. Start "
                "a new one, for instance from the run's checkpoints/last.keras as --weights."
            )
        return 0, 0

    def describe(self) -> str:
        """The newest state in words."""
        newest = self.manager.latest_checkpoint
        if not newest:
            return "there is no saved state yet"
        epoch, step = self.position.numpy().tolist()
        return f"the last good state is {newest} (epoch {epoch + 1}, step {step})"
