"""What training changes in a clip, alike in all its frames; one file for each kind of change.

Every change is a pure function of a clip and of a `generator` made of the clip's own key, which
follows from (seed, epoch, position).
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
