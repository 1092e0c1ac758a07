"""The analysis paper's progressive training: 32 frames, from the 16-frame model.

Paper: Deep Analysis of CNN-based Spatio-temporal Representations, CVPR 2021, Table 3.
Command: ctm train --recipe analysis_f32 --data data/mini-ssv2 --weights runs/f16/model.keras
  on Mini-Kinetics --epochs 45 with --milestones 0.3333 0.6667 0.8889 (15, 30, 40)
Hardware: 6 to 18 V100, batch 36. The paper gives no time.
Published (I3D-ResNet-50, Mini-Kinetics, no temporal pooling):
top-1 77.16; TSN 73.47, S3D 76.35, TAM 77.84; for one clip: --protocol analysis-clip.
"""

from dataclasses import replace

from training.recipes import analysis_f16

CONFIG = replace(analysis_f16.CONFIG, num_frames=32, batch_size=36, rate_at=(0.01, 36))
