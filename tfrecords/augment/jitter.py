"""Color jitter: brightness, contrast, saturation and hue, the same change for all frames."""

import numpy as np

from tfrecords.augment.operations import brightness, contrast, hue, saturation


def jitter(
    clip: np.ndarray, strengths: tuple[float, float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """Changes the colors of a clip in four ways, in random order.

    Brightness, contrast and saturation are multiplied by a factor within `strength` of 1. The hue
    rotates by up to `strength` of the color circle in either direction. A strength of 0 changes
    nothing.

    Args:
        clip: Uint8 array of shape `(T, S, S, 3)`.
        strengths: For brightness, contrast, saturation and hue.
        rng: Random generator.

    Output shape:
        The same as the input.

    Reference:
        torchvision's `ColorJitter`.
    """
    draws, order = rng.uniform(-1, 1, 4), rng.permutation(4)
    for kind in order[np.take(strengths, order) > 0]:
        change = float(strengths[kind] * draws[kind])
        clip = CHANGES[kind](clip, change)
    return clip


CHANGES = (
    lambda clip, change: brightness(clip, 1 + change),
    lambda clip, change: contrast(clip, 1 + change),
    lambda clip, change: saturation(clip, 1 + change),
    hue,
)
