"""A seed gives the same random numbers to each augmentation in every version."""

import numpy as np
import pytest

from tfrecords.augment.draws import STREAMS, generator

FIRST = {
    "crop": 1400500999,
    "jitter": 3591658932,
    "randaugment": 2785220032,
    "erasing": 3982679384,
    "mix": 2094279203,
}


def test_no_two_purposes_share_a_stream():
    assert len(set(STREAMS.values())) == len(STREAMS)


@pytest.mark.parametrize("purpose", STREAMS)
def test_the_draws_of_a_seed_never_change(purpose):
    assert generator(np.array([12, -34]), purpose).integers(1 << 32) == FIRST.get(purpose)
