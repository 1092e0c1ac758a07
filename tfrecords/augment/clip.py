"""A training clip's box, and its changes in their order: colours, RandAugment, erasing."""

import numpy as np

from tfrecords.augment.crops import corner_crop_box, resized_crop_box
from tfrecords.augment.draws import generator
from tfrecords.augment.erasing import erase
from tfrecords.augment.jitter import jitter
from tfrecords.augment.options import Augment
from tfrecords.augment.randaugment import parse, randaugment
from tfrecords.sampling import random_crop_box

BOXES = {"corners": corner_crop_box, "resized": resized_crop_box}


def training_box(
    crop: str, height: int, width: int, scale: tuple[int, int], draws: np.ndarray, key: np.ndarray
) -> np.ndarray:
    """The box that a clip is cut from: (top, left, side) or (top, left, height, width)."""
    if crop in BOXES:
        return BOXES[crop](height, width, generator(key, "crop"))
    return random_crop_box(height, width, scale, draws)


def change_clip(clip: np.ndarray, augment: Augment, key: np.ndarray) -> np.ndarray:
    """What `augment` makes of a clip's pixels; the clip itself where it makes nothing.

    Args:
        clip: Uint8 array of shape `(T, S, S, 3)`.
        augment: `Augment`.
        key: The clip's own key.
    """
    if any(augment.color_jitter):
        clip = jitter(clip, augment.color_jitter, generator(key, "jitter"))
    if policy := parse(augment.randaugment):
        clip = randaugment(clip, policy, generator(key, "randaugment"))
    if augment.erasing:
        rng = generator(key, "erasing")
        if rng.random() < augment.erasing:
            clip = erase(clip, rng)
    return clip
