"""Reads one sample: draws its frames, box, flip and augmentations, and computes its pixels."""

import numpy as np

from tfrecords.augment import NOT_FLIPPED, PRESETS, Augment
from tfrecords.augment.clip import change_clip, training_box
from tfrecords.reading.clip_options import ClipOptions
from tfrecords.reading.crops import crop_clip, decode
from tfrecords.reading.split import Split
from tfrecords.sampling import random_clip_indices
from tfrecords.video.packets import render

PLACE_DRAWS = 4  # scale, top, left, flip; then a draw for each frame


class ClipReader:
    """Reads clips of a split.

    `training_clip` and `evaluation_clip` are pure functions of their arguments. Both return a tuple
    of clips, uint8 of shape `(crops, T, S, S, 3)`, and of labels, ids (bytes) and view numbers,
    each of shape `(crops,)`.

    Args:
        videos: The videos of the split.
        options: How the videos are viewed.
        flip_targets: The label of each class after a flip, or `NOT_FLIPPED`.
        augment: The augmentations of training clips.
    """

    def __init__(
        self,
        videos: Split,
        options: ClipOptions,
        flip_targets: np.ndarray,
        augment: Augment = PRESETS["slowfast"],
    ):
        self.videos = videos
        self.options = options
        self.flip_targets = flip_targets
        self.augment = augment

    def training_clip(
        self, video: int, draws: np.ndarray, key: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """A random clip of a video.

        Args:
            video: Index of the video in the split.
            draws: Floats in [0, 1), shape `(PLACE_DRAWS + T,)`.
            key: Seeds all random draws of `augment`.
        """
        row, options = self.videos.videos[video], self.options
        frames = random_clip_indices(
            int(row["frames"]),
            options.num_frames,
            options.interval,
            options.sampling,
            draws[PLACE_DRAWS:],
        )
        size = (int(row["height"]), int(row["width"]))
        box = training_box(self.augment.crop, *size, options.scale, draws[:3], key)
        label = row["label"]
        flip = draws[3] < 0.5 and self.flip_targets[label] != NOT_FLIPPED
        pixels = read_frames(self.videos, video, frames)
        crop = crop_clip(pixels, box[None], options.image_size, flip)[0]
        clip = change_clip(crop, self.augment, key)[None]
        return self._labeled(clip, video, self.flip_targets[label] if flip else label, 0)

    def evaluation_clip(self, video: int, clip: int) -> tuple[np.ndarray, ...]:
        """All crops of an evaluation clip.

        Args:
            video: Index of the video in the split.
            clip: Index of the clip in the video.
        """
        row, options = self.videos.videos[video], self.options
        frames = options.clips(int(row["frames"]))[clip]
        pixels = options.crops(read_frames(self.videos, video, frames))
        return self._labeled(pixels, video, row["label"], clip * options.num_crops)

    def _labeled(
        self, pixels: np.ndarray, video: int, label: int, first_view: int
    ) -> tuple[np.ndarray, ...]:
        crops = len(pixels)
        views = np.arange(first_view, first_view + crops, dtype=np.int32)
        ids = np.full(crops, self.videos.ids[video].encode(), object)
        return pixels, np.full(crops, label, np.int32), ids, views


def read_frames(videos: Split, video: int, frames: np.ndarray) -> list[np.ndarray]:
    """RGB pixels of frames. Repeated frames are read and decoded once.

    Args:
        videos: The videos of the split.
        video: Index of the video in the split.
        frames: Frame numbers, shape `(n,)`.

    Returns:
        A list of `n` uint8 arrays of shape `(height, width, 3)`.

    Raises:
        BadShard: If a frame cannot be read or differs from what was written.
    """
    distinct, places = np.unique(frames, return_inverse=True)
    if videos.encoded[video]:
        kind, pixels = "the stored picture", render(videos.read_media(video, distinct))
    else:
        kind, pixels = "a JPEG", [decode(jpeg) for jpeg in videos.read(video, distinct)]
    shape = (*videos.videos[video][["height", "width"]].tolist(), 3)
    for frame, image in zip(distinct, pixels, strict=True):
        if image is None or image.shape != shape:
            found = f"not {kind}" if image is None else f"of shape {image.shape}"
            raise videos.damaged(video, int(frame), f"is {found}, expected shape {shape}")
    return [pixels[place] for place in places]
