"""Draws the box of a training clip and applies color jitter, RandAugment and erasing in order."""

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
    """The box of a clip in the frame: (top, left, side) or (top, left, height, width)."""
    if crop in BOXES:
        return BOXES[crop](height, width, generator(key, "crop"))
    return random_crop_box(height, width, scale, draws)


def change_clip(clip: np.ndarray, augment: Augment, key: np.ndarray) -> np.ndarray:
    """Augments the pixels of a clip; returns the clip itself if nothing changes.

    Args:
        clip: Uint8 array of shape `(T, S, S, 3)`.
        augment: The augmentations.
        key: Key of the clip.
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
