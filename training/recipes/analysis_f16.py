"""The analysis paper's progressive training: 16 frames, from the 8-frame model.

Paper: Deep Analysis of CNN-based Spatio-temporal Representations, CVPR 2021, Table 3.
Command: ctm train --recipe analysis_f16 --data data/mini-ssv2 --weights runs/f8/model.keras
  on Mini-Kinetics --epochs 45 with --milestones 0.3333 0.6667 0.8889 (15, 30, 40)
Hardware: 6 V100, batch 72 or the largest that fits, at the same learning rate. The paper gives no
time.
Published (I3D-ResNet-50, Mini-Kinetics, no temporal pooling):
top-1 75.57; TSN 72.47, S3D 73.66, TAM 76.43; for one clip: --protocol analysis-clip.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="i3d",
    weights="",  # requires --weights: fine-tunes a trained model
    backbone="resnet50",
    sampling="segments",
    scale=(224, 224),
    augment="tsn",
    num_frames=16,
    epochs=35,
    batch_size=72,
    rate_at=(0.01, 72),
    milestones=(10 / 35, 20 / 35, 30 / 35),
    weight_decay=5e-4,
)
