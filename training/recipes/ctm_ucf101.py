"""CTM on UCF-101: ResNet-101, fine-tuned from Kinetics-600, all batch norms but the first frozen.

Paper: CTM, arXiv 2002.03152, Section 4.2 and Tables 5 and 6.
Command: for each split s of 1, 2, 3, built with --split-number s --val test:
  ctm train --recipe ctm_ucf101 --data data/ucf101-s --out runs/ucf101-s --weights KINETICS600.keras
then ctm evaluate runs/ucf101-1 runs/ucf101-2 runs/ucf101-3, which prints their mean.
Hardware: not given. The paper gives neither batch nor time; the batch is that of Kinetics-600.
Published: top-1 96.9 (TSN 95.5: --model tsn), the mean of three splits.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="ctm",
    weights="",  # requires --weights: fine-tunes a trained model
    backbone="resnet101",
    epochs=30,
    batch_size=128,
    rate_at=(0.002, 128),
    milestones=(10 / 30, 20 / 30),
    weight_decay=1e-4,
    freeze_bn=True,
)
