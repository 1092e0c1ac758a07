"""The frames and crops that other projects evaluate, reproduced to the frame and pixel.

Results can be compared only if they come from the same views, and projects differ in details: where
the last clip starts, what follows the end of a short video, which pixel is the middle. A rule
applies to the frames as stored in the data set. At the project's short side the crops are exactly
the project's; at another size they are in proportion.

`xp` is the module that computes, see `tfrecords.sampling`.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfrecords.sampling import SAMPLINGS, clip_indices, crop_boxes, even_places


@dataclass(frozen=True)
class Rule:
    """The frames and crops of an evaluation.

    Args:
        samplings: Maps `"dense"` or `"segments"` to a function of the number of frames of the
            video, the frames per clip, the interval and the number of clips, and of `xp`. It
            returns frame numbers of shape `(num_clips, num_frames)`.
        places: Function of the pixels that a crop leaves free along an axis and of the number of
            crops. It returns the first, middle and last position of a crop.
        across: Whether three crops are left, center and right for portrait frames too.
        canvas: Height and width that every frame is stretched to; None keeps the aspect ratio.
    """

    samplings: dict[str, Callable[..., Any]]
    places: Callable[[Any, int], tuple[Any, Any, Any]] = even_places
    across: bool = False
    canvas: tuple[int, int] | None = None

    def clips(self, sampling: str, *numbers: Any, xp: Any = np) -> Any:
        """Frame numbers of all clips, shape `(num_clips, num_frames)`."""
        if sampling not in self.samplings:
            raise ValueError(
                f"sampling must be {' or '.join(self.samplings)} for this rule, received "
                f"{sampling!r}."
            )
        return self.samplings[sampling](*numbers, xp=xp)

    def boxes(self, height: Any, width: Any, num_crops: int, scale: int, xp: Any = np) -> Any:
        """The boxes of the crops of a frame. See `crop_boxes`."""
        how = (num_crops, scale, self.places, self.across, self.canvas)
        return crop_boxes(height, width, *how, xp=xp)


def wrapping_clips(
    video_frames: Any, num_frames: int, interval: int, clips: int, xp: Any = np
) -> Any:
    """Non-local networks: the starts of the N clips divide the video into N equal parts.

    Clips that reach the end continue with the first frames of the video.
    """
    starts = np.arange(clips) * video_frames // clips
    return _looped(starts, video_frames, num_frames, interval)


def stretched_clips(
    video_frames: Any, num_frames: int, interval: int, clips: int, xp: Any = np
) -> Any:
    """SlowFast: the i-th of N clips starts at i / N of the possible starts, never at the last.

    The frames are spread from the first to the last of the clip's T * s frames,
    (T * s - 1) / (T - 1) apart. A short video repeats its last frame. This computes in integers;
    SlowFast's float32 is one frame too low at times (16 frames 4 apart: in one clip of 150).
    """
    span, gaps = num_frames * interval, max(1, num_frames - 1)
    starts = np.arange(clips)[:, None] * xp.maximum(0, video_frames - span) * gaps
    steps = np.arange(num_frames) * (span - 1) * clips
    return xp.minimum((starts + steps) // (gaps * clips), video_frames - 1)


def rounded_clips(
    video_frames: Any, num_frames: int, interval: int, clips: int, xp: Any = np
) -> Any:
    """mmaction2: starts are rounded, and a clip spans (T - 1) * s + 1 frames."""
    last = xp.maximum(0, video_frames - (num_frames - 1) * interval - 1)
    if clips == 1:
        starts = last // 2 * np.ones(1, np.int64)
    else:
        starts = xp.asarray(xp.round(np.arange(clips) * (last / (clips - 1))), np.int64)
    return _looped(starts, video_frames, num_frames, interval)


def first_clips(video_frames: Any, num_frames: int, interval: int, clips: int, xp: Any = np) -> Any:
    """TSM and the analysis paper: from the first to the last possible start; one clip is first."""
    last = xp.maximum(0, video_frames - num_frames * interval)
    starts = np.arange(clips) * last // max(1, clips - 1)
    return _looped(starts, video_frames, num_frames, interval)


def middle_and_first(video_frames: Any, num_frames: int, _: int, clips: int, xp: Any = np) -> Any:
    """TSM: the middle frame of each segment; a second clip has the first frame of each."""
    if clips > 2:
        raise ValueError(
            f"num_clips must be 1 or 2 for segments with TSM's rule, received {clips!r}."
        )
    length = video_frames / num_frames
    shifts = length * np.array([[0.5], [0.0]])[:clips]
    return xp.asarray(shifts + length * np.arange(num_frames), np.int64)


def equal_steps(video_frames: Any, num_frames: int, _: int, clips: int, xp: Any = np) -> Any:
    """TSN: equal integer steps from the first frame, which a video that is too short repeats."""
    if clips != 1:
        raise ValueError(f"num_clips must be 1 with TSN's rule, received {clips!r}.")
    step = (video_frames - 1) // max(1, num_frames - 1)
    return np.arange(num_frames)[None] * step


def shifted_middles(video_frames: Any, num_frames: int, _: int, clips: int, xp: Any = np) -> Any:
    """The analysis paper: the middle of each segment, shifted by -4 to 5 frames for ten clips.

    Shifts stay within their segment. From videos with at most as many frames as a clip, frames are
    drawn at random with replacement and sorted. The generator is NumPy's legacy one, seeded with
    the clip's number.
    """
    length = video_frames / num_frames
    shifts = np.arange(-clips // 2 + 1.0, clips // 2 + 1)[:, None]
    inside = xp.where(shifts >= length / 2, length / 2 - 1e-4, xp.maximum(shifts, -length / 2))
    shifted = xp.asarray(length / 2 + inside + length * np.arange(num_frames), np.int64)
    drawn = xp.take(_drawn(num_frames, clips), xp.minimum(video_frames, num_frames), axis=0)
    return xp.where(video_frames <= num_frames, drawn, shifted)


@functools.lru_cache
def _drawn(num_frames: int, clips: int) -> np.ndarray:
    """Random frames of videos of 0, 1, ... `num_frames` frames (none of 0 is ever read)."""
    table = np.zeros((num_frames + 1, clips, num_frames), np.int64)
    for video_frames, clip in np.ndindex(num_frames + 1, clips):
        frames = np.random.RandomState(clip).choice(max(1, video_frames), num_frames)
        table[video_frames, clip] = np.sort(frames)
    return table


def ceiled_places(free: Any, _: int) -> tuple[Any, Any, Any]:
    """SlowFast: the middle position is rounded up."""
    return 0, -(-free // 2), free


def half_places(free: Any, _: int = 3) -> tuple[Any, Any, Any]:
    """Non-local networks: the last position is twice the middle one."""
    return 0, free // 2, free // 2 * 2


def quarter_places(free: Any, num_crops: int) -> tuple[Any, Any, Any]:
    """TSM and the analysis paper: a grid of quarters. A single center crop rounds half to even."""
    middle = (free + free // 2 % 2) // 2 if num_crops == 1 else free // 4 * 2
    return 0, middle, free // 4 * 4


def mmaction2_places(free: Any, num_crops: int) -> tuple[Any, Any, Any]:
    """mmaction2: halves for one and three crops, quarters for five and ten."""
    return quarter_places(free, num_crops) if num_crops > 3 else half_places(free)


def _looped(starts: Any, video_frames: Any, num_frames: int, interval: int) -> Any:
    return (starts[:, None] + np.arange(num_frames) * interval) % video_frames


RULES = {
    "ctm": Rule({name: functools.partial(clip_indices, sampling=name) for name in SAMPLINGS}),
    "nonlocal": Rule({"dense": wrapping_clips}, half_places),
    "slowfast": Rule({"dense": stretched_clips}, ceiled_places),
    "mmaction2": Rule({"dense": rounded_clips, "segments": middle_and_first}, mmaction2_places),
    "tsm": Rule({"dense": first_clips, "segments": middle_and_first}, quarter_places, across=True),
    "tsn": Rule({"segments": equal_steps}, canvas=(256, 340)),
    "analysis": Rule({"dense": first_clips, "segments": shifted_middles}, quarter_places),
}
