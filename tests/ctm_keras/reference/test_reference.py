"""Our networks give the original implementations' logits with the same weights."""

import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.checkpoints import import_state

from . import formula
from .cases import CASES, Case

GOLDENS = Path(__file__).parent / "goldens"
ENDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
TOLERANCE = 1e-4
pytestmark = pytest.mark.usefixtures("no_random_start")  # all weights are overwritten


def read(name: str) -> dict:
    """What was recorded of a network, with the shapes of its state spelled out."""
    golden = json.loads((GOLDENS / f"{name}.json").read_text(encoding="utf-8"))
    shapes = {key: tuple(shape) for key, shape in golden["others"].items()}
    for norm, channels in golden["norms"].items():
        shapes |= {f"{norm}.{end}": (channels,) for end in ENDS[:-1]}
        shapes[f"{norm}.{ENDS[-1]}"] = ()
    return golden | {"shapes": shapes}


def built(case: Case, frames: int, size: int) -> keras.Model:
    """Our network of a row."""
    return ctm_keras.build_video_model(
        case.method,
        case.backbone,
        case.num_classes,
        num_frames=frames,
        image_size=size,
        weights=None,
        **case.options,
    )


# One network of each method that has layers of its own; the large ones are `long`.
DEFAULT = ("cost-b-resnet50", "s3d-resnet18", "tam-resnet18-averaged", "tsm+nonlocal-resnet50")
LARGE = ("stm-resnet50", "i3d-inception", "slowfast-4x16-resnet50")


@pytest.mark.parametrize(
    "name", [*DEFAULT, *(pytest.param(name, marks=pytest.mark.long) for name in LARGE)]
)
def test_the_logits_are_the_references(name):
    check(name, CASES[name].shapes[:1])


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_the_logits_are_the_references_at_both_shapes(name):
    check(name, CASES[name].shapes)


def check(name, shapes):
    """Compares logits at these shapes, and the number of parameters."""
    case, golden = CASES[name], read(name)
    first = None
    for frames, size in shapes:
        model = built(case, frames, size)
        if first is None:
            import_state(model, formula.weights(golden["shapes"]))
            first = model
        else:
            model.set_weights(first.get_weights())
        expected = np.array(golden["logits"][f"{frames}x{size}"])
        logits = keras.ops.convert_to_numpy(model(formula.clips(case.batch, frames, size)))
        difference = np.abs(logits - expected).max() / np.abs(expected).max()
        assert difference < TOLERANCE, f"{name}, {frames} frames of {size} pixels: {difference}"
    lacking = sum(
        math.prod(golden["shapes"][key]) for key in golden["shapes"] if key.endswith(case.lacks)
    )
    ours = sum(
        math.prod(weight.shape)
        for weight in first.trainable_weights
        if not weight.path.endswith(case.adds)
    )
    assert ours == golden["parameters"] - lacking


def test_every_row_is_recorded_and_every_record_has_a_row():
    assert {path.stem for path in GOLDENS.glob("*.json")} == set(CASES)
    for name, case in CASES.items():
        golden = read(name)
        assert golden["repository"] == case.reference.repository, name
        assert golden["commit"] == case.reference.commit, name
        assert list(golden["logits"]) == [f"{t}x{s}" for t, s in case.shapes], name


def test_the_formula_is_the_one_that_was_recorded_with():
    numbers = [-0.357006311416626, -0.232926607131958, -0.7692152261734009, -0.7830911874771118]
    assert formula.uniform("conv1.weight", (4,)).tolist() == numbers
    assert formula.clips(1, 2, 16)[0, 1, 3, 5].tolist() == [139, 78, 171]
