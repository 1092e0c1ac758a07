"""The analysis paper's starting model: 8 frames, ImageNet weights, any method (here I3D-ResNet-50).

Paper: Deep Analysis of CNN-based Spatio-temporal Representations, CVPR 2021, Table 3.
Command: ctm train --recipe analysis_f8 --data data/mini-ssv2 [--model tam]
  on Mini-Kinetics with --epochs 100
Hardware: 6 V100, batch 72 or the largest that fits. The paper gives no time.
Published (I3D-ResNet-50, Mini-Kinetics, no temporal pooling): top-1 73.35; TSN 72.14, S3D 71.87,
TAM 74.07; for one clip: ctm evaluate RUN --protocol analysis-clip.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="i3d",
    backbone="resnet50",
    sampling="segments",
    scale=(224, 224),
    augment="tsn",
    num_frames=8,
    epochs=75,
    batch_size=72,
    rate_at=(0.01, 72),
    schedule="cosine",
    weight_decay=5e-4,
)
