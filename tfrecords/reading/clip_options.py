"""How a video is viewed: which frames and crops a model sees, from shards and from raw videos."""

import dataclasses
import inspect
import numbers
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from tfrecords.arguments import check_count
from tfrecords.reading.crops import Frames, crop_clip
from tfrecords.sampling import CROP, SAMPLINGS
from tfrecords.sampling.rules import RULES

Viewer = TypeVar("Viewer", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class ClipOptions:
    """How clips are sampled from a video.

    `tfrecords.clips` and `tfrecords.views` accept it as `options`, or its fields as keywords.

    Args:
        num_frames: Frames per clip, T.
        image_size: Height and width of the square clip in pixels, S.
        sampling: `"dense"` samples every `interval`-th of `num_frames * interval` consecutive
            frames (8 of 64, as in CTM). `"segments"` samples one frame from each of `num_frames`
            equal segments (TSN): a random one in training, the middle one in evaluation.
        interval: Distance between the frames of a dense clip.
        num_clips: Clips per video in evaluation. Their starts are spread evenly from the first to
            the last possible one; a single clip is centered in time.
        num_crops: Crops per clip in evaluation: 1 (center), 3 (left, center, right; top, center,
            bottom for portrait videos), 5 (corners and center) or 10 (those and their mirror
            images).
        scale: Smallest and largest short side in pixels for a crop of 224, drawn for each clip in
            training and scaled in proportion for other image sizes. Evaluation uses the smallest.
        rule: The project whose frames and crops evaluation reproduces, one of
            `tfrecords.sampling.rules.RULES`: `"ctm"` as described here, or another project's
            exact frames and pixels.

    Raises:
        ValueError: If an option is invalid or the rule does not support it.

    Example:
        >>> options = tfrecords.ClipOptions(num_frames=4, interval=8, num_clips=3)
        >>> options.clips(video_frames=100)
        array([[ 0,  8, 16, 24],
               [34, 42, 50, 58],
               [68, 76, 84, 92]])
    """

    num_frames: int = 8
    image_size: int = 224
    sampling: str = "dense"
    interval: int = 8
    num_clips: int = 1
    num_crops: int = 1
    scale: tuple[int, int] = (256, 320)
    rule: str = "ctm"

    def __post_init__(self) -> None:
        for name in ("num_frames", "image_size", "interval", "num_clips"):
            check_count(name, getattr(self, name))
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"sampling must be one of {SAMPLINGS}, received {self.sampling!r}.")
        if self.num_crops not in (1, 3, 5, 10):
            raise ValueError(
                "num_crops must be 1 (center), 3 (left, center, right; top, center, bottom for "
                "portrait videos), 5 (corners and center) or 10 (those and their mirror images), "
                f"received {self.num_crops!r}."
            )
        if not _is_scale(self.scale):
            raise ValueError(
                "scale must be two integers, the smallest and largest short side for a crop of "
                f"{CROP}, such as (256, 320), both at least {CROP}, received {self.scale!r}."
            )
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of {tuple(RULES)}, received {self.rule!r}.")
        self.clips(1)  # some rules do not support every number of clips

    def clips(self, video_frames: Any, xp: Any = np) -> Any:
        """Frame numbers in evaluation, shape `(num_clips, num_frames)`. `xp` computes them."""
        numbers = (video_frames, self.num_frames, self.interval, self.num_clips)
        return RULES[self.rule].clips(self.sampling, *numbers, xp=xp)

    def boxes(self, height: Any, width: Any, xp: Any = np) -> Any:
        """Boxes of the crops in evaluation. See `crop_boxes`."""
        return RULES[self.rule].boxes(height, width, self.num_crops, self.scale[0], xp)

    def crops(self, frames: Frames) -> np.ndarray:
        """The crops of a clip in evaluation, uint8 of shape `(num_crops, T, S, S, 3)`.

        Args:
            frames: T uint8 arrays of shape `(height, width, 3)`.
        """
        boxes = self.boxes(*frames[0].shape[:2])
        crops = crop_clip(frames, boxes, self.image_size)
        if self.num_crops < 10:
            return crops
        return np.concatenate([crops, crop_clip(frames, boxes, self.image_size, flip=True)])


def shows_fields(function: Viewer) -> Viewer:
    """Adds the fields of `ClipOptions` to the signature of a function that has them as `**view`.

    Python's `help` and notebooks then list and complete them.
    """
    own, shown = inspect.signature(function), cast(Any, function)
    parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    fields = inspect.signature(ClipOptions).parameters.values()
    by_name = [field.replace(kind=field.KEYWORD_ONLY) for field in fields]
    shown.__signature__ = own.replace(parameters=parameters + by_name)
    return function


@shows_fields
def views(frames: np.ndarray, *, options: ClipOptions | None = None, **view: Any) -> np.ndarray:
    """Samples the evaluation views of a decoded video, as `tfrecords.clips` does from shards.

    Args:
        frames: Uint8 RGB array of shape `(frames, height, width, 3)`: all frames of the video at
            the data set's frame rate and short side.
        options: How the video is viewed. Defaults to `ClipOptions()`.
        view: Fields of `ClipOptions` by name. They override those of `options`.

    Output shape:
        A uint8 array of shape `(num_clips * num_crops, T, S, S, 3)`. View `i` is crop
        `i % num_crops` of clip `i // num_crops`.

    Raises:
        ValueError: If `frames` has a wrong shape or type or is empty, or an option is invalid.

    Example:
        >>> frames = np.zeros((100, 256, 340, 3), np.uint8)
        >>> tfrecords.views(frames, num_clips=10, num_crops=3).shape
        (30, 8, 224, 224, 3)
    """
    options = dataclasses.replace(options or ClipOptions(), **view)
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
        raise ValueError(
            "frames must be uint8 RGB of shape (frames, height, width, 3) with at least one frame, "
            f"received {frames.dtype} of shape {frames.shape}."
        )
    return np.concatenate([options.crops(frames[clip]) for clip in options.clips(len(frames))])


def _is_scale(scale: object) -> bool:
    if not isinstance(scale, tuple | list) or len(scale) != 2:
        return False
    least, greatest = scale
    return all(isinstance(s, numbers.Integral) for s in scale) and CROP <= least <= greatest
