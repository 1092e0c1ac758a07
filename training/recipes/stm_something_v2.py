"""STM on Something-Something v2: ResNet-50, one frame of each of 8 segments, from ImageNet weights.

Paper: STM, ICCV 2019, Section 4.2 and Tables 1 to 3.
Command: ctm train --recipe stm_something_v2 --data data/something-v2
Hardware: 8 GTX 1080 Ti, 8 clips each. The paper gives no time.
Published: top-1 62.3 (8 frames), 64.2 (16: --num-frames 16 --batch-size 32 --rate-at 0.01 32),
10 clips x 3 crops: ctm evaluate RUN.
"""

from dataclasses import replace

from training.recipes import stm_something_v1

CONFIG = replace(stm_something_v1.CONFIG, flip_pairs=("something-something-v2",))
