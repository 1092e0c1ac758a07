"""CTM on HMDB51: ResNet-101, fine-tuned from Kinetics-600, all batch norms but the first frozen.

Paper: CTM, arXiv 2002.03152, Section 4.2 and Tables 5 and 6.
Command: for each split s of 1, 2, 3, built with --split-number s --val test:
  ctm train --recipe ctm_hmdb51 --data data/hmdb51-s --out runs/hmdb51-s --weights KINETICS600.keras
then ctm evaluate runs/hmdb51-1 runs/hmdb51-2 runs/hmdb51-3, which prints their mean.
Hardware: not given. The paper gives neither batch nor time; the batch is that of Kinetics-600.
Published: top-1 74.6 (TSN 69.0: --model tsn), the mean of three splits.
"""

from training.recipes import ctm_ucf101

CONFIG = ctm_ucf101.CONFIG
