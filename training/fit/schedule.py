"""The learning rate schedule of a run."""

import keras

import ctm_keras
from training.config.train import TrainConfig


def schedule(
    config: TrainConfig, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate schedule of a config.

    Args:
        config: The config with the schedule, milestones, warm-up and learning rate.
        steps_per_epoch: Steps per epoch.
    """
    total = steps_per_epoch * config.epochs
    warmup = round(config.warmup_epochs * steps_per_epoch)
    if config.schedule == "cosine":
        start = config.rate * config.warmup_start if warmup else config.rate
        return keras.optimizers.schedules.CosineDecay(
            start,
            decay_steps=max(1, total - warmup),
            warmup_target=config.rate if warmup else None,
            warmup_steps=warmup,
        )
    return ctm_keras.StepSchedule(
        config.rate,
        milestones=[round(part * total) for part in config.milestones],
        decay=config.decay,
        warmup_steps=warmup,
        warmup_start=config.warmup_start,
    )


def in_words(config: TrainConfig) -> str:
    """The schedule as text: `"0.00667 (scaled from 0.02 at batch size 96 to 32)"`."""
    rate, batch_size = config.rate_at
    words, by_default = f"{config.rate:.4g}", config.rate == config.rate_by_default
    if by_default and config.optimizer == "adamw":
        words += " (AdamW's default at any batch size; --rate-at does not apply)"
    elif by_default and config.batch_size != batch_size:
        words += f" (scaled from {rate:g} at batch size {batch_size} to {config.batch_size})"
    if config.warmup_epochs:
        words += f", after {config.warmup_epochs:g} epochs of warm-up"
    if config.schedule == "cosine":
        return words + ", then half a cosine to 0"
    falls = ", ".join(f"{part * config.epochs:g}" for part in config.milestones)
    return words + (f", times {config.decay:g} after epoch {falls}" if falls else "")
