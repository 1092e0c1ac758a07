"""Color and geometric operations, the same for all frames of a clip `(T, S, S, 3)`.

Pillow's operations are the reference. OpenCV computes most of them, five to ten times as fast and
within 1/255 of them. Operations that depend on statistics of the picture (autocontrast, equalize,
contrast) use those of the whole clip, so that a color changes alike in every frame without flicker.
"""

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageEnhance

Change = Callable[[Image.Image], Image.Image]
GRAY = (128, 128, 128)  # fills the pixels outside a moved picture
RAMP = Image.fromarray(np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2))
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13


def as_one(clip: np.ndarray, change: Change) -> np.ndarray:
    """Changes all frames as one tall image with Pillow."""
    return np.asarray(change(Image.fromarray(_tall(clip)))).reshape(clip.shape)


def by_table(clip: np.ndarray, change: Change) -> np.ndarray:
    """Changes each pixel value by a lookup table, computed by Pillow on a ramp of all values."""
    table = np.asarray(change(RAMP))[0, :, 0]
    return cv2.LUT(_tall(clip), table).reshape(clip.shape)


def brightness(clip: np.ndarray, factor: float) -> np.ndarray:
    """Scales brightness: black at 0, the clip itself at 1."""
    return by_table(clip, lambda ramp: ImageEnhance.Brightness(ramp).enhance(factor))


def contrast(clip: np.ndarray, factor: float) -> np.ndarray:
    """Scales contrast: the clip's mean gray at 0, the clip itself at 1."""
    mean = round(float(cv2.cvtColor(_tall(clip), cv2.COLOR_RGB2GRAY).mean()))
    gray = Image.new("RGB", RAMP.size, (mean, mean, mean))
    return by_table(clip, lambda ramp: Image.blend(gray, ramp, factor))


def saturation(clip: np.ndarray, factor: float) -> np.ndarray:
    """Scales saturation: shades of gray at 0, the clip itself at 1."""
    tall = _tall(clip)
    gray = cv2.cvtColor(cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(tall, factor, gray, 1 - factor, 0).reshape(clip.shape)


def hue(clip: np.ndarray, turn: float) -> np.ndarray:
    """Rotates the hue by a fraction of the color circle."""
    pixels = cv2.cvtColor(_tall(clip), cv2.COLOR_RGB2HSV_FULL)
    pixels[..., 0] += np.uint8(round(turn * 256) % 256)  # wraps around, as a circle does
    return cv2.cvtColor(pixels, cv2.COLOR_HSV2RGB_FULL).reshape(clip.shape)


def sharpness(clip: np.ndarray, factor: float) -> np.ndarray:
    """Scales sharpness: a smoothed clip at 0, the clip itself at 1. Edge pixels do not change."""
    smooth = cv2.filter2D(_tall(clip), -1, SMOOTH).reshape(clip.shape)
    smooth[:, [0, -1]], smooth[:, :, [0, -1]] = clip[:, [0, -1]], clip[:, :, [0, -1]]
    return cv2.addWeighted(_tall(clip), factor, _tall(smooth), 1 - factor, 0).reshape(clip.shape)


def affine(clip: np.ndarray, matrix: tuple[float, ...]) -> np.ndarray:
    """Moves pixels with bilinear interpolation: (x, y) comes from (ax + by + c, dx + ey + f)."""
    a, b, c, d, e, f = matrix
    # `matrix` maps points, OpenCV's matrix maps the centers of pixels
    centered = np.array([[a, b, c + (a + b - 1) / 2], [d, e, f + (d + e - 1) / 2]])
    moved = np.empty_like(clip)
    for frame, target in zip(clip, moved, strict=True):
        cv2.warpAffine(
            frame,
            centered,
            frame.shape[1::-1],
            dst=target,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderValue=GRAY,
        )
    return moved


def rotate(clip: np.ndarray, degrees: float) -> np.ndarray:
    """Rotates frames counterclockwise about their center."""
    y, x = np.array(clip.shape[1:3]) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return affine(clip, (cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y))


def _tall(clip: np.ndarray) -> np.ndarray:
    return clip.reshape(-1, *clip.shape[2:])
