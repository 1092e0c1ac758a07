"""CTM on Kinetics-600: ResNet-101, blocks after the 6th, 12th and 18th of Res4, from ImageNet.

Paper: CTM, arXiv 2002.03152, Section 4.2 and Table 4.
Command: ctm train --recipe ctm_kinetics600 --data data/kinetics600
Hardware: 8 GPUs, batch 128. The paper gives no time.
Published: top-1 78.24 (TSN 75.34: --model tsn), 10 clips at 224 x 224: ctm evaluate RUN.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="ctm",
    backbone="resnet101",
    epochs=100,
    batch_size=128,
    rate_at=(0.02, 128),
    milestones=(50 / 100, 80 / 100),
    weight_decay=1e-4,
)
