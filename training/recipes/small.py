"""Few videos: one temporal block on the features of a frozen image model, computed once.

Paper: none. The measurements are in docs/results.md.
Command: chosen by `ctm train` for fewer than 2,000 training videos; or
  ctm train --recipe small --data data/mine --out runs/mine
Hardware: any. Without a GPU, MobileNetV2 at 160 pixels: minutes for a hundred videos on two cores.
  With a GPU, ResNet-50 at 224 pixels.
Published: nothing. On 81 clips of two actions: top-1 0.930, TSN 0.646 (docs/results.md).
"""

import dataclasses

from training.config.train import TrainConfig

STEPS, EPOCHS = 250, 40  # at least as many in a run

CONFIG = TrainConfig(
    backbone="mobilenetv2",
    image_size=160,
    options=("stages=head", "reduction=16"),
    sampling="segments",
    freeze="backbone",
    cached_clips=8,
    optimizer="adamw",
    learning_rate=3e-3,
    schedule="cosine",
    batch_size=16,
    epochs=60,
)
WITH_GPU = dataclasses.replace(CONFIG, backbone="resnet50", image_size=224)


def for_machine(gpu: bool) -> TrainConfig:
    """The recipe for a machine with or without a GPU."""
    return WITH_GPU if gpu else CONFIG


def epochs(videos: int, batch_size: int) -> int:
    """The passes over a number of training videos: at least 40, and at least 250 steps."""
    return max(EPOCHS, -(-STEPS // max(1, videos // batch_size)))
