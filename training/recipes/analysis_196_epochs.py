"""The analysis paper's training of state-of-the-art models, following SlowFast: 196 epochs, cosine.

Paper: Deep Analysis of CNN-based Spatio-temporal Representations, CVPR 2021, Section 5.2 and
Table 6; 32 frames, every other one of 64.
Command: ctm train --recipe analysis_196_epochs --data data/kinetics400 [--model tam]
  on SSV2 with --sampling segments --augment tsn --scale 224 224 --weight-decay 0.0005
Hardware: 128 GPUs, batch 1,024; the learning rate rises from 0.01 to 1.6 over 34 epochs. The paper
gives no time. Its batch norm uses the 8 clips of one GPU, here those of all GPUs.
Published on Kinetics-400: I3D-ResNet-50 76.61, TAM-ResNet-50 76.18, SlowFast 8x8 76.40, 30 views of
256 x 256: ctm evaluate RUN --protocol slowfast; on SSV2 62.84 and 63.83: with --num-clips 2.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="i3d",
    backbone="resnet50",
    num_frames=32,
    interval=2,
    epochs=196,
    batch_size=1024,
    rate_at=(1.6, 1024),
    schedule="cosine",
    warmup_epochs=34,
    warmup_start=0.01 / 1.6,
    weight_decay=1e-4,
)
