"""The optimizer of a run."""

import keras

import ctm_keras
from training.config.train import TrainConfig
from training.fit.schedule import schedule


def optimizer_of(config: TrainConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The optimizer of a config, with its schedule.

    Args:
        config: The config.
        steps_per_epoch: Steps per epoch.
    """
    rate, own = schedule(config, steps_per_epoch), config.of_optimizer
    if config.optimizer == "adamw":
        return ctm_keras.AdamW(rate, weight_decay=own["weight_decay"])
    return ctm_keras.SGD(rate, momentum=own["momentum"], l2=own["weight_decay"])


def in_words(config: TrainConfig) -> str:
    """The optimizer as text: `"SGD, momentum 0.9, weight decay 0.0001"`."""
    own = config.of_optimizer
    name = "AdamW" if config.optimizer == "adamw" else f"SGD, momentum {own['momentum']}"
    return f"{name}, weight decay {own['weight_decay']}"
