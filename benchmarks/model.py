"""Clips a second of video models: inference and training step, beside TSN in plain PyTorch.

    python benchmarks/model.py --backbone resnet50 --frames 8 --size 224 --batch 4

All rows are measured in turns in one run, so that their ratios hold on a busy machine; each
figure is the median of the rounds, beside it the ratio to the first row. PyTorch's rows need
torch and the backbone resnet50.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import ctm_keras

CLASSES = 200


def main():
    """Measures all rows and prints them as a table."""
    args = parse_arguments()
    shape = (args.batch, args.frames, args.size, args.size, 3)
    clips = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
    rows = {name: keras_steps(name, args, clips) for name in ("tsn", "ctm")}
    rows = {f"Keras/TF {name.upper()}": steps for name, steps in rows.items()}
    rows |= torch_rows(args, clips)
    seconds = measure(rows, args.rounds)
    print(
        f"\n{args.backbone}, {args.frames} x {args.size} x {args.size}, batch {args.batch}, ",
        end="",
    )
    print(f"{os.cpu_count()} cores, median of {args.rounds}; clips a second")
    print(f"{'':38}{'inference':>10}{'':8}{'training':>10}")
    first = next(iter(seconds.values()))
    for row, times in seconds.items():
        pairs = zip(times, first, strict=True)
        cells = [f"{args.batch / own:10.2f} ({other / own:4.2f}x)" for own, other in pairs]
        print(f"{row:38}" + "".join(cells))
    print_sizes(args)


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet50", help="as build_video_model takes it")
    parser.add_argument("--frames", type=int, default=8, help="frames of a clip")
    parser.add_argument("--size", type=int, default=224, help="height and width in pixels")
    parser.add_argument("--batch", type=int, default=4, help="clips of a batch")
    parser.add_argument("--rounds", type=int, default=5, help="times that each row is measured")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch's rows out")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    return parser.parse_args()


def build(method: str, args) -> keras.Model:
    """A video model of the size that is measured."""
    return ctm_keras.build_video_model(
        method, args.backbone, CLASSES, args.frames, args.size, weights=None, dropout=0.0
    )


def keras_steps(method: str, args, clips) -> tuple[Callable, Callable]:
    """Inference and training step of a model of this project."""
    model = build(method, args)
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

    return lambda: infer().numpy(), lambda: train().numpy()


def torch_rows(args, clips) -> dict[str, tuple[Callable, Callable]]:
    """TSN in PyTorch: channels last, and compiled; none where torch is absent."""
    if args.no_torch or args.backbone != "resnet50":
        return {}
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: its rows are left out.")
        return {}
    torch.set_num_threads(os.cpu_count())
    rows = {"PyTorch TSN, channels last": torch_steps(torch, clips, compiled=False)}
    if not args.no_compile:
        rows["PyTorch TSN, channels last, compiled"] = torch_steps(torch, clips, compiled=True)
    return rows


def torch_steps(torch, clips, compiled: bool) -> tuple[Callable, Callable]:
    """Inference and training step of TSN on a ResNet-50 in plain PyTorch."""
    from torch_resnet import ResNet50

    model = ResNet50(CLASSES).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    batch, frames = clips.shape[:2]
    images = torch.tensor(clips).flatten(0, 1).permute(0, 3, 1, 2) / 127.5 - 1  # channels last
    labels = torch.zeros(batch, dtype=torch.long)
    forward = torch.compile(model) if compiled else model

    def scores():
        return forward(images).unflatten(0, (batch, frames)).mean(1)

    def infer():
        model.eval()
        with torch.inference_mode():
            return scores()

    def train():
        model.train()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(scores(), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return infer, train


def measure(rows, rounds: int) -> dict[str, list[float]]:
    """The median of each step's seconds; the rows take turns."""
    seconds = {row: [[] for _ in steps] for row, steps in rows.items()}
    for steps in rows.values():  # traced and compiled before the first round
        for step in steps:
            step()
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}", flush=True)
        for row, steps in rows.items():
            for i, step in enumerate(steps):
                started = time.perf_counter()
                step()
                seconds[row][i].append(time.perf_counter() - started)
    return {row: [statistics.median(s) for s in steps] for row, steps in seconds.items()}


def print_sizes(args) -> None:
    """Parameters and multiply-adds of both methods, and what CTM adds."""
    sizes = []
    for method in ("tsn", "ctm"):
        model = build(method, args)
        sizes.append((model.count_params(), multiply_adds(model, args.frames)))
    print(f"\n{'':34}{'parameters':>14}{'G multiply-adds a clip':>26}")
    for method, (parameters, operations) in zip(("TSN", "CTM"), sizes, strict=True):
        print(f"{method:34}{parameters:14,}{operations / 1e9:26.2f}")
    more = [100 * (ctm / tsn - 1) for tsn, ctm in zip(*sizes, strict=True)]
    print(f"{'CTM adds':34}{more[0]:13.1f}%{more[1]:25.1f}%")


def multiply_adds(model: keras.Model, frames: int) -> int:
    """Multiply-adds of all kernels for one clip."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, ctm_keras.CTM):
            total += block_multiply_adds(layer)
        elif hasattr(layer, "kernel"):
            positions = int(np.prod(layer.output.shape[1:-1]))
            kernel = int(np.prod(layer.kernel.shape))
            total += frames * positions * kernel
    return total


def block_multiply_adds(block: ctm_keras.CTM) -> int:
    """Of a CTM block: every kernel weight at each position and frame; TCC's at each channel."""
    _, frames, height, width, channels = block.output.shape
    inner = max(1, channels // block.reduction)
    total = 0
    for branch in block.branches:
        kernels = [branch.reduce.kernel, branch.restore.kernel]
        if isinstance(branch, ctm_keras.TCCM):
            total += frames * inner * int(np.prod(branch.temporal.kernel.shape))
        else:
            kernels.append(branch.temporal.kernel)
        total += frames * height * width * sum(int(np.prod(kernel.shape)) for kernel in kernels)
    return total


if __name__ == "__main__":
    main()
