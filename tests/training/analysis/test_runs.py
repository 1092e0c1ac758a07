"""`ctm analyze` on runs whose predictions are made, so that every figure is known."""

import json

import numpy as np
import pytest

from training.analysis.runs import analyze
from training.config import TrainConfig
from training.evaluate_config import EvaluateConfig
from training.predictions import Predictions
from training.run import Run
from training.settings import settings_for

NAMES = ["fall", "rise", "still", "never there"]


@pytest.fixture
def make_run(tmp_path):
    """An evaluated run; `answers` are the best classes of ten videos: 4 fall, 4 rise, 2 still."""

    def make(name, answers, model="tsn", frames=8, names=NAMES, crops=1, **config):
        out = tmp_path / name
        config = TrainConfig(model=model, backbone="tiny", num_frames=frames, out=out, **config)
        run = Run.create(config, {"class_names": names})
        labels = np.array([0] * 4 + [1] * 4 + [2] * 2)
        ids = np.array([f"v{i}" for i in range(len(labels))])
        logits = np.eye(len(names))[answers] * 5
        predictions = Predictions(ids, np.zeros(len(ids), int), labels, logits)
        predictions.save(run.path / "predictions.npz")
        settings = settings_for(EvaluateConfig(num_clips=1, num_crops=crops), config)
        report = {"split": "val", "protocol": str(settings), "settings": vars(settings)}
        (run.path / "report.json").write_text(json.dumps(report))
        return run.path

    return make


TSN = [0, 0, 1, 1, 1, 1, 1, 0, 2, 2]  # 7 of 10
CTM = [0, 0, 0, 0, 1, 1, 0, 0, 2, 2]  # 8 of 10
TSM = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]  # all


def test_the_figures_of_two_models_beside_tsn(make_run, tmp_path):
    runs = [make_run("a", TSN), make_run("b", CTM, "ctm"), make_run("c", TSM, "tsm")]
    lines = "\n".join(analyze(runs, tmp_path / "out", top=2))
    found = json.loads((tmp_path / "out" / "analysis.json").read_text())
    tsn, ctm, tsm = found["networks"]
    assert "spatial" not in tsn
    assert (ctm["spatial"], ctm["temporal"]) == (pytest.approx(7 / 8), pytest.approx(1 / 3))
    assert (tsm["spatial"], tsm["temporal"]) == (pytest.approx(0.7), pytest.approx(1.0))
    assert found["static_classes"] == ["still", "rise"]
    gains = found["gains"][str(runs[1])]
    assert gains["temporal_classes"] == {"fall": 0.5, "still": 0.0}
    assert gains["average"] == pytest.approx((0.5 - 0.25 + 0) / 3)
    assert gains["average_without_the_most_temporal"] == pytest.approx(-0.25)
    (pair,) = found["pairs"]
    expected = np.corrcoef([0.5, -0.25, 0.0], [0.5, 0.25, 0.0])[0, 1]
    assert pair["correlation"] == pytest.approx(expected)
    assert pair["overlap"] == 0.5
    list(analyze(runs, tmp_path / "out"))  # of three classes, half of them: two
    assert json.loads((tmp_path / "out" / "analysis.json").read_text()) == found
    assert "0.875" in lines and "fall +0.500" in lines  # noqa: PT018
    assert (tmp_path / "out" / "temporal_gains.png").stat().st_size > 5000


def test_each_model_has_the_tsn_of_its_own_frames(make_run, tmp_path):
    worse = [1] * 10  # 4 of 10
    runs = [
        make_run("8", TSN),
        make_run("16", worse, frames=16),
        make_run("ctm", CTM, "ctm", frames=16),
    ]
    list(analyze(runs, tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert found["networks"][2]["spatial"] == pytest.approx(4 / 8)


def test_a_run_that_was_not_evaluated_is_named(make_run, tmp_path):
    run = make_run("a", TSN)
    (run / "predictions.npz").unlink()
    with pytest.raises(ValueError, match="not evaluated yet: run `ctm evaluate"):
        list(analyze([run], tmp_path / "out"))


def test_without_a_tsn_there_is_nothing_to_compare_with(make_run, tmp_path):
    pooled = make_run("a", TSN, options=("temporal_pooling=True",))
    with pytest.raises(ValueError, match="None of the 2 runs is a TSN"):
        list(analyze([pooled, make_run("b", CTM, "ctm")], tmp_path / "out"))


def test_no_class_at_all_cannot_be_the_most_temporal(make_run, tmp_path):
    with pytest.raises(ValueError, match="top must be 1 class or more, received 0"):
        list(analyze([make_run("a", TSN)], tmp_path / "out", top=0))


def test_other_protocols_are_not_compared(make_run, tmp_path):
    runs = [make_run("a", TSN), make_run("b", CTM, "ctm", crops=3)]
    with pytest.raises(ValueError, match="evaluate both alike"):
        list(analyze(runs, tmp_path / "out"))


def test_other_classes_are_not_compared(make_run, tmp_path):
    runs = [make_run("a", TSN), make_run("b", CTM, "ctm", names=NAMES[::-1])]
    with pytest.raises(ValueError, match="different classes"):
        list(analyze(runs, tmp_path / "out"))
