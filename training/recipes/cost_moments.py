"""CoST(b) on Moments in Time: ResNet-50, 8 frames of 64, from ImageNet weights.

Paper: CoST, CVPR 2019, Section 4.2 and Tables 4 and 5.
Command: ctm train --recipe cost_moments --data data/moments
Hardware: 8 GPUs in two groups that update asynchronously, each with a batch of 32; here a single
batch of 32. The paper gives no time.
Published: top-1 30.1 (C2D 27.9, C3D 29.0: --model c2d, c3d), ResNet-101 31.5;
10 clips, fully convolutional on a short side of 256: ctm evaluate RUN --protocol nonlocal.
The paper trains for 600,000 steps with drops at 300,000 and 450,000: 24 epochs of 802,245 videos.
"""

from dataclasses import replace

from training.recipes import cost_kinetics

CONFIG = replace(cost_kinetics.CONFIG, epochs=24)
