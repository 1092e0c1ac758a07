"""The frames and crops that other projects evaluate, reproduced to the frame and pixel.

Results can be compared only if they come from the same views, and projects differ in details: where
the last clip starts, what follows the end of a short video, which pixel is the middle. A rule
applies to the frames as stored in the data set. At the project's short side the crops are exactly
the project's; at another size they are in proportion.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfrecords.sampling import SAMPLINGS, clip_indices, crop_boxes, even_places


@dataclass(frozen=True)
class Rule:
    """The frames and crops of an evaluation.

    Args:
        samplings: Maps `"dense"` or `"segments"` to a function of the number of frames of the
            video, the frames per clip, the interval and the number of clips. It returns frame
            numbers of shape `(num_clips, num_frames)`.
        places: Function of the pixels that a crop leaves free along an axis and of the number of
            crops. It returns the first, middle and last position of a crop.
        across: Whether three crops are left, center and right for portrait frames too.
        canvas: Height and width that every frame is stretched to; None keeps the aspect ratio.
    """

    samplings: dict[str, Callable[[int, int, int, int], np.ndarray]]
    places: Callable[[int, int], tuple[int, int, int]] = even_places
    across: bool = False
    canvas: tuple[int, int] | None = None

    def clips(self, sampling: str, *numbers: int) -> np.ndarray:
        """Frame numbers of all clips, shape `(num_clips, num_frames)`."""
        if sampling not in self.samplings:
            raise ValueError(
                f"sampling must be {' or '.join(self.samplings)} for this rule, received "
                f"{sampling!r}."
            )
        return self.samplings[sampling](*numbers)

    def boxes(self, height: int, width: int, num_crops: int, scale: int) -> np.ndarray:
        """The boxes of the crops of a frame. See `crop_boxes`."""
        return crop_boxes(height, width, num_crops, scale, self.places, self.across, self.canvas)


def wrapping_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """Non-local networks: the starts of the N clips divide the video into N equal parts.

    Clips that reach the end continue with the first frames of the video.
    """
    starts = np.arange(clips) * video_frames // clips
    return _looped(starts, video_frames, num_frames, interval)


def stretched_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """SlowFast: the i-th of N clips starts at i / N of the possible starts, never at the last.

    The frames are spread from the first to the last of the clip's T * s frames,
    (T * s - 1) / (T - 1) apart. A short video repeats its last frame. This computes in integers;
    SlowFast's float32 is one frame too low at times (16 frames 4 apart: in one clip of 150).
    """
    span, gaps = num_frames * interval, max(1, num_frames - 1)
    starts = np.arange(clips)[:, None] * max(0, video_frames - span) * gaps
    steps = np.arange(num_frames) * (span - 1) * clips
    return np.minimum((starts + steps) // (gaps * clips), video_frames - 1)


def rounded_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """mmaction2: starts are rounded, and a clip spans (T - 1) * s + 1 frames."""
    last = max(0, video_frames - (num_frames - 1) * interval - 1)
    if clips == 1:
        starts = np.array([last // 2])
    else:
        starts = np.round(np.arange(clips) * (last / (clips - 1))).astype(np.int64)
    return _looped(starts, video_frames, num_frames, interval)


def first_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """TSM and the analysis paper: from the first to the last possible start; one clip is first."""
    last = max(0, video_frames - num_frames * interval)
    starts = np.arange(clips) * last // max(1, clips - 1)
    return _looped(starts, video_frames, num_frames, interval)


def middle_and_first(video_frames: int, num_frames: int, _: int, clips: int) -> np.ndarray:
    """TSM: the middle frame of each segment; a second clip has the first frame of each."""
    if clips > 2:
        raise ValueError(
            f"num_clips must be 1 or 2 for segments with TSM's rule, received {clips!r}."
        )
    length = video_frames / num_frames
    shifts = np.array([[length / 2], [0]])[:clips]
    return (shifts + length * np.arange(num_frames)).astype(np.int64)


def equal_steps(video_frames: int, num_frames: int, _: int, clips: int) -> np.ndarray:
    """TSN: equal integer steps from the first frame, which a video that is too short repeats."""
    if clips != 1:
        raise ValueError(f"num_clips must be 1 with TSN's rule, received {clips!r}.")
    step = (video_frames - 1) // max(1, num_frames - 1)
    return np.arange(num_frames)[None] * step


def shifted_middles(video_frames: int, num_frames: int, _: int, clips: int) -> np.ndarray:
    """The analysis paper: the middle of each segment, shifted by -4 to 5 frames for ten clips.

    Shifts stay within their segment. From videos with at most as many frames as a clip, frames are
    drawn at random with replacement and sorted. The generator is NumPy's legacy one, seeded with
    the clip's number.
    """
    if video_frames <= num_frames:
        seeds = map(np.random.RandomState, range(clips))
        return np.stack([np.sort(seed.choice(video_frames, num_frames)) for seed in seeds])
    length = video_frames / num_frames
    shifts = np.arange(-clips // 2 + 1, clips // 2 + 1)[:, None]
    inside = np.where(shifts >= length / 2, length / 2 - 1e-4, np.maximum(shifts, -length / 2))
    return (length / 2 + inside + length * np.arange(num_frames)).astype(np.int64)


def ceiled_places(free: int, _: int) -> tuple[int, int, int]:
    """SlowFast: the middle position is rounded up."""
    return 0, -(-free // 2), free


def half_places(free: int, _: int = 3) -> tuple[int, int, int]:
    """Non-local networks: the last position is twice the middle one."""
    return 0, free // 2, free // 2 * 2


def quarter_places(free: int, num_crops: int) -> tuple[int, int, int]:
    """TSM and the analysis paper: a grid of quarters. A single center crop rounds half to even."""
    return 0, round(free / 2) if num_crops == 1 else free // 4 * 2, free // 4 * 4


def mmaction2_places(free: int, num_crops: int) -> tuple[int, int, int]:
    """mmaction2: halves for one and three crops, quarters for five and ten."""
    return quarter_places(free, num_crops) if num_crops > 3 else half_places(free)


def _looped(starts: np.ndarray, video_frames: int, num_frames: int, interval: int) -> np.ndarray:
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
