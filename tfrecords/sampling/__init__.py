"""Selects the frames and the crops of a clip: pure functions of numbers.

Training passes random numbers in [0, 1) as `draws`. Evaluation uses evenly spaced positions.
A video shorter than a clip is looped: frame numbers are taken modulo its number of frames.
Scales are lengths of the short side in pixels for a crop of 224. They set the fraction of the
picture that a crop covers, so they apply in proportion to every image size and video size.

The numbers of a video may be tensors where a function has the argument `xp`, the module that
computes: the served graph has the same rules. What comes from options is always a Python number.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

CROP = 224
SAMPLINGS = ("dense", "segments")

# Row and column of each crop: 0 first, 1 middle, 2 last position.
_GRIDS = {
    1: [(1, 1)],
    3: [(1, 0), (1, 1), (1, 2)],
    5: [(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)],
}


def clip_indices(
    video_frames: Any,
    num_frames: int = 8,
    interval: int = 8,
    num_clips: int = 1,
    sampling: str = "dense",
    xp: Any = np,
) -> Any:
    """Frame numbers of the evaluation clips of a video.

    The starts of dense clips are spread evenly from the first to the last possible one, so that
    the last clip's `num_frames * interval` consecutive frames end with the video. A single clip is
    centered. Segment clips divide each of `num_frames` equal segments into `num_clips` equal
    pieces, and clip `i` consists of the middle frames of piece `i` of every segment.

    Args:
        video_frames: Number of frames of the video.
        num_frames: Frames per clip.
        interval: Distance between the frames of a dense clip.
        num_clips: Clips per video.
        sampling: `"dense"` or `"segments"`.
        xp: The module that computes, NumPy or one for tensors.

    Returns:
        An int64 array of shape `(num_clips, num_frames)`.

    Example:
        >>> clip_indices(100, num_frames=4, interval=8, num_clips=3)
        array([[ 0,  8, 16, 24],
               [34, 42, 50, 58],
               [68, 76, 84, 92]])

    Reference:
        - [Temporal Segment Networks](https://arxiv.org/abs/1608.00859)
    """
    if sampling == "segments":
        pieces = np.arange(num_frames) * num_clips + np.arange(num_clips)[:, None]
        looped = xp.maximum(video_frames, num_frames)
        indices = (2 * pieces + 1) * looped // (2 * num_clips * num_frames)
    else:
        starts = _spread(_last_start(video_frames, num_frames, interval, xp), num_clips)
        indices = starts[:, None] + np.arange(num_frames) * interval
    return indices % video_frames


def random_clip_indices(
    video_frames: int,
    num_frames: int,
    interval: int,
    sampling: str,
    draws: np.ndarray,
) -> np.ndarray:
    """Frame numbers of a training clip, shape `(num_frames,)`.

    A dense clip starts at a random frame and samples every `interval`-th of
    `num_frames * interval` consecutive frames. A segment clip samples a random frame from each
    segment.

    Args:
        video_frames: Number of frames of the video.
        num_frames: Frames per clip.
        interval: Distance between the frames of a dense clip.
        sampling: `"dense"` or `"segments"`.
        draws: Floats in [0, 1), shape `(num_frames,)`; a dense clip uses the first.
    """
    if sampling == "segments":
        looped = max(video_frames, num_frames)
        edges = np.arange(num_frames + 1) * looped // num_frames
        indices = edges[:-1] + np.floor(draws * np.diff(edges)).astype(np.int64)
    else:
        start = _pick(draws[0], _last_start(video_frames, num_frames, interval) + 1)
        indices = start + np.arange(num_frames) * interval
    return indices % video_frames


def even_places(free: Any, num_crops: int = 3) -> tuple[Any, Any, Any]:
    """First, middle and last position of a crop that leaves `free` pixels along an axis."""
    return 0, free // 2, free


def crop_boxes(
    height: Any,
    width: Any,
    num_crops: int = 1,
    scale: int = 256,
    places: Callable[[Any, int], tuple[Any, Any, Any]] = even_places,
    across: bool = False,
    canvas: tuple[int, int] | None = None,
    xp: Any = np,
) -> Any:
    """Boxes of the evaluation crops, in pixels of the original frame.

    One crop is the center. Three are left, center and right of a landscape or square frame, and
    top, center and bottom of a portrait frame. Five are the corners and the center. Ten are those
    five and their mirror images, which have the same boxes.

    Args:
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.
        num_crops: 1, 3, 5 or 10.
        scale: Short side of the frame in pixels for a crop of 224.
        places: Function of the pixels that a crop leaves free along an axis and of `num_crops`. It
            returns the first, middle and last position.
        across: Whether three crops are left, center and right for portrait frames too.
        canvas: Height and width that the frame is stretched to for a crop of 224, instead of
            `scale`.
        xp: The module that computes, NumPy or one for tensors.

    Returns:
        An int64 array with one row per box: top, left, side; with `canvas`: top, left, height,
        width. Ten crops have five boxes.

    Example:
        >>> crop_boxes(256, 340, num_crops=3)
        array([[ 16,   0, 224],
               [ 16,  58, 224],
               [ 16, 116, 224]])
    """
    if canvas:
        sides = [_share(height, canvas[0], xp), _share(width, canvas[1], xp)]
    else:
        sides = [_side(height, width, scale, xp)]
    tops = places(height - sides[0], num_crops)
    lefts = places(width - sides[-1], num_crops)
    grid = _GRIDS[min(num_crops, 5)]
    boxes = xp.asarray([(tops[row], lefts[column], *sides) for row, column in grid])
    if num_crops != 3 or across:
        return boxes
    turned = xp.asarray([(tops[row], lefts[column], *sides) for column, row in grid])
    return xp.where(height > width, turned, boxes)


def random_crop_box(
    height: int, width: int, scale: tuple[int, int], draws: np.ndarray
) -> np.ndarray:
    """A square box of random size and position for training: top, left, side in frame pixels.

    Args:
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.
        scale: The smallest and largest short side for a crop of 224.
        draws: Three floats in [0, 1) for scale, top and left.
    """
    side = _side(height, width, scale[0] + _pick(draws[0], scale[1] - scale[0] + 1))
    top, left = _pick(draws[1], height - side + 1), _pick(draws[2], width - side + 1)
    return np.array([top, left, side])


def _last_start(video_frames: Any, num_frames: int, interval: int, xp: Any = np) -> Any:
    return xp.maximum(0, video_frames - num_frames * interval)


def _spread(last: Any, count: int) -> Any:
    """`count` integers spread evenly from 0 to `last`; a single one is the midpoint."""
    if count == 1:
        return last // 2 * np.ones(1, np.int64)
    return np.arange(count) * last // (count - 1)


def _pick(draw: float, count: int) -> int:
    return int(np.floor(float(draw) * count))


def _side(height: Any, width: Any, scale: int, xp: Any = np) -> Any:
    """The side, in frame pixels, of a crop of 224 when the short side is `scale`."""
    return _share(xp.minimum(height, width), scale, xp)


def _share(length: Any, scale: int, xp: Any = np) -> Any:
    """The part of a side, scaled to `scale`, that a crop of 224 covers."""
    return xp.maximum(1, (length * CROP + scale // 2) // scale)
