"""MixUp and CutMix: a batch is mixed with itself in reverse, all frames of a clip alike.

Clip i of a batch of B is mixed with clip B - 1 - i. The draws are seeded with the key of the
batch's first clip (`mix_per="batch"`) or of each clip (`"clip"`), so batches are independent.
"""

from typing import NamedTuple

import cv2
import numpy as np

from tfrecords.augment.draws import generator
from tfrecords.augment.options import Augment


class Mix(NamedTuple):
    """How a clip is mixed with its partner.

    Args:
        own: The fraction of the result that comes from the clip itself.
        box: Box (top, left, bottom, right) that the partner fills, or None for MixUp.
    """

    own: float = 1.0
    box: tuple[int, int, int, int] | None = None


def mix_batch(
    clips: np.ndarray, labels: np.ndarray, keys: np.ndarray, augment: Augment, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mixes a batch.

    Args:
        clips: Uint8 array of shape `(B, T, S, S, 3)`.
        labels: Int array of shape `(B,)`.
        keys: Int64 array of shape `(B, 2)`, the keys of the clips.
        augment: The augmentations.
        num_classes: Number of classes.

    Returns:
        A tuple of the mixed clips and float32 labels of shape `(B, num_classes)`, the fraction of
        each class in each clip.

    Reference:
        - [mixup](https://arxiv.org/abs/1710.09412)
        - [CutMix](https://arxiv.org/abs/1905.04899)
    """
    size = clips.shape[2]
    keys = np.repeat(keys[:1], len(keys), axis=0) if augment.mix_per == "batch" else keys
    mixes = [draw(augment, size, generator(key, "mix")) for key in keys]
    mixed = np.empty_like(clips)
    for target, clip, other, mix in zip(mixed, clips, clips[::-1], mixes, strict=True):
        _mix(target, clip, other, mix)
    one_hot = np.eye(num_classes, dtype=np.float32)[labels]
    own = np.array([mix.own for mix in mixes], np.float32)[:, None]
    return mixed, own * one_hot + (1 - own) * one_hot[::-1]


def draw(augment: Augment, size: int, rng: np.random.Generator) -> Mix:
    """Draws whether, how and how much to mix. A box is clipped at the edge before it counts."""
    use, which = rng.random(2)
    if use >= augment.mix_prob:
        return Mix()
    if not augment.cutmix or (augment.mixup and which >= augment.mix_switch):
        return Mix(own=float(rng.beta(augment.mixup, augment.mixup)))
    side = int(size * np.sqrt(1 - rng.beta(augment.cutmix, augment.cutmix)))
    middles = rng.integers(size, size=2)
    top, left = np.clip(middles - side // 2, 0, size).tolist()
    bottom, right = np.clip(middles + side // 2, 0, size).tolist()
    return Mix(1 - (bottom - top) * (right - left) / size**2, (top, left, bottom, right))


def _mix(target: np.ndarray, clip: np.ndarray, other: np.ndarray, mix: Mix) -> None:
    if mix.box is not None:
        top, left, bottom, right = mix.box
        target[...] = clip
        target[:, top:bottom, left:right] = other[:, top:bottom, left:right]
    elif mix.own == 1:
        target[...] = clip
    else:
        rows = (len(clip), -1)
        cv2.addWeighted(
            clip.reshape(rows), mix.own, other.reshape(rows), 1 - mix.own, 0, target.reshape(rows)
        )
