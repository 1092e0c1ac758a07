"""Augmentations of training clips, one file for each kind; all frames of a clip change alike.

Every augmentation is a pure function of a clip and of a `generator`, which is seeded with the
clip's key, a function of (seed, epoch, position).
"""

from tfrecords.augment.flips import NOT_FLIPPED, flip_report, flip_targets
from tfrecords.augment.mirrors import MIRRORS
from tfrecords.augment.options import PRESETS, Augment

__all__ = [
    "MIRRORS",
    "NOT_FLIPPED",
    "PRESETS",
    "Augment",
    "flip_report",
    "flip_targets",
]
