"""Whether a model sees the order of frames: its accuracy when the order is destroyed.

No second model is needed: what a model loses with shuffled frames it owes to their order.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Batch = dict[str, Any]


def shuffled(clips: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each clip's frames in a random order of its own, which is never the true one."""
    frames = clips.shape[1]
    orders = generator.permuted(np.tile(np.arange(frames), (len(clips), 1)), axis=1)
    same = (orders == np.arange(frames)).all(axis=1)
    orders[same] = np.roll(np.arange(frames), 1)
    return np.take_along_axis(clips, orders[:, :, None, None, None], axis=1)


def _reversed_(clips: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each clip backwards."""
    return clips[:, ::-1]


def repeated(clips: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each clip's middle frame at all its places: a still picture."""
    middle = clips.shape[1] // 2
    return np.repeat(clips[:, middle : middle + 1], clips.shape[1], axis=1)


# How the frames of clips `(B, T, H, W, C)` are put out of order.
ORDERS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "shuffled": shuffled,
    "reversed": _reversed_,
    "repeated": repeated,
}


def reordered(batches: Iterable[Batch], order: str, seed: int = 0) -> Iterator[Batch]:
    """Batches of clips whose frames are out of order; ids, views and labels stay.

    Args:
        batches: What `tfrecords.clips(..., with_ids=True)` gives.
        order: `"shuffled"`, `"reversed"` or `"repeated"`.
        seed: Of the shuffles.

    Raises:
        ValueError: If there is no such order.

    Example:

    >>> batches = tfrecords.clips("data/mine", "val", with_ids=True)
    >>> next(iter(reordered(batches, "reversed")))["clip"].shape
    (12, 8, 224, 224, 3)
    """
    if order not in ORDERS:
        raise ValueError(f"The order is one of {', '.join(ORDERS)}; received {order!r}.")
    generator = np.random.default_rng(seed)
    for batch in batches:
        yield {**batch, "clip": ORDERS[order](np.asarray(batch["clip"]), generator)}
