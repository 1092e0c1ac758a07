"""Stateless random numbers: a generator for each clip and each purpose."""

import numpy as np

# The draws of a seed depend on these numbers: never change one, and give a new purpose a new one.
STREAMS = {"crop": 1, "jitter": 2, "randaugment": 3, "erasing": 4, "mix": 5}


def generator(key: np.ndarray, purpose: str) -> np.random.Generator:
    """The random generator of one clip for one purpose.

    Each purpose has its own stream, so switching one augmentation on or off does not change the
    draws of the others.

    Args:
        key: Key of the clip.
        purpose: One of `STREAMS`.
    """
    start = [0, 0, 0, STREAMS[purpose]]
    return np.random.Generator(
        np.random.Philox(key=np.asarray(key, np.int64).view(np.uint64), counter=start)
    )
