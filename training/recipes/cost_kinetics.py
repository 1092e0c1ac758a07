"""CoST(b) on Kinetics-400: ResNet-50, 8 frames of 64, from ImageNet weights.

Paper: CoST, CVPR 2019, Section 4.2 and Tables 4 and 5.
Command: ctm train --recipe cost_kinetics --data data/kinetics
Hardware: 8 GPUs in two groups that update asynchronously, each with a batch of 32; here a single
batch of 32. The paper gives no time.
Published: top-1 74.1 (C2D 71.5, C3D 73.3: --model c2d, c3d), ResNet-101 75.5;
10 clips, fully convolutional on a short side of 256: ctm evaluate RUN --protocol nonlocal.
The paper trains for 600,000 steps with drops at 300,000 and 450,000: 81 epochs of 236,763 videos.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="cost",
    backbone="resnet50",
    epochs=81,
    batch_size=32,
    rate_at=(0.005, 32),
    milestones=(300 / 600, 450 / 600),
    weight_decay=1e-4,
)
