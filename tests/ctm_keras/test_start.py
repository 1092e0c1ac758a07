"""How new models start: no two layers alike, and otherwise under another seed."""

from itertools import combinations

import keras
import numpy as np
import pytest

import ctm_keras

LONG = [
    ("tam", "tiny"),
    ("nonlocal", "tiny"),
    ("conv", "tiny"),
    ("tsn", "tv_resnet18"),
    ("i3d", "inception_v1"),
    ("slowfast", "resnet50"),
]
MODELS = [
    ("tsn", "tiny"),
    ("ctm", "tiny"),
    ("cost", "tiny"),
    ("stm", "tiny"),
    ("s3d", "tiny"),
    *(pytest.param(case, marks=pytest.mark.long) for case in LONG),
]
WITHOUT_CHANCE = "cstm"  # its kernels are a shift at the start, as in the paper


def kernels(method, backbone, seed):
    """The kernels of a new model by their paths."""
    keras.utils.set_random_seed(seed)
    model = ctm_keras.build_video_model(
        method, backbone, num_classes=3, image_size=32, weights=None
    )
    return {
        weight.path: keras.ops.convert_to_numpy(weight)
        for weight in model.trainable_weights
        if weight.path.endswith("kernel") and WITHOUT_CHANCE not in weight.path
    }


@pytest.mark.parametrize("case", MODELS, ids="-".join)
def test_no_two_kernels_start_alike(case):
    first, second = kernels(*case, seed=0), kernels(*case, seed=1)
    unmoved = [path for path in first if np.array_equal(first[path], second[path])]
    assert first
    assert not unmoved
    twins = [
        (one, other)
        for one, other in combinations(first, 2)
        if np.array_equal(first[one], first[other])
    ]
    assert not twins
