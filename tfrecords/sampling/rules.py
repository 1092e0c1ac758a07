"""Whose frames and crops an evaluation takes: the rules of other projects, to the frame and pixel.

Numbers that are compared must come from the same views, and projects differ in small things: where
the last clip starts, what follows a short video's end, which pixel is the middle. A rule holds for
the frames as the data set has them, so at the project's short side the pixels are its own; at
another size they are those in proportion.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfrecords.sampling import SAMPLINGS, clip_indices, crop_boxes, even_places


@dataclass(frozen=True)
class Rule:
    """Which frames and crops an evaluation takes.

    Args:
        samplings: By `"dense"` or `"segments"` a function of the video's frames, a clip's frames,
            the interval and the number of clips, which gives the frame numbers
            `(num_clips, num_frames)`.
        places: Function of the free pixels beside a crop and the number of crops, which gives the
            first, middle and last place of a crop.
        across: Whether three crops stand left, centre and right of portrait frames too.
        canvas: Height and width that every frame is stretched to; None keeps its shape.
    """

    samplings: dict[str, Callable[[int, int, int, int], np.ndarray]]
    places: Callable[[int, int], tuple[int, int, int]] = even_places
    across: bool = False
    canvas: tuple[int, int] | None = None

    def clips(self, sampling: str, *numbers: int) -> np.ndarray:
        """Frame numbers of all clips, `(num_clips, num_frames)`."""
        if sampling not in self.samplings:
            raise ValueError(
                f"sampling must be {' or '.join(self.samplings)} by this rule, got {sampling!r}"
            )
        return self.samplings[sampling](*numbers)

    def boxes(self, height: int, width: int, num_crops: int, scale: int) -> np.ndarray:
        """The crops of a frame, see `crop_boxes`."""
        return crop_boxes(height, width, num_crops, scale, self.places, self.across, self.canvas)


def wrapping_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """Non-local networks: clips start at every N-th part of the video.

    The last ones pass the end and go on with the video's first frames.
    """
    starts = np.arange(clips) * video_frames // clips
    return _looped(starts, video_frames, num_frames, interval)


def stretched_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """SlowFast: the i-th of N clips starts at i / N of the possible starts, never at the last.

    The frames spread from the first to the last of the clip's T * s frames, (T * s - 1) / (T - 1)
    apart; frames after a short video's end are its last frame. Computed in whole numbers, where
    SlowFast's float32 falls a frame lower now and then (16 frames 4 apart: one clip in 150).
    """
    span, gaps = num_frames * interval, max(1, num_frames - 1)
    starts = np.arange(clips)[:, None] * max(0, video_frames - span) * gaps
    steps = np.arange(num_frames) * (span - 1) * clips
    return np.minimum((starts + steps) // (gaps * clips), video_frames - 1)


def rounded_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """mmaction2: starts rounded, and a clip ends with its last frame, (T - 1) * s + 1 long."""
    last = max(0, video_frames - (num_frames - 1) * interval - 1)
    if clips == 1:
        starts = np.array([last // 2])
    else:
        starts = np.round(np.arange(clips) * (last / (clips - 1))).astype(np.int64)
    return _looped(starts, video_frames, num_frames, interval)


def first_clips(video_frames: int, num_frames: int, interval: int, clips: int) -> np.ndarray:
    """TSM and the analysis paper: from the first to the last possible start; a single one first."""
    last = max(0, video_frames - num_frames * interval)
    starts = np.arange(clips) * last // max(1, clips - 1)
    return _looped(starts, video_frames, num_frames, interval)


def middle_and_first(video_frames: int, num_frames: int, _: int, clips: int) -> np.ndarray:
    """TSM: the middle frame of each segment, and as a second clip the first of each."""
    if clips > 2:
        raise ValueError(f"num_clips must be 1 or 2 by TSM's rule for segments, got {clips!r}")
    length = video_frames / num_frames
    shifts = np.array([[length / 2], [0]])[:clips]
    return (shifts + length * np.arange(num_frames)).astype(np.int64)


def equal_steps(video_frames: int, num_frames: int, _: int, clips: int) -> np.ndarray:
    """TSN: from the first frame in equal whole steps; a video with too few gives its first."""
    if clips != 1:
        raise ValueError(f"num_clips must be 1 by TSN's rule, got {clips!r}")
    step = (video_frames - 1) // max(1, num_frames - 1)
    return np.arange(num_frames)[None] * step


def shifted_middles(video_frames: int, num_frames: int, _: int, clips: int) -> np.ndarray:
    """The analysis paper: the middle of each segment, shifted by -4 .. 5 frames for ten clips.

    No shift leaves its segment. Videos of no more frames than a clip give frames drawn at random
    with repetition and sorted, by numpy's old generator with the clip's number as its seed.
    """
    if video_frames <= num_frames:
        seeds = map(np.random.RandomState, range(clips))
        return np.stack([np.sort(seed.choice(video_frames, num_frames)) for seed in seeds])
    length = video_frames / num_frames
    shifts = np.arange(-clips // 2 + 1, clips // 2 + 1)[:, None]
    inside = np.where(shifts >= length / 2, length / 2 - 1e-4, np.maximum(shifts, -length / 2))
    return (length / 2 + inside + length * np.arange(num_frames)).astype(np.int64)


def ceiled_places(free: int, _: int) -> tuple[int, int, int]:
    """SlowFast: the middle is rounded up."""
    return 0, -(-free // 2), free


def half_places(free: int, _: int = 3) -> tuple[int, int, int]:
    """Non-local networks: the last crop stands at twice the middle."""
    return 0, free // 2, free // 2 * 2


def quarter_places(free: int, num_crops: int) -> tuple[int, int, int]:
    """TSM and the analysis paper: a grid of quarters; a single centre is rounded, half to even."""
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
