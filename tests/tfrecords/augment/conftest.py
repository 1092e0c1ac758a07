"""A clip to augment, and keys of clips that seed their random numbers."""

import numpy as np
import pytest


@pytest.fixture
def clip():
    """Three frames with edges, gradients and every pixel value."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (3, 8, 8, 3), np.uint8)
    blocks = coarse.repeat(6, axis=1).repeat(6, axis=2)
    ramp = np.linspace(0, 255, 48).astype(np.uint8)
    blocks[:, 10:20] = ramp[:, None]
    return np.ascontiguousarray(blocks)


@pytest.fixture
def keys():
    """Many keys of clips, shape `(500, 2)`."""
    return np.random.default_rng(1).integers(-(2**62), 2**62, (500, 2))
