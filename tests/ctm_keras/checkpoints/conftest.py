"""The weights of reference networks: the keys that their code gives them, random values."""

import json
from pathlib import Path

import numpy as np
import pytest

RECORDED = json.loads(Path(__file__).with_name("keys.json").read_text())
NORM = ("weight", "bias", "running_mean", "running_var")


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of a recorded network's weights, by the keys of its code."""
    shapes = {}
    for key, shape in RECORDED[name].items():
        if isinstance(shape, int):  # a batch norm
            shapes |= {f"{key}.{part}": (shape,) for part in NORM}
            shapes[f"{key}.num_batches_tracked"] = ()
        else:
            shapes[key] = tuple(shape)
    return shapes


@pytest.fixture(scope="session")
def state_of():
    """Makes random weights for a recorded network."""

    def make(name: str, seed: int = 0) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        return {
            key: rng.uniform(0.5, 1.5, shape).astype("float32")
            for key, shape in shapes_of(name).items()
        }

    return make
