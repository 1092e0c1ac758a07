"""CTM on Mini-Kinetics-200: ResNet-50, three blocks in Res4, from ImageNet weights.

Paper: CTM, arXiv 2002.03152, Section 4.2 and Table 3. The data set is s9xie's list, not IBM's.
Command: ctm train --recipe ctm_mini_kinetics --data data/mini-kinetics-200
Hardware: 4 GPUs, batch 96. The paper gives no time.
Published: top-1 79.13 (one block 78.94, TSN 76.76: --model tsn), 10 clips at 224 x 224:
ctm evaluate RUN.
Ablations: --options blocks=1 paths=tccm (78.60), blocks=1 paths=temporal (78.58), blocks=all
(79.15).
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="ctm",
    backbone="resnet50",
    epochs=60,
    batch_size=96,
    rate_at=(0.02, 96),
    milestones=(30 / 60, 50 / 60),
    weight_decay=1e-4,
)
