"""Converts a decoded picture to pixels: upright, scaled, RGB or BGR."""

from collections.abc import Sequence
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from tfrecords.video.picture import Picture, VideoError

_LONGEST = 16384  # pixels per side


class Renderer:
    """Converts pictures to upright arrays with the size of the first.

    Args:
        first: The picture that determines the size.
        short_side: Length of the shorter side in pixels; None keeps the size.
        order: `"rgb24"` or `"bgr24"`.
    """

    def __init__(self, first: Picture, short_side: int | None, order: str):
        height, width = _height_width(first.image)
        if first.matrix and transposes(first.matrix):
            height, width = width, height
        scale = short_side / min(height, width) if short_side else 1
        self.size = max(1, round(height * scale)), max(1, round(width * scale))
        if max(self.size) > _LONGEST:
            raise VideoError(
                f"its frames of {width}x{height} would be scaled to {self.size[1]}x{self.size[0]}, "
                f"but sides must be at most {_LONGEST} pixels"
            )
        self.order = order
        self._scaler = VideoReformatter()

    def __call__(self, picture: Picture) -> np.ndarray:
        matrix = picture.matrix
        height, width = self.size
        if matrix and transposes(matrix):
            height, width = width, height
        scale = self._scale_array if isinstance(picture.image, np.ndarray) else self._scale_frame
        pixels = scale(picture.image, height, width)
        return np.ascontiguousarray(_turn(pixels, matrix)) if matrix else pixels

    def _scale_frame(self, frame: av.VideoFrame, height: int, width: int) -> np.ndarray:
        """Scales to planes of RGB, since separate scaling of subsampled planes shifts colors."""
        same = (frame.height, frame.width) == (height, width)
        name = self.order if same else "gbrp"
        frame = self._scaler.reformat(
            frame, width, height, name, interpolation=Interpolation.AREA, threads=1
        )
        return frame.to_ndarray() if same else self._merge(frame.planes)

    def _merge(self, planes: Sequence[Any]) -> np.ndarray:
        """Merges planes, faster than swscale, whose packed output is not optimized."""
        padded = (np.frombuffer(p, np.uint8).reshape(p.height, p.line_size) for p in planes)
        green, blue, red = (rows[:, : p.width] for p, rows in zip(planes, padded, strict=True))
        return cv2.merge([red, green, blue] if self.order == "rgb24" else [blue, green, red])

    def _scale_array(self, image: np.ndarray, height: int, width: int) -> np.ndarray:
        if image.shape[:2] != (height, width):
            smaller = height < image.shape[0]
            method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
            image = cv2.resize(image, (width, height), interpolation=method)
        return image if self.order == "bgr24" else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _height_width(image: np.ndarray | av.VideoFrame) -> tuple[int, int]:
    return image.shape[:2] if isinstance(image, np.ndarray) else (image.height, image.width)


def transposes(matrix: tuple[int, int, int, int]) -> bool:
    """Whether a display matrix swaps rows and columns."""
    a, b, _, _ = matrix
    return abs(b) > abs(a)


def _turn(pixels: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Applies a display matrix, rounded to quarter turns: x' = ax + cy, y' = bx + dy."""
    a, b, c, d = matrix
    if transposes(matrix):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
