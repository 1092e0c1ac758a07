"""Pillow's operations on a clip: on all frames as one tall image, or on one after the other.

What depends on the picture's statistics (autocontrast, equalize, contrast) is taken of the clip as
a whole, so that the same colour changes alike in every frame and nothing flickers.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

Change = Callable[[Image.Image], Image.Image]


def as_one(clip: np.ndarray, change: Change) -> np.ndarray:
    """Changes all frames `(T, S, S, 3)` as one image; for what looks at no neighbouring pixel."""
    tall = Image.fromarray(clip.reshape(-1, *clip.shape[2:]))
    return np.asarray(change(tall)).reshape(clip.shape)


def one_by_one(clip: np.ndarray, change: Change) -> np.ndarray:
    """Changes each frame on its own; for what moves pixels or mixes neighbours."""
    return np.stack([np.asarray(change(Image.fromarray(frame))) for frame in clip])
