"""Clips a second of every method, inference and training step, beside the PyTorch reference.

    python benchmarks/model.py --repositories REPOSITORIES

`REPOSITORIES` holds checkouts of the reference projects, as `tests/ctm_keras/reference` wants them;
without it, or without torch, only this project's rows are measured. A method and its reference
(channels last, and compiled) are measured in turns, so that ratios hold on a busy machine; each
figure is the median of the rounds. "Folded" is ours with batch norms folded into convolutions, for
inference; in brackets are ours and, for inference, ours folded, over theirs.
"""

import argparse
import contextlib
import gc
import io
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
from training.costs.table import rows

ROOT = Path(__file__).parents[1]  # of `tests`, where the reference networks are described
CLASSES = 400
HEADER = (
    "| method | frames | ours | folded | PyTorch | compiled "
    "| training: ours | PyTorch | compiled |\n|---|---|---|---|---|---|---|---|---|"
)
INFERENCE = ("ours", "folded", "PyTorch", "compiled")
TRAINING = ("ours, training", "PyTorch, training", "compiled, training")


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
        return f"| {name} | {frames} | {error} |" + " |" * 6
    steps |= torch_steps(case, frames, args, clips) if case else {}
    speeds = {
        column: args.batch / seconds for column, seconds in measure(steps, args.rounds).items()
    }
    cells = [cell(column, speeds, INFERENCE[:2]) for column in INFERENCE]
    cells += [cell(column, speeds, TRAINING[:1]) for column in TRAINING]
    return f"| {name} | {frames} | " + " | ".join(cells) + " |"


def cell(column: str, speeds: dict[str, float], ours: tuple[str, ...]) -> str:
    """Clips a second; for theirs, ours over it."""
    if column not in speeds:
        return "-"
    ratios = ", ".join(f"{speeds[own] / speeds[column]:.2f}x" for own in ours)
    return f"{speeds[column]:.2f}" + f" ({ratios})" * (column not in ours)


def keras_steps(method: str, options: dict, frames: int, args, clips) -> dict[str, Callable]:
    """Inference, folded and not, and training step of a model of this project."""
    model = ctm_keras.build_video_model(
        method, args.backbone, CLASSES, frames, args.size, weights=None, dropout=0.0, **options
    )
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = tf.constant(clips), tf.zeros(len(clips), tf.int32)

    infer = tf.function(lambda: model(x, training=False))
    folded = ctm_keras.fold_batch_norm(model)
    infer_folded = tf.function(lambda: folded(x, training=False))

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    return {
        "ours": lambda: infer().numpy(),
        "folded": lambda: infer_folded().numpy(),
        "ours, training": lambda: train().numpy(),
    }


def torch_steps(case, frames: int, args, clips) -> dict[str, Callable]:
    """Inference and training step of the reference: as it is, and compiled."""
    import torch

    from tests.ctm_keras.reference import builders

    torch.set_num_threads(os.cpu_count())
    folder = args.repositories / case.reference.repository.split("/")[1]
    build = getattr(builders, case.reference.builder)
    with contextlib.redirect_stdout(io.StringIO()):
        network, score = build(folder, frames, CLASSES, **case.theirs)
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weight in network.parameters():
        if weight.ndim in formats:
            weight.data = weight.data.to(memory_format=formats[weight.ndim])
    pixels = torch.from_numpy(clips).permute(0, 1, 4, 2, 3)
    steps = plain_steps(torch, network, score, pixels, "PyTorch")
    if not args.no_compile:
        steps |= plain_steps(torch, network, torch.compile(score), pixels, "compiled")
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


def plain_steps(torch, network, score: Callable, pixels, name: str) -> dict[str, Callable]:
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

    return {name: infer, f"{name}, training": train}


def measure(steps: dict[str, Callable], rounds: int) -> dict[str, float]:
    """The median of each step's seconds; the steps take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():  # traced and compiled before the first round
        step()
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(own) for name, own in seconds.items()}


if __name__ == "__main__":
    main()
