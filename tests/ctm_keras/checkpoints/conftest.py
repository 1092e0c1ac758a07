"""The weights of reference networks: the keys and shapes that their code gives them."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

REFERENCE = Path(__file__).parents[1] / "reference"
NORM = ("weight", "bias", "running_mean", "running_var")
# torchvision's GoogLeNet has them besides; those who train on it leave them out.
AUXILIARY = {"conv.conv.weight": (128, 512, 1, 1), "fc1.weight": (1024, 2048), "fc2.bias": (1000,)}


def recorded_cases():
    """The table of networks whose keys, shapes and logits are recorded in `reference/`."""
    spec = importlib.util.spec_from_file_location("recorded_cases", REFERENCE / "cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of a recorded network's weights, by the keys of its code."""
    golden = json.loads((REFERENCE / "goldens" / f"{name}.json").read_text(encoding="utf-8"))
    shapes = {key: tuple(shape) for key, shape in golden["others"].items()}
    for norm, channels in golden["norms"].items():
        shapes |= {f"{norm}.{part}": (channels,) for part in NORM}
        shapes[f"{norm}.num_batches_tracked"] = ()
    return shapes


@pytest.fixture(scope="session")
def state_of():
    """Makes random weights for a recorded network."""

    def make(name: str) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(0)
        return {
            key: rng.uniform(0.5, 1.5, shape).astype("float32")
            for key, shape in shapes_of(name).items()
        }

    return make


@pytest.fixture(scope="session")
def googlenet(state_of):
    """Random weights of torchvision's GoogLeNet, with its auxiliary classifiers."""
    auxiliary = {
        f"{module}.{key}": np.zeros(shape, "float32")
        for module in ("aux1", "aux2")
        for key, shape in AUXILIARY.items()
    }
    return state_of("tsn-inception") | auxiliary
