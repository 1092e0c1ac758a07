"""Random numbers without a state: a generator for each clip and each purpose."""

import numpy as np

PURPOSES = ("crop", "jitter", "randaugment", "erasing", "mix")


def generator(key: np.ndarray, purpose: str) -> np.random.Generator:
    """The random numbers of one clip for one purpose.

    Each purpose has a stream of its own, so that an augmentation that is switched on or off
    changes none of the others.

    Args:
        key: two int64, the clip's own key.
        purpose: str, one of `PURPOSES`.
    """
    start = [0, 0, 0, 1 + PURPOSES.index(purpose)]
    return np.random.Generator(
        np.random.Philox(key=np.asarray(key, np.int64).view(np.uint64), counter=start)
    )
