"""Clips a second of every method, inference and training step, beside the PyTorch reference.

    python benchmarks/model.py --repositories REPOSITORIES

`REPOSITORIES` holds checkouts of the reference projects, as `tests/ctm_keras/reference` wants them;
without it, or without torch, only this project's rows are measured. A method and its reference
(channels last, and compiled) are measured in turns, so that ratios hold on a busy machine; each
figure is the median of the rounds, in brackets ours over theirs.
"""

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import ctm_keras
from training.model_table import rows

ROOT = Path(__file__).parents[1]  # of `tests`, where the reference networks are described
CLASSES = 400
HEADER = """| method | frames | ours | PyTorch | compiled | ours, training | PyTorch | compiled |
|---|---|---|---|---|---|---|---|"""


def main():
    """Measures the methods one by one and prints a line of the table for each."""
    args = parse_arguments()
    print(
        f"{args.backbone}, {args.size} x {args.size}, batch {args.batch}, {os.cpu_count()} cores, "
    )
    print(f"median of {args.rounds} rounds; clips a second (ours over theirs)\n\n{HEADER}")
    for name, method, options, frames in rows(args.frames):
        if not args.methods or name in args.methods or method in args.methods:
            print(line(name, method, options, frames, args), flush=True)
            keras.backend.clear_session()
            gc.collect()


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="*", help="only these rows (default: all)")
    parser.add_argument("--backbone", default="tv_resnet50", help="as build_video_model takes it")
    parser.add_argument("--frames", type=int, default=8, help="frames of a clip")
    parser.add_argument("--size", type=int, default=224, help="height and width in pixels")
    parser.add_argument("--batch", type=int, default=1, help="clips of a batch")
    parser.add_argument("--rounds", type=int, default=5, help="times that each step is measured")
    parser.add_argument("--repositories", type=Path, help="folder of the reference projects")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    return parser.parse_args()


def line(name: str, method: str, options: dict, frames: int, args) -> str:
    """One line of the table."""
    clips = np.zeros((args.batch, frames, args.size, args.size, 3), "float32")
    case = reference_of(method, options, args)
    options = options if case is None else case.options
    try:
        steps = keras_steps(method, options, frames, args, clips)
    except ValueError as error:
        return f"| {name} | {frames} | {error} | | | | | |"
    steps += torch_steps(case, frames, args, clips) if case else []
    seconds = measure(steps, args.rounds)
    cells = [f"{args.batch / s:.2f}" for s in seconds]
    cells = [
        cell if i < 2 else f"{cell} ({theirs / seconds[i % 2]:.2f}x)"
        for i, (cell, theirs) in enumerate(zip(cells, seconds, strict=True))
    ]
    cells += ["-"] * (6 - len(cells))
    return f"| {name} | {frames} | " + " | ".join(cells[0::2] + cells[1::2]) + " |"


def keras_steps(method: str, options: dict, frames: int, args, clips) -> list[Callable]:
    """Inference and training step of a model of this project."""
    model = ctm_keras.build_video_model(
        method, args.backbone, CLASSES, frames, args.size, weights=None, dropout=0.0, **options
    )
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = tf.constant(clips), tf.zeros(len(clips), tf.int32)

    @tf.function
    def infer():
        return model(x, training=False)

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    return [lambda: infer().numpy(), lambda: train().numpy()]


def torch_steps(case, frames: int, args, clips) -> list[Callable]:
    """Inference and training step of the reference: as it is, and compiled."""
    import torch

    from tests.ctm_keras.reference import builders

    torch.set_num_threads(os.cpu_count())
    folder = args.repositories / case.reference.repository.split("/")[1]
    build = getattr(builders, case.reference.builder)
    network, score = build(folder, frames, CLASSES, **case.theirs)
    volumes = any(isinstance(part, torch.nn.Conv3d) for part in network.modules())
    network.to(memory_format=torch.channels_last_3d if volumes else torch.channels_last)
    pixels = torch.from_numpy(clips).permute(0, 1, 4, 2, 3)
    steps = plain_steps(torch, network, score, pixels)
    if not args.no_compile:
        steps += plain_steps(torch, network, torch.compile(score), pixels)
    return steps


def reference_of(method: str, options: dict, args):
    """The first case of the reference tests with this method and backbone, not pooled over time.

    Its options are those of the reference's network, as zeros beyond the clip for I3D.
    """
    if args.repositories is None:
        return None
    sys.path.insert(0, str(ROOT))
    from tests.ctm_keras.reference.cases import CASES

    for case in CASES.values():
        same_backbone = case.backbone.removeprefix("tv_") == args.backbone.removeprefix("tv_")
        theirs = {"variant": "4x16"} | case.options
        if case.method == method and same_backbone and options.items() <= theirs.items():
            return case
    return None


def plain_steps(torch, network, score: Callable, pixels) -> list[Callable]:
    """Inference and training step of a network in PyTorch."""
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    labels = torch.zeros(len(pixels), dtype=torch.long)

    def infer():
        network.eval()
        with torch.inference_mode():
            return score(pixels).numpy()

    def train():
        network.train()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(score(pixels), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return [infer, train]


def measure(steps: list[Callable], rounds: int) -> list[float]:
    """The median of each step's seconds; the steps take turns."""
    seconds: list[list[float]] = [[] for _ in steps]
    for step in steps:  # traced and compiled before the first round
        step()
    for _ in range(rounds):
        for own, step in zip(seconds, steps, strict=True):
            started = time.perf_counter()
            step()
            own.append(time.perf_counter() - started)
    return [statistics.median(own) for own in seconds]


if __name__ == "__main__":
    main()
