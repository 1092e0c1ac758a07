"""`ctm analyze --views`: CoST's coefficients by layer and class, over a run's evaluated clips."""

import dataclasses
import json

import numpy as np
import pytest

import ctm_keras
import tfrecords
from training.analysis.views import of_classes, view_importances
from training.evaluate.evaluate import evaluate


@pytest.fixture(scope="module")
def cost(directions, small, untrained, tmp_path_factory):
    """A CoST run, evaluated with two clips per video."""
    out = tmp_path_factory.mktemp("cost") / "run"
    run = untrained(dataclasses.replace(small, data=directions, out=out, model="cost"))
    evaluate(run.path, num_clips=2, num_crops=1)
    return run


def test_views_are_averaged_over_the_clips_of_the_evaluation(cost, directions, tmp_path):
    out = tmp_path / "out"
    lines = list(view_importances([cost.path], out))
    found = json.loads((out / "views.json").read_text(encoding="utf-8"))[str(cost.path)]
    model = cost.load_model()
    batches = tfrecords.clips(
        directions, "val", training=False, num_frames=4, interval=2, image_size=32, num_clips=2
    )
    expected = ctm_keras.view_importance(model, batches)
    assert list(found["layers"]) == list(expected)
    for name, row in expected.items():
        np.testing.assert_allclose(found["layers"][name], row, rtol=1e-4)
    assert sorted(found["classes"]) == ["down", "left", "right", "up"]
    assert lines[0].split()[-3:] == ["H-W", "T-W", "T-H"]
    assert "12 of 12 videos, missing none" in lines[-2]
    assert (out / "run-views.png").read_bytes().startswith(b"\x89PNG")


def test_the_class_with_the_largest_weight_of_motion_comes_first():
    layers = {
        "a": np.array([[0.6, 0.2, 0.2], [0.1, 0.5, 0.4]]),
        "b": np.array([[0.8, 0.1, 0.1], [0.5, 0.2, 0.3]]),
    }
    found = of_classes(["still", "moving"], layers)
    assert list(found) == ["moving", "still"]
    np.testing.assert_allclose(found["moving"], [0.3, 0.35, 0.35])


def test_other_methods_have_no_views(directions, small, untrained, tmp_path):
    tsn = dataclasses.replace(small, data=directions, out=tmp_path / "run", model="tsn")
    run = untrained(tsn)
    evaluate(run.path, num_clips=1, num_crops=1)
    with pytest.raises(ValueError, match="no CoST layers"):
        list(view_importances([run.path], tmp_path))
