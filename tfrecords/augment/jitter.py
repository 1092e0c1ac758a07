"""Colour jitter: brightness, contrast, saturation and hue, the same change for all frames."""

import numpy as np
from PIL import Image, ImageEnhance

from tfrecords.augment.pillow import as_one

FACTORS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


def jitter(
    clip: np.ndarray, strengths: tuple[float, float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """Changes the colours of a clip in four ways, in random order.

    Brightness, contrast and saturation are multiplied by a factor within `strength` of 1; the hue
    turns by up to `strength` of the colour circle, either way. A strength of 0 changes nothing.

    Args:
        clip: uint8 array of shape `(T, S, S, 3)`.
        strengths: four floats, for brightness, contrast, saturation and hue.
        rng: np.random.Generator.

    Output shape:
        The same as the input.

    Reference:
        torchvision's `ColorJitter`.
    """
    draws, order = rng.uniform(-1, 1, 4), rng.permutation(4)
    for kind in order[np.take(strengths, order) > 0]:
        change = float(strengths[kind] * draws[kind])
        clip = as_one(clip, lambda image, kind=kind, change=change: _changed(image, kind, change))
    return clip


def _changed(image: Image.Image, kind: int, change: float) -> Image.Image:
    if kind < len(FACTORS):
        return FACTORS[kind](image).enhance(1 + change)
    pixels = np.array(image.convert("HSV"))
    pixels[..., 0] += np.uint8(round(change * 255) % 256)  # a circle: it wraps around
    return Image.fromarray(pixels, "HSV").convert("RGB")
