"""STM on UCF-101: ResNet-50, 16 frames, fine-tuned from Kinetics-400, all batch norms trained.

Paper: STM, ICCV 2019, Section 4.2 and Table 4.
Command: for each split s of 1, 2, 3, built with --split-number s --val test:
  ctm train --recipe stm_ucf101 --data data/ucf101-s --out runs/ucf101-s --weights KINETICS.keras
then ctm evaluate runs/ucf101-1 runs/ucf101-2 runs/ucf101-3, which prints their mean.
Hardware: 8 GTX 1080 Ti, 4 clips of 16 frames each. The paper gives no time.
Published: top-1 96.2, the mean of three splits.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="stm",
    weights="",  # requires --weights: fine-tunes a trained model
    backbone="resnet50",
    num_frames=16,
    sampling="segments",
    scale=(224, 224),
    augment="tsn",
    epochs=25,
    batch_size=32,
    rate_at=(0.001, 32),
    milestones=(15 / 25,),
    weight_decay=5e-4,
)
