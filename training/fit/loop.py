"""The training loop: epochs of steps and validation, on one device or many machines.

Keras' `fit` cannot run on several machines, clips each device's gradient separately and cannot
accumulate gradients on several devices. This loop calls Keras' callbacks as `fit` does.
"""

import functools
import itertools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from training.batches import (
    CLIPS,
    Sources,
    has_validation,
    training_batches,
    validation_batches,
)
from training.config.train import TrainConfig
from training.fit.network import Network
from training.fit.precise_bn import PreciseStatistics
from training.fit.preemption import Notice, Preempted
from training.fit.state import State
from training.fit.step import Step, means
from training.fit.weight_averages import Averages
from training.machines.workers import wait_for_all


class Loop:
    """Trains a compiled model from its saved position to the last epoch, or out of patience.

    Args:
        network: The model and its parts.
        sources: The clips to train and to validate on, or what the trunk computed of them.
        config: The run's config.
        strategy: Strategy under which the model was made.
        averages: Averages of the model's weights.
        state: The run's state, restored.
        steps: Steps per epoch.
        notice: Records whether SIGTERM was received.
        timed: Wraps this machine's dataset of batches; also receives the first batch's number.

    Raises:
        Preempted: On SIGTERM, after saving the state.
    """

    def __init__(
        self,
        network: Network,
        sources: Sources,
        config: TrainConfig,
        strategy: tf.distribute.Strategy,
        averages: Averages,
        state: State,
        steps: int,
        notice: Notice,
        timed: Callable[[tf.data.Dataset, int], tf.data.Dataset] = lambda batches, first: batches,
    ):
        self.config, self.strategy = config, strategy
        self.averages, self.state = averages, state
        self.steps, self.notice = steps, notice
        trunk = network.trunk if sources == CLIPS else None
        self.step = Step(
            network.learner, strategy, averages, config.clip_norm, config.accumulate, trunk
        )
        self.statistics = (
            PreciseStatistics(network.learner, strategy, self.step.inputs)
            if config.precise_bn
            else None
        )
        self.epoch = tf.Variable(0, dtype=tf.int64)
        self.batches = functools.cache(
            lambda first: training_batches(
                config, strategy, self.epoch, first, timed, sources.training
            )
        )
        self.validation = (
            validation_batches(config, strategy, sources.validation)
            if has_validation(config)
            else ()
        )

    def run(self, callbacks: keras.callbacks.CallbackList) -> None:
        """Trains and validates epoch by epoch."""
        callbacks.on_train_begin()
        first_epoch, first_step = self.state.position.numpy().tolist()
        for epoch in range(first_epoch, self.config.epochs):
            if self.state.out_of_patience:
                break
            callbacks.on_epoch_begin(epoch)
            logs = self.train_epoch(epoch, first_step, callbacks)
            if self.statistics:
                self.make_precise(epoch, self.statistics)
            if self.validation:
                logs |= self.validate(epoch, callbacks)
            callbacks.on_epoch_end(epoch, logs)
            first_step = 0
        callbacks.on_train_end()

    def train_epoch(
        self, epoch: int, first: int, callbacks: keras.callbacks.CallbackList
    ) -> dict[str, float]:
        """Runs the steps of an epoch from step `first` on; returns the epoch's mean metrics."""
        self.epoch.assign(epoch)
        if not first:
            self.state.sums.assign(tf.zeros_like(self.state.sums))
        batches = iter(self.batches(first))
        for step in range(first, self.steps):
            callbacks.on_train_batch_begin(step)
            parts = itertools.islice(batches, self.config.accumulate)
            sums = self.step.train(parts, self.notice.came)
            self.state.sums.assign_add(sums)
            callbacks.on_train_batch_end(step, means(self.state.sums.numpy()))
            self.leave_if_told(sums, epoch, step + 1)
        return means(self.state.sums.numpy())

    def make_precise(self, epoch: int, statistics: PreciseStatistics) -> None:
        """Recomputes batch norm's statistics with averaged weights if there are any."""
        batches = itertools.islice(self.batches(0), self.config.precise_bn)
        with self.averages.in_the_model():
            told = statistics.recompute(batches, self.notice)
        self.leave_if_told([told], epoch, self.steps)

    def validate(self, epoch: int, callbacks: keras.callbacks.CallbackList) -> dict[str, float]:
        """The mean metrics on the validation split, with averaged weights if there are any."""
        callbacks.on_test_begin()
        total = np.zeros(5)
        with self.averages.in_the_model():
            for batch in self.validation:
                sums = self.step.score(*batch, stop=self.notice.came)
                total += sums
                if sums[-1]:
                    break
        self.leave_if_told(total, epoch, self.steps)
        logs = means(total)
        callbacks.on_test_end(logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def leave_if_told(self, sums: Sequence[float] | np.ndarray, epoch: int, step: int) -> None:
        """Saves and stops if a machine received SIGTERM; all machines notice in the same step."""
        if sums[-1]:
            self.state.save(epoch, step)
            wait_for_all(self.strategy)
            raise Preempted
