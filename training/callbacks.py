"""What happens during `fit`: the epoch is told to the data, the state is saved, NaN stops."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.run import Run, save_model


class DivergedError(ValueError):
    """The loss of a run is no longer a number."""


class SetEpoch(keras.callbacks.Callback):
    """Tells the data which epoch it is, so that each has its own order and crops.

    Args:
        epoch: The `tf.Variable` given to `tfrecords.clips(epoch=...)`.

    Example:

    >>> epoch = tf.Variable(0, dtype=tf.int64)
    >>> train = tfrecords.clips("data/mine", epoch=epoch)
    >>> model.fit(train, epochs=10, callbacks=[training.SetEpoch(epoch)])
    """

    def __init__(self, epoch: tf.Variable):
        super().__init__()
        self.variable = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.variable.assign(epoch)


class State:
    """Everything a run needs to go on exactly: weights, optimizer, random seeds, position.

    A `.keras` file leaves the states of dropout's seeds out, so the variables are saved as
    they are, by TensorFlow's own checkpoints, in the order of the graph.

    Args:
        model: A compiled model whose optimizer is built.
        folder: Where the states lie; the newest two are kept.
    """

    def __init__(self, model: keras.Model, folder: Path):
        self.model = model
        self.position = tf.Variable([0, 0], dtype=tf.int64)  # epoch, step in the epoch
        self.best = tf.Variable(-np.inf, dtype=tf.float64)
        variables = [v.value for v in [*model.variables, *model.optimizer.variables]]
        checkpoint = tf.train.Checkpoint(
            variables=variables, position=self.position, best=self.best
        )
        self.manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)

    def save(self, epoch: int, step: int) -> None:
        """Saves the state before step `step` of epoch `epoch`."""
        self.position.assign([epoch, step])
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


class Checkpoints(keras.callbacks.Callback):
    """Saves the state every so many steps, and the last and the best model at each epoch's end.

    Args:
        run: Where they go.
        state: The state to save.
        steps: Steps of an epoch.
        first_step: Step of the first epoch at which this `fit` starts.
        every: Steps from one state to the next.

    Raises:
        DivergedError: If the loss or a weight is no longer a number.
    """

    def __init__(self, run: Run, state: State, steps: int, first_step: int, every: int):
        super().__init__()
        self.run, self.state, self.steps, self.every = run, state, steps, every
        self.done = first_step
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if not np.isfinite(logs["loss"]):
            self.stop(f"the loss became {logs['loss']}")
        if self.done < self.steps and self.done % self.every == 0:
            self.check_weights()
            self.state.save(self.epoch, self.done)

    def on_epoch_end(self, epoch, logs=None):
        self.check_weights()
        save_model(self.model, self.run.last)
        best = logs.get("val_top1")
        if best is not None and best > self.state.best.numpy():
            save_model(self.model, self.run.best)
            self.state.best.assign(best)
        self.state.save(epoch + 1, 0)  # last: a run killed before this does the epoch again
        self.done = 0

    def check_weights(self) -> None:
        if not all(np.isfinite(w).all() for w in self.model.get_weights()):
            self.stop("a weight is no longer a number")

    def stop(self, reason: str) -> None:
        raise DivergedError(
            f"Stopped at epoch {self.epoch + 1}, step {self.done}: {reason}; "
            f"{self.state.describe()}. Start a new run with a lower --learning-rate, or with "
            "--warmup-epochs."
        )
