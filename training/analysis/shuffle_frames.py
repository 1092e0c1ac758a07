"""Changes the order of frames, to measure how much a model's accuracy depends on it.

This needs no second model: the accuracy lost on shuffled frames is due to their order.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Batch = dict[str, Any]


def shuffled(clips: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Shuffles the frames of each clip separately, never into the true order."""
    frames = clips.shape[1]
    orders = generator.permuted(np.tile(np.arange(frames), (len(clips), 1)), axis=1)
    same = (orders == np.arange(frames)).all(axis=1)
    orders[same] = np.roll(np.arange(frames), 1)
    return np.take_along_axis(clips, orders[:, :, None, None, None], axis=1)


def _reversed_(clips: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Reverses the frames of each clip."""
    return clips[:, ::-1]


def repeated(clips: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Repeats the middle frame of each clip: a still image."""
    middle = clips.shape[1] // 2
    return np.repeat(clips[:, middle : middle + 1], clips.shape[1], axis=1)


# Functions that reorder the frames of clips `(B, T, H, W, C)`.
ORDERS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "shuffled": shuffled,
    "reversed": _reversed_,
    "repeated": repeated,
}


def reordered(batches: Iterable[Batch], order: str, seed: int = 0) -> Iterator[Batch]:
    """Reorders the frames of clips; ids, views and labels stay the same.

    Args:
        batches: Batches of `tfrecords.clips(..., with_ids=True)`.
        order: `"shuffled"`, `"reversed"` or `"repeated"`.
        seed: Seed of the shuffles. Defaults to 0.

    Raises:
        ValueError: If the order is unknown.

    Example:
        >>> batches = tfrecords.clips("data/mine", "val", with_ids=True)
        >>> next(iter(reordered(batches, "reversed")))["clip"].shape
        (12, 8, 224, 224, 3)
    """
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, received {order!r}.")
    generator = np.random.default_rng(seed)
    for batch in batches:
        yield {**batch, "clip": ORDERS[order](np.asarray(batch["clip"]), generator)}
