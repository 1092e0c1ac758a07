"""From frames to the pixels of a clip: decode, crop, resize; the same for shards and raw videos.

A crop is cut in the frame's own pixels and resized once to `image_size`, see
`tfrecords.reading.resize`. OpenCV decodes bit for bit as
`tf.io.decode_jpeg(dct_method="INTEGER_ACCURATE")` does, in half the time, and frees Python's lock.
"""

import numbers
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tfrecords.arguments import check_count
from tfrecords.reading.resize import Resize
from tfrecords.sampling import CROP, SAMPLINGS
from tfrecords.sampling.rules import RULES


@dataclass(frozen=True)
class ClipOptions:
    """How clips are taken from a video; the arguments of `tfrecords.clips` of the same names.

    Raises:
        ValueError: If one of them cannot be what it is.
    """

    num_frames: int = 8
    image_size: int = 224
    sampling: str = "dense"
    interval: int = 8
    num_clips: int = 1
    num_crops: int = 1
    scale: tuple[int, int] = (256, 320)
    rule: str = "ctm"

    def __post_init__(self):
        for name in ("num_frames", "image_size", "interval", "num_clips"):
            check_count(name, getattr(self, name))
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"sampling must be one of {SAMPLINGS}, got {self.sampling!r}")
        if self.num_crops not in (1, 3, 5, 10):
            raise ValueError(
                "num_crops must be 1 (centre), 3 (left, centre, right; of portrait videos top, "
                "centre, bottom), 5 (corners and centre) or 10 (these and their mirror images), "
                f"got {self.num_crops!r}"
            )
        if not _is_scale(self.scale):
            raise ValueError(
                "scale must be two whole numbers, least and greatest short side for a crop of "
                f"{CROP}, as (256, 320), neither below {CROP}; got {self.scale!r}"
            )
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of {tuple(RULES)}, got {self.rule!r}")
        self.clips(1)  # some rules take not every number of clips

    def clips(self, video_frames: int) -> np.ndarray:
        """Frame numbers in evaluation, shape `(num_clips, num_frames)`."""
        numbers = (video_frames, self.num_frames, self.interval, self.num_clips)
        return RULES[self.rule].clips(self.sampling, *numbers)

    def boxes(self, height: int, width: int) -> np.ndarray:
        """Boxes of the crops in evaluation, see `crop_boxes`."""
        return RULES[self.rule].boxes(height, width, self.num_crops, self.scale[0])

    def crops(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """The crops of a clip in evaluation, uint8 of shape `(num_crops, T, S, S, 3)`.

        Args:
            frames: sequence of T uint8 arrays of shape `(height, width, 3)`.
        """
        boxes = self.boxes(*frames[0].shape[:2])
        crops = crop_clip(frames, boxes, self.image_size)
        if self.num_crops < 10:
            return crops
        return np.concatenate([crops, crop_clip(frames, boxes, self.image_size, flip=True)])


def views(
    frames: np.ndarray,
    *,
    num_frames: int = 8,
    image_size: int = 224,
    sampling: str = "dense",
    interval: int = 8,
    num_clips: int = 1,
    num_crops: int = 1,
    scale: tuple[int, int] = (256, 320),
    rule: str = "ctm",
) -> np.ndarray:
    """The views that `tfrecords.clips` takes of a video in evaluation, of its decoded frames.

    Args:
        frames: uint8 array of shape `(frames, height, width, 3)`, RGB, all frames of the video at
            the data set's frame rate and short side.
        num_frames: int, frames of a clip, T.
        image_size: int, pixels of a side of the square clip, S.
        sampling: `"dense"` or `"segments"`, see `tfrecords.clips`.
        interval: int, distance between the frames of a dense clip.
        num_clips: int, clips per video.
        num_crops: int, crops per clip, 1, 3, 5 or 10.
        scale: tuple of two ints; the first is the short side for a crop of 224.
        rule: whose frames and crops are taken, see `tfrecords.sampling.rules`.

    Output shape:
        A uint8 array of shape `(num_clips * num_crops, T, S, S, 3)`; view `i` is crop
        `i % num_crops` of clip `i // num_crops`.

    Raises:
        ValueError: If `frames` has another shape or type, or no frame, or an option cannot be.

    Example:

    >>> frames = np.zeros((100, 256, 340, 3), np.uint8)
    >>> views(frames, num_clips=10, num_crops=3).shape
    (30, 8, 224, 224, 3)
    """
    options = ClipOptions(
        num_frames, image_size, sampling, interval, num_clips, num_crops, scale, rule
    )
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
        raise ValueError(
            "frames must be uint8 RGB of shape (frames, height, width, 3) with at least one frame, "
            f"got {frames.dtype} of shape {frames.shape}"
        )
    return np.concatenate([options.crops(frames[clip]) for clip in options.clips(len(frames))])


def crop_clip(
    frames: Sequence[np.ndarray], boxes: np.ndarray, image_size: int, flip: bool = False
) -> np.ndarray:
    """Cuts boxes out of every frame of a clip.

    Args:
        frames: sequence of T uint8 arrays of shape `(height, width, 3)`.
        boxes: int array of shape `(crops, 3)`: top, left, side; or `(crops, 4)`: top, left,
            height, width.
        image_size: int, pixels of a side of the square result, S.
        flip: bool, whether to mirror left and right.

    Output shape:
        A uint8 array of shape `(crops, T, S, S, 3)`.
    """
    clips = np.empty((len(boxes), len(frames), image_size, image_size, 3), np.uint8)
    for clip, (top, left, *sides) in zip(clips, boxes.tolist(), strict=True):
        height, width = sides[0], sides[-1]
        resize = Resize(height, width, image_size)
        for target, frame in zip(clip, frames, strict=True):
            crop = resize(frame[top : top + height, left : left + width])
            if flip:
                cv2.flip(crop, 1, dst=target)  # thirty times as fast as numpy's reversed rows
            else:
                target[...] = crop
    return clips


def decode(jpeg: bytes) -> np.ndarray | None:
    """RGB pixels of a JPEG, uint8 of shape `(height, width, 3)`; None where it is broken."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags)
    return pixels if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


def _is_scale(scale: object) -> bool:
    pair = isinstance(scale, tuple | list) and len(scale) == 2
    return (
        pair
        and all(isinstance(s, numbers.Integral) for s in scale)
        and (CROP <= scale[0] <= scale[1])
    )
