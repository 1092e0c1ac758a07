"""The state that a run needs to resume exactly, saved as TensorFlow checkpoints."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.fit.weight_averages import Averages


class State:
    """Weights, their averages, optimizer, random seeds, position, best metric, sums of the epoch.

    A `.keras` file does not contain the seeds of dropout, so all variables are saved in the order
    of the graph.

    Args:
        model: The whole model.
        optimizer: The built optimizer of what is trained.
        averages: The averages of its weights.
        folder: Folder of the saved states; the newest two are kept.
        chief: Whether this machine writes the states.
        patience: Epochs without a better metric after which the run is over, or None.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        averages: Averages,
        folder: Path,
        chief: bool = True,
        patience: int | None = None,
    ):
        self.chief, self.patience = chief, patience
        self.position = tf.Variable([0, 0], dtype=tf.int64)  # epoch, step in the epoch
        self.best = tf.Variable(-np.inf, dtype=tf.float64)
        self.waited = tf.Variable(0, dtype=tf.int64)  # epochs since the best
        self.sums = tf.Variable(tf.zeros(5, tf.float64))  # in the order of `training.fit.step.sums`
        variables = [v.value for v in [*model.variables, *optimizer.variables]]
        checkpoint = tf.train.Checkpoint(
            variables=variables + averages.variables,
            position=self.position,
            best=self.best,
            sums=self.sums,
            **({"waited": self.waited} if patience else {}),  # older states do not have it
        )
        self.manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)

    @property
    def out_of_patience(self) -> bool:
        """Whether the metric has not become better for too many epochs."""
        return self.patience is not None and self.waited.numpy() >= self.patience

    def note(self, metric: float) -> bool:
        """Notes the metric of an epoch; returns whether it is the best."""
        is_best = bool(metric > self.best.numpy())
        self.best.assign(max(metric, self.best.numpy()))
        self.waited.assign(0 if is_best else self.waited + 1)
        return is_best

    def save(self, epoch: int, step: int) -> None:
        """Saves the state before step `step` of epoch `epoch`."""
        self.position.assign([epoch, step])
        if self.chief:
            self.manager.save()

    def restore(self) -> tuple[int, int]:
        """Restores the newest undamaged state; returns its epoch and step, (0, 0) without states.

        Raises:
            ValueError: If all saved states are damaged.
        """
        for path in reversed(self.manager.checkpoints):
            try:
                self.manager.checkpoint.restore(path).assert_consumed()
            except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:
                print(f"Skipped the damaged state {path}: {str(error).splitlines()[0]}")
            else:
                return tuple(self.position.numpy().tolist())
        if self.manager.checkpoints:
            raise ValueError(
                f"All states in {self.manager.directory} are damaged: the run cannot be resumed. "
                "Start a new run, for example with checkpoints/last.keras as --weights."
            )
        return 0, 0

    def describe(self) -> str:
        """The newest state as text."""
        newest = self.manager.latest_checkpoint
        if not newest:
            return "there is no saved state yet"
        epoch, step = self.position.numpy().tolist()
        return f"the last good state is {newest} (epoch {epoch + 1}, step {step})"
