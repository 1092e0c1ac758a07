"""STM on HMDB51: ResNet-50, 16 frames, fine-tuned from Kinetics-400, all batch norms trained.

Paper: STM, ICCV 2019, Section 4.2 and Table 4.
Command: for each split s of 1, 2, 3, built with --split-number s --val test:
  ctm train --recipe stm_hmdb51 --data data/hmdb51-s --out runs/hmdb51-s --weights KINETICS.keras
then ctm evaluate runs/hmdb51-1 runs/hmdb51-2 runs/hmdb51-3, which prints their mean.
Hardware: 8 GTX 1080 Ti, 4 clips of 16 frames each. The paper gives no time.
Published: top-1 72.2, the mean of three splits.
"""

from training.recipes import stm_ucf101

CONFIG = stm_ucf101.CONFIG
