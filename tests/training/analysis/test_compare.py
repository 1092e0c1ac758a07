"""`ctm analyze` on runs with synthetic predictions, so that every result is known."""

import dataclasses
import json

import numpy as np
import pytest

from tfrecords.format.decoded import FrameOptions
from training.analysis.compare import analyze
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateConfig
from training.evaluate.predictions import Predictions
from training.evaluate.scores import Scored, score, write_results
from training.evaluate.settings import settings_for
from training.pictures.charts import draw_gains
from training.run_folder import Run, RunFacts

NAMES = ["fall", "rise", "still", "never there"]


@pytest.fixture
def make_run(tmp_path):
    """An evaluated run; `answers` are the predictions of ten videos: 4 fall, 4 rise, 2 still."""

    def make(name, answers, model="tsn", frames=8, names=NAMES, crops=1, **config):
        which, missing = config.pop("which", "model"), config.pop("missing", {})
        out = tmp_path / name
        config = TrainConfig(model=model, backbone="tiny", num_frames=frames, out=out, **config)
        run = Run.create(
            config, RunFacts(tuple(names), "hash", FrameOptions(None), steps_per_epoch=1)
        )
        labels = np.array([0] * 4 + [1] * 4 + [2] * 2)
        ids = np.array([f"v{i}" for i in range(len(labels))])
        logits = np.eye(len(names))[answers] * 5
        predictions = Predictions(ids, np.zeros(len(ids), int), labels, logits)
        settings = settings_for(EvaluateConfig(num_clips=1, num_crops=crops), run.view)
        scored = Scored(
            data="data",
            data_hash="hash",
            split="val",
            model=which,
            protocol=str(settings),
            settings=settings,
            missing=missing,
        )
        write_results(run.path, predictions, score(predictions, names, scored))
        return run.path

    return make


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """The arguments of each picture of gains; drawing takes most of a second."""
    found = []
    monkeypatch.setattr("training.analysis.compare.draw_gains", lambda *call: found.append(call))
    monkeypatch.setattr("training.evaluate.scores.draw_confusion", lambda *_: None)
    return found


TSN = [0, 0, 1, 1, 1, 1, 1, 0, 2, 2]  # 7 of 10
CTM = [0, 0, 0, 0, 1, 1, 0, 0, 2, 2]  # 8 of 10
TSM = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]  # all


def test_the_results_of_two_models_compared_with_tsn(make_run, tmp_path, pictures):
    runs = [make_run("a", TSN), make_run("b", CTM, "ctm"), make_run("c", TSM, "tsm")]
    lines = "\n".join(analyze(runs, tmp_path / "out", top=2))
    found = json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))
    tsn, ctm, tsm = found["networks"]
    assert "spatial" not in tsn
    assert (ctm["spatial"], ctm["temporal"]) == (pytest.approx(7 / 8), pytest.approx(1 / 3))
    assert (tsm["spatial"], tsm["temporal"]) == (pytest.approx(0.7), pytest.approx(1.0))
    assert ctm["top1_interval"] == pytest.approx([0.4902, 0.9433], abs=5e-5)  # of 8 of 10
    assert found["sign_tests"][str(runs[1])] == {"better": 2, "worse": 1, "videos": 10, "p": 1.0}
    assert found["sign_tests"][str(runs[2])] == {"better": 3, "worse": 0, "videos": 10, "p": 0.25}
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
    assert json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8")) == found
    assert "0.875" in lines and "fall +0.500" in lines  # noqa: PT018
    assert "0.8000 [0.4902, 0.9433]  0.875 " in lines
    assert "in brackets: 95% confidence interval for 10 videos" in lines
    assert f"{runs[2]} against {runs[0]}: better on 3, worse on 0 of 10 videos" in lines
    draw_gains(*pictures[0])
    assert (tmp_path / "out" / "temporal_gains.png").stat().st_size > 5000


def test_each_model_is_compared_with_the_tsn_of_its_frames(make_run, tmp_path):
    worse = [1] * 10  # 4 of 10
    runs = [
        make_run("8", TSN),
        make_run("16", worse, frames=16),
        make_run("ctm", CTM, "ctm", frames=16),
    ]
    list(analyze(runs, tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))
    assert found["networks"][2]["spatial"] == pytest.approx(4 / 8)
    for run, frames in zip(runs, (8, 16, 16), strict=True):
        assert f"{run}: like ctm: 1 clip x 1 crop of 224" in found["protocol"]
        assert f"{frames} frames" in found["protocol"]


def test_networks_with_different_videos_are_not_compared(make_run, tmp_path):
    runs = [make_run("8", TSN), make_run("ctm", CTM, "ctm"), make_run("16", TSN, frames=16)]
    path = runs[2] / "predictions.npz"
    saved = Predictions.load(path)
    dataclasses.replace(saved, ids=np.array([f"w{i}" for i in range(10)])).save(path)
    with pytest.raises(ValueError, match="not of the same videos"):
        list(analyze(runs, tmp_path / "out"))


@pytest.mark.parametrize("turn", [1, -1])
def test_two_tsns_in_one_setting_are_refused(make_run, tmp_path, turn):
    runs = [make_run("a", TSN), make_run("b", [1] * 10), make_run("c", CTM, "ctm")][::turn]
    with pytest.raises(
        ValueError, match=r"are both tsn on tiny with 8 frames of 224 pixels\. Give"
    ):
        list(analyze(runs, tmp_path / "out"))


def test_a_tsn_of_another_image_size_is_not_a_baseline(make_run, tmp_path):
    runs = [make_run("a", TSN, image_size=96), make_run("b", CTM, "ctm", image_size=48)]
    with pytest.raises(ValueError, match=r"nothing to compare: .* of 96 pixels, ctm .* of 48 pix"):
        list(analyze(runs, tmp_path / "out"))
    runs.append(make_run("c", [1] * 10, image_size=48))  # 4 of 10
    list(analyze(runs, tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))
    assert found["networks"][1]["spatial"] == pytest.approx(4 / 8)


def test_ablations_of_one_method_are_compared(make_run, tmp_path):
    runs = [
        make_run("a", TSN),
        make_run("b", CTM, "ctm", options=("blocks=1",)),
        make_run(
            "c", CTM, "ctm", options=("blocks=1", "paths=tccm")
        ),  # the same accuracy by chance
        make_run("d", TSM, "ctm", options=("paths=tccm", "blocks=1,3", "temporal_pooling=True")),
    ]
    lines = "\n".join(analyze(runs, tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))
    labels = ["ctm blocks=1", "ctm blocks=1 paths=tccm", "ctm blocks=1,3 paths=tccm"]
    assert list(found["means"]) == labels
    assert all(label in lines for label in [*labels[:2], labels[2] + "-tp"])
    assert "Means" not in lines  # of one network each
    again = make_run("e", TSN, "ctm", options=("paths=tccm", "blocks=1"))
    with pytest.raises(ValueError, match="are both ctm blocks=1 paths=tccm on tiny"):
        list(analyze([*runs, again], tmp_path / "out"))


def test_average_and_max_pooling_are_different_networks(make_run, tmp_path):
    runs = [
        make_run("a", TSN),
        make_run("b", CTM, "ctm", options=("temporal_pooling=max",)),
        make_run("c", TSM, "ctm", options=("temporal_pooling=avg",)),
    ]
    lines = "\n".join(analyze(runs, tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))
    assert [row["pooling"] for row in found["networks"]] == [False, True, True]
    assert {name: mean["networks"] for name, mean in found["means"].items()} == {
        "ctm": [0, 1],
        "ctm temporal_pooling=avg": [0, 1],
    }
    assert "ctm-tp " in lines
    assert "ctm temporal_pooling=avg " in lines
    again = make_run("d", TSN, "ctm", options=("temporal_pooling=True",))
    with pytest.raises(ValueError, match=r"b and .*d are both ctm on tiny"):
        list(analyze([*runs, again], tmp_path / "out"))


def test_means_over_frame_counts_are_printed(make_run, tmp_path):
    runs = [
        make_run("a", TSN),
        make_run("b", [1] * 10, frames=16),  # 4 of 10
        make_run("c", CTM, "ctm"),
        make_run("d", CTM, "ctm", frames=16),
        make_run("e", TSM, "tsm"),
    ]
    lines = list(analyze(runs, tmp_path / "out"))
    means = [line for line in lines if line.startswith("Means")]  # (7 / 8 + 4 / 8) / 2, of 1/3, 2/3
    assert means == ["Means of ctm: Phi 0.688, Psi 0.500 (2 networks)"]


def test_protocol_and_coverage_are_printed_above_the_scores(make_run, tmp_path):
    runs = [make_run("a", TSN, missing={"v10": "gone"}), make_run("b", CTM, "ctm")]
    first = next(analyze(runs, tmp_path / "out"))
    assert "val: like ctm: 1 clip x 1 crop" in first
    assert first.endswith(
        f"{runs[0]}: 10 of 11 videos, missing v10 (gone); "
        f"{runs[1]}: 10 of 10 videos, missing none; model: the last"
    )


def test_the_last_and_the_best_checkpoint_are_not_compared(make_run, tmp_path):
    runs = [make_run("a", TSN), make_run("b", CTM, "ctm", which="best")]
    with pytest.raises(ValueError, match=r"model: the best .*; .* model: the last\. Eval"):
        list(analyze(runs, tmp_path / "out"))


def test_a_tsn_alone_is_refused(make_run, tmp_path):
    with pytest.raises(
        ValueError, match=r"nothing to compare: .*\. Give a TSN and another network"
    ):
        list(analyze([make_run("a", TSN)], tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_not_evaluated_is_named(make_run, tmp_path):
    run = make_run("a", TSN)
    (run / "predictions.npz").unlink()
    with pytest.raises(ValueError, match=r"not evaluated yet\. Run `ctm evaluate"):
        list(analyze([run], tmp_path / "out"))


def test_runs_without_a_tsn_are_refused(make_run, tmp_path):
    pooled = make_run("a", TSN, options=("temporal_pooling=True",))
    with pytest.raises(ValueError, match="None of the 2 runs is a TSN"):
        list(analyze([pooled, make_run("b", CTM, "ctm")], tmp_path / "out"))


def test_zero_temporal_classes_are_refused(make_run, tmp_path):
    with pytest.raises(ValueError, match="top must be 1 or more, received 0"):
        list(analyze([make_run("a", TSN)], tmp_path / "out", top=0))


def test_other_protocols_are_not_compared(make_run, tmp_path):
    runs = [make_run("a", TSN), make_run("b", CTM, "ctm", crops=3)]
    with pytest.raises(ValueError, match="Evaluate both with the same options"):
        list(analyze(runs, tmp_path / "out"))


def test_other_classes_are_not_compared(make_run, tmp_path):
    runs = [make_run("a", TSN), make_run("b", CTM, "ctm", names=NAMES[::-1])]
    with pytest.raises(ValueError, match="different classes"):
        list(analyze(runs, tmp_path / "out"))
