"""Seconds of a training step of CTM: float32 and bfloat16, beside PyTorch, over frames and batch.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --frames 8 16 32 64 --size 112
    python benchmarks/training_step.py --batch 2 4 8 --size 112 --devices cpu:2 --no-torch

Ours is the step of `ctm train` on `tv_resnet50` (gradient, L2, momentum; no reading). PyTorch's
is torchvision's ResNet-50 with the same blocks, written here as the paper describes them, channels
last, and with autocast for bfloat16; it needs `torch` and `torchvision`. All steps of a row take
turns; each figure is the median of the rounds, with ours over theirs in brackets. Several devices
are logical CPUs of this machine: what sharing a step costs, not what a second machine would bring.
"""

import argparse
import gc
import itertools
import os
import sys
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from model import ROOT, measure

import ctm_keras
from training.fit.step import Step
from training.fit.weight_averages import Averages
from training.machines.devices import strategy_for

CLASSES = 200
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def main():
    """Prints a line for each number of frames and clips."""
    args = parse_arguments()
    strategy = strategy_for(args.devices)
    print(
        f"CTM, ResNet-50, {args.size} x {args.size}, {args.devices}, {os.cpu_count()} cores; "
        f"seconds of a step, median of {args.rounds} rounds\n"
    )
    print("| frames | batch | float32 | PyTorch | bfloat16 | PyTorch |\n|---|---|---|---|---|---|")
    for frames, batch in itertools.product(args.frames, args.batch):
        clips = np.zeros((batch, frames, args.size, args.size, 3), "float32")
        steps = {f"ours {name}": keras_step(clips, name, strategy) for name in POLICIES}
        if not args.no_torch:
            steps |= {f"PyTorch {name}": torch_step(clips, name) for name in POLICIES}
        print(line(frames, batch, measure(steps, args.rounds)), flush=True)
        del steps
        keras.backend.clear_session()
        gc.collect()


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[8], help="frames of a clip")
    parser.add_argument("--batch", type=int, nargs="+", default=[1], help="clips of a step")
    parser.add_argument("--size", type=int, default=224, help="height and width in pixels")
    parser.add_argument("--devices", default="cpu", help="as ctm train takes them")
    parser.add_argument("--rounds", type=int, default=3, help="times that each step is measured")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch out")
    return parser.parse_args()


def line(frames: int, batch: int, seconds: dict[str, float]) -> str:
    """A line of the table."""
    cells = []
    for name in POLICIES:
        own, theirs = seconds[f"ours {name}"], seconds.get(f"PyTorch {name}")
        cells += [f"{own:.2f}", f"{theirs:.2f} ({theirs / own:.2f}x)" if theirs else "-"]
    return f"| {frames} | {batch} | " + " | ".join(cells) + " |"


def keras_step(clips: np.ndarray, name: str, strategy: tf.distribute.Strategy) -> Callable:
    """The training step of `ctm train`."""
    keras.config.set_dtype_policy(POLICIES[name])
    with strategy.scope():
        model = ctm_keras.build_video_model(
            "ctm", "tv_resnet50", CLASSES, clips.shape[1], clips.shape[2], weights=None
        )
        model.compile(ctm_keras.SGD(0.01, momentum=0.9, l2=1e-4), ctm_keras.SmoothedCrossentropy())
        model.optimizer.build(model.trainable_variables)
    keras.config.set_dtype_policy("float32")
    step = Step(model, strategy, Averages(model, strategy, 0.0))
    data = tf.data.Dataset.from_tensors((clips, np.zeros(len(clips), "int64"))).repeat().unbatch()
    at_once = len(clips) // strategy.num_replicas_in_sync
    batches = strategy.distribute_datasets_from_function(lambda _: data.batch(at_once))
    (batch,) = itertools.islice(batches, 1)

    return lambda: step.train([batch], stop=False)


def torch_step(clips: np.ndarray, name: str) -> Callable:
    """The same step in PyTorch."""
    import torch

    torch.set_num_threads(os.cpu_count())
    network = torch_network(clips.shape[1], clips.shape[2] // 16).to(
        memory_format=torch.channels_last
    )
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
    pixels = torch.from_numpy(clips).flatten(0, 1).permute(0, 3, 1, 2)
    labels = torch.zeros(len(clips), dtype=torch.long)

    def run():
        network.train()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=name == "bfloat16"):
            scores = network(pixels / 127.5 - 1).unflatten(0, (-1, clips.shape[1])).mean(1)
        loss = torch.nn.functional.cross_entropy(scores.float(), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def torch_network(frames: int, side: int):
    """torchvision's ResNet-50 with CTM blocks after the first, third and fifth block of Res4."""
    sys.path.insert(0, str(ROOT))
    from tests.ctm_keras.reference.builders import declare_operations

    declare_operations()
    from torch import nn
    from torchvision.models import resnet50

    class TCC(nn.Conv2d):
        def __init__(self):
            super().__init__(side * side, side * side, 3, padding=1, groups=side * side, bias=False)

        def forward(self, x):
            folded = x.unflatten(0, (-1, frames)).flatten(3)  # batch, time, channels, positions
            out = super().forward(folded.permute(0, 3, 1, 2).contiguous()).permute(0, 2, 3, 1)
            return out.unflatten(3, (side, side)).flatten(0, 1)

    class Temporal(nn.Conv2d):
        def __init__(self):
            super().__init__(256, 256, (3, 1), padding=(1, 0), bias=False)

        def forward(self, x):
            folded = x.unflatten(0, (-1, frames)).flatten(3)
            out = super().forward(folded.permute(0, 2, 1, 3)).permute(0, 2, 1, 3)
            return out.unflatten(3, (side, side)).flatten(0, 1)

    def path(temporal: nn.Module) -> nn.Module:
        return nn.Sequential(
            *(nn.Conv2d(1024, 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU()),
            *(temporal, nn.BatchNorm2d(256), nn.ReLU()),
            *(nn.Conv2d(256, 1024, 1, bias=False), nn.BatchNorm2d(1024)),
        )

    class CTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.tccm, self.temporal = path(TCC()), path(Temporal())

        def forward(self, x):
            return x + self.tccm(x) + self.temporal(x)

    network = resnet50(num_classes=CLASSES)
    blocks = list(network.layer3)
    network.layer3 = nn.Sequential(
        *itertools.chain(*([b, CTM()] if i in (0, 2, 4) else [b] for i, b in enumerate(blocks)))
    )
    network.fc = nn.Sequential(nn.Dropout(0.5), network.fc)
    return network


if __name__ == "__main__":
    main()
