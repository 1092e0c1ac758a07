"""`ctm train --dry-run`: the plan and the cost of a training run, measured on two steps."""

import dataclasses
import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tfrecords
from tfrecords.text import sized, timed
from training import recipes
from training.batches import training_batches
from training.config.train import TrainConfig
from training.costs.count import activation_bytes, trained_parameters
from training.fit.network import Network
from training.fit.optimizer import in_words as optimizer_in_words
from training.fit.resolve import complete
from training.fit.resume import WHERE, differences
from training.fit.schedule import in_words, schedule
from training.fit.step import Step
from training.fit.weight_averages import Averages
from training.pictures.charts import draw_schedule

FLOAT = 4  # bytes; weights, gradients and the optimizer are float32 in mixed precision, too


def dry_run(
    network: Network,
    config: TrainConfig,
    steps_per_epoch: int,
    strategy: tf.distribute.Strategy,
) -> None:
    """Prints the plan of a training run, plots its learning rate, and runs two steps.

    No run is created; the updated weights are discarded.

    Args:
        network: The model and its parts; the learner is compiled.
        config: The resolved config.
        steps_per_epoch: Steps per epoch.
        strategy: Strategy under which the model was made.
    """
    for line in [*what(network, config, steps_per_epoch), _memory(network.learner, config)]:
        print(line)
    picture = config.folder.with_name(f"{config.folder.name}-plan.png")
    _draw(config, steps_per_epoch, picture)
    print(f"Plot of the learning rate: {picture}")
    frozen, seconds = _seconds_of_a_step(network, config, strategy)
    whole = seconds * steps_per_epoch * config.epochs
    if frozen:
        caching = frozen * steps_per_epoch * min(config.cached_clips, config.epochs)
        print(f"Frozen layers, computed once: about {timed(caching)} on this machine")
    print(
        f"Ran two steps; the second took {seconds:.2f} s: about {timed(whole)} in total on this "
        "machine, without validation"
    )


def what(network: Network, config: TrainConfig, steps_per_epoch: int) -> list[str]:
    """The lines of the plan: recipe, data, model, frozen layers, steps, learning rate."""
    manifest = tfrecords.read_manifest(config.dataset)
    counts = ", ".join(f"{split} {n['videos']:,}" for split, n in manifest.splits.items())
    model = network.model
    return [
        *_of_recipe(config),
        f"Data: {config.dataset}, {len(manifest.class_names)} classes; videos: {counts}",
        f"Model: {config.model} on {config.backbone}, {config.num_frames} frames of "
        f"{config.image_size} x {config.image_size}; {model.count_params():,} parameters, "
        f"{trained_parameters(model):,} trainable",
        str(network),
        f"Steps: {steps_per_epoch:,} per epoch, of {config.batch_size} clips each; "
        f"{steps_per_epoch * config.epochs:,} in {config.epochs} epochs",
        *_after_each_epoch(config),
        f"Optimizer: {optimizer_in_words(config)}",
        f"Learning rate: {in_words(config)}",
    ]


def _after_each_epoch(config: TrainConfig) -> list[str]:
    """What happens after each epoch besides the validation, in lines; often empty."""
    lines = []
    if config.precise_bn:
        lines.append(f"Batch norm: statistics of up to {config.precise_bn:,} batches of each epoch")
    if config.patience:
        lines.append(f"Stops after {config.patience} epochs without a better validation top-1")
    return lines


def _of_recipe(config: TrainConfig) -> list[str]:
    """The recipe and the values that differ from it, in lines; empty without a recipe."""
    if not config.recipe:
        return []
    recipe = recipes.read(config.recipe)
    own = {name: getattr(config, name) for name in (*WHERE, "out", "dry_run", "save_every")}
    recipe = complete(dataclasses.replace(recipe, weights=recipe.weights or config.weights, **own))
    differ = [
        f"  {name}: {getattr(config, name)} instead of {getattr(recipe, name)}"
        for name in differences(config, recipe)
    ]
    return [f"Recipe {config.recipe}:", *differ]


def _memory(model: keras.Model, config: TrainConfig) -> str:
    """The estimated memory of a step."""
    optimizer = sum(math.prod(v.shape) for v in model.optimizer.variables)
    fixed = FLOAT * (model.count_params() + trained_parameters(model) + optimizer)
    held = activation_bytes(model) * config.batch_size // config.accumulate
    return (
        f"Memory of a step: about {sized(fixed + held)} over all devices ({sized(fixed)} for "
        f"weights, gradients and the optimizer, {sized(held)} for activations; libraries need more)"
    )


def _draw(config: TrainConfig, steps_per_epoch: int, picture: Path) -> None:
    """Plots the learning rate over the epochs."""
    steps = np.linspace(0, steps_per_epoch * config.epochs - 1, 400).round()
    rate = schedule(config, steps_per_epoch)
    rates = [float(rate(step)) for step in steps]
    picture.parent.mkdir(parents=True, exist_ok=True)
    draw_schedule(steps / steps_per_epoch, rates, in_words(config), picture)


def _seconds_of_a_step(
    network: Network, config: TrainConfig, strategy: tf.distribute.Strategy
) -> tuple[float, float]:
    """The seconds that cached frozen layers take for a batch (else 0), and those of a step.

    Both are those of the second of two steps.
    """
    averages = Averages(network.learner, strategy, config.ema)
    forward = config.cached_clips and _forward(network.trunk, strategy)
    trunk = None if forward else network.trunk
    step = Step(network.learner, strategy, averages, config.clip_norm, config.accumulate, trunk)
    # Two epochs, since one may have a single step.
    epochs = (training_batches(config, strategy, epoch) for epoch in range(2))
    batches = itertools.chain.from_iterable(epochs)
    frozen, end, seconds = 0.0, 0.0, 0.0
    for _ in range(2):
        begin, parts = end, list(itertools.islice(batches, config.accumulate))
        if forward:
            read = time.perf_counter()
            parts = [(*forward(clips), labels) for clips, labels in parts]
            begin = time.perf_counter()
            frozen = begin - read
        step.train(parts, stop=False)
        end = time.perf_counter()
        seconds = end - begin
    return frozen, seconds


def _forward(trunk: keras.Model | None, strategy: tf.distribute.Strategy) -> Callable | None:
    """Returns a function that computes the frozen layers of distributed clips."""
    if trunk is None:
        return None
    return tf.function(
        lambda clips: strategy.run(lambda own: tf.nest.flatten(trunk(own)), (clips,))
    )
