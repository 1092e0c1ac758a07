"""Random numbers without a state: a generator for each clip and each purpose."""

import numpy as np

# The stream of each purpose is part of what a seed means: a new purpose takes a new number.
STREAMS = {"crop": 1, "jitter": 2, "randaugment": 3, "erasing": 4, "mix": 5}


def generator(key: np.ndarray, purpose: str) -> np.random.Generator:
    """The random numbers of one clip for one purpose.

    Each purpose has a stream of its own, so that an augmentation that is switched on or off
    changes none of the others.

    Args:
        key: The clip's own key.
        purpose: One of `STREAMS`.
    """
    start = [0, 0, 0, STREAMS[purpose]]
    return np.random.Generator(
        np.random.Philox(key=np.asarray(key, np.int64).view(np.uint64), counter=start)
    )
