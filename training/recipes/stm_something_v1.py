"""STM on Something-Something v1: ResNet-50, one frame of each of 8 segments, from ImageNet weights.

Paper: STM, ICCV 2019, Section 4.2 and Tables 1 to 3.
Command: ctm train --recipe stm_something_v1 --data data/something-v1
Hardware: 8 GTX 1080 Ti, 8 clips each. The paper gives no time.
Published: top-1 49.2 (8 frames), 50.7 (16: --num-frames 16 --batch-size 32 --rate-at 0.01 32),
10 clips x 3 crops: ctm evaluate RUN.
"""

from training.config.train import TrainConfig

CONFIG = TrainConfig(
    model="stm",
    backbone="resnet50",
    num_frames=8,
    sampling="segments",
    scale=(224, 224),
    augment="tsn",
    flip_pairs=("something-something-v1",),
    epochs=50,
    batch_size=64,
    rate_at=(0.01, 64),
    milestones=(30 / 50, 40 / 50, 45 / 50),
    weight_decay=5e-4,
)
