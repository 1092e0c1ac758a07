"""Random erasing: a box of noise, at the same place in all frames of a clip."""

import math

import numpy as np

AREA, SHAPE, TRIES = (0.02, 1 / 3), (0.3, 1 / 0.3), 100
MEAN, DEVIATION = 114.75, 57.375  # 0.45 and 0.225 of 255: noise of a normalized picture


def erase(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fills a box of a clip with noise that differs in each frame.

    Args:
        clip: Uint8 array of shape `(T, S, S, 3)`.
        rng: Random generator.

    Output shape:
        The same as the input.

    Reference:
        - [Random Erasing](https://arxiv.org/abs/1708.04896), with PySlowFast's cube mode
    """
    top, left, height, width = erased_box(clip.shape[1], clip.shape[2], rng)
    clip = clip.copy()
    box = clip[:, top : top + height, left : left + width]
    noise = rng.standard_normal(box.shape, np.float32) * DEVIATION + MEAN
    box[...] = np.clip(np.round(noise), 0, 255)
    return clip


def erased_box(height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A box of 2 to 33% of the picture: top, left, height, width."""
    for _ in range(TRIES):
        area = rng.uniform(*AREA) * height * width
        shape = math.exp(rng.uniform(*np.log(SHAPE)))
        rows, columns = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if rows < height and columns < width:
            top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
            return int(top), int(left), rows, columns
    return 0, 0, 0, 0
