"""The optimizer of a run."""

import keras

import ctm_keras
from training.config.train import TrainConfig
from training.fit.schedule import schedule


def optimizer_of(
    model: keras.Model, config: TrainConfig, steps_per_epoch: int
) -> keras.optimizers.Optimizer:
    """The optimizer of a config, with its schedule.

    Args:
        model: The video model, of which all or some layers are trained.
        config: The config.
        steps_per_epoch: Steps per epoch.
    """
    rate, own = schedule(config, steps_per_epoch), config.of_optimizer
    factors = rate_factors(model, config.backbone_rate)
    if config.optimizer == "adamw":
        return ctm_keras.AdamW(rate, own["weight_decay"], rate_factors=factors)
    return ctm_keras.SGD(rate, own["momentum"], own["weight_decay"], rate_factors=factors)


def rate_factors(model: keras.Model, backbone_rate: float) -> dict[str, float]:
    """The factors of the learning rate, by path of the variable; it is 1 for all others.

    Raises:
        ValueError: If there is a fraction for the image model's layers, but none is trained.
    """
    if backbone_rate == 1:
        return {}
    trained = [v for layer in ctm_keras.image_layers(model) for v in layer.trainable_variables]
    if not trained:
        raise ValueError(
            "--backbone-rate requires layers of the image model that are trained; here, all are "
            "frozen. Remove --backbone-rate."
        )
    return {variable.path: backbone_rate for variable in trained}


def in_words(config: TrainConfig) -> str:
    """The optimizer as text: `"SGD, momentum 0.9, weight decay 0.0001"`."""
    own = config.of_optimizer
    name = "AdamW" if config.optimizer == "adamw" else f"SGD, momentum {own['momentum']}"
    words = f"{name}, weight decay {own['weight_decay']}"
    if config.backbone_rate != 1:
        words += f", layers of the image model at {config.backbone_rate:g} times the learning rate"
    return words
