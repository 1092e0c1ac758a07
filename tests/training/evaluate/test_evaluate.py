"""Evaluation: reproducible scores with protocol and coverage."""

import dataclasses
import json
import shutil

import cv2
import keras
import numpy as np
import pytest

import ctm_keras
import tfrecords
from tfrecords.format.manifest import write_manifest
from tfrecords.reading.crops import decode
from tfrecords.reading.split import Split
from training.evaluate.config import EvaluateCommand
from training.evaluate.data import check_classes, other_rates
from training.evaluate.evaluate import evaluate, evaluate_all
from training.evaluate.predictions import Predictions, join_views, softmax
from training.evaluate.scores import Report, read_results, write_results
from training.run_folder import Run, save_model


@pytest.fixture(scope="module")
def tsn(directions, small, untrained, shallow, tmp_path_factory):
    """A small TSN, evaluated with one clip and one crop."""
    out = tmp_path_factory.mktemp("tsn") / "run"
    with shallow():
        run = untrained(dataclasses.replace(small, data=directions, out=out, model="tsn"))
    evaluate(run.path, num_clips=1, num_crops=1)
    return run


@pytest.fixture
def copied(tsn, tmp_path):
    """Copies of the run, evaluated or with slightly different weights."""

    def copy(name, noise=0.0):
        shutil.copytree(tsn.path, tmp_path / name)
        run = Run.open(tmp_path / name)
        if noise:
            model, rng = run.load_model(), np.random.default_rng(0)
            model.set_weights([w * rng.normal(1, noise, w.shape) for w in model.get_weights()])
            save_model(model, run.model)
        return run

    return copy


def test_report_agrees_with_the_saved_predictions(copied):
    run = copied("run")
    report = evaluate(run.path, num_clips=3, num_crops=3)
    saved = Predictions.load(run.path / "predictions.npz")
    assert len(saved.ids) == 12 * 9
    right = []
    for video in sorted(set(saved.ids)):
        rows = saved.ids == video
        assert sorted(saved.views[rows]) == list(range(9))
        mean = softmax(saved.logits[rows]).mean(axis=0)
        right.append(mean.argmax() == saved.labels[rows][0])
    assert report.top1 == pytest.approx(np.mean(right))
    assert report.top5 == 1.0
    written = json.loads((run.path / "report.json").read_text(encoding="utf-8"))
    assert written["top1"] == report.top1
    assert written["coverage"] == "12 of 12 videos, missing none"
    assert sum(row["videos"] for row in written["per_class"].values()) == 12
    assert "3 clips x 3 crops of 32 from short side 37, 4 frames, 2 apart" in str(report)
    assert (run.path / "confusion.png").read_bytes().startswith(b"\x89PNG")


ONE_VIEW = {"num_clips": 1, "num_crops": 1}


def test_a_file_scores_as_its_run(copied, directions):
    run = copied("run")
    expected = evaluate(run.path, **ONE_VIEW)
    command = EvaluateCommand(models=(run.model,), data=str(directions), **ONE_VIEW)
    line, written = evaluate_all(command)
    lines = str(expected).splitlines()
    assert line.splitlines() == [*lines[:-1], "model: the .keras file"]
    assert written.startswith(f"Written: {run.path / 'model-results' / 'report.json'}")
    own = [Predictions.load(run.path / f / "predictions.npz") for f in (".", "model-results")]
    np.testing.assert_array_equal(own[0].logits, own[1].logits)
    again = EvaluateCommand(models=(run.model, run.model), saved=True, ensemble=True)
    *each, mean, joined = evaluate_all(again)
    assert each[0] == f"{run.model}\n{line}"
    assert mean.startswith("No mean of the models: only runs record")
    assert joined.splitlines()[:2] == ["the ensemble", lines[0]]


def test_a_file_requires_a_data_set(trained):
    with pytest.raises(ValueError, match=r"model\.keras without --data\. Give one"):
        evaluate(trained.model)
    with pytest.raises(ValueError, match=r"model\.keras was not evaluated yet\. Run `ctm .*keras`"):
        evaluate(trained.model, saved=True)


def test_data_with_another_frame_rate_are_noted(tsn, directions, tmp_path):
    _, rate = tfrecords.typical_video(directions, "val")
    for fps, sampling, expected in [
        (rate * 1.05, "dense", None),
        (rate * 2, "dense", (rate, rate * 2)),
        (rate * 2, "segments", None),
        (None, "dense", None),
    ]:
        view = dataclasses.replace(tsn.view, fps=fps)
        assert other_rates(view, sampling, directions, "val") == expected
    predictions, report = read_results(tsn.path, tsn.path)
    write_results(tmp_path, predictions, dataclasses.replace(report, rates=(25.0, 10.0)))
    assert str(Report.read(tmp_path)).splitlines()[-1] == (
        "frame rate: the data has 25 frames per second, the model's training videos had 10: its "
        "clips span another time here; `ctm build --fps 10` makes both equal"
    )


def test_a_model_without_class_names_must_have_as_many(imported, directions, tmp_path):
    report = evaluate(imported, data=str(directions), **ONE_VIEW)
    assert report.class_names == ("down", "left", "right", "up")
    assert str(report).splitlines()[-1] == (
        "classes: the model stores no names; its outputs are taken as the classes of the data, in "
        "order"
    )
    assert str(evaluate(imported, saved=True)) == str(report)
    data = shutil.copytree(directions, tmp_path / "data")
    manifest = tfrecords.read_manifest(data)
    write_manifest(data, dataclasses.replace(manifest, class_names=(*manifest.class_names, "in")))
    with pytest.raises(ValueError, match=r"must have the 5 classes of .* received 4 classes w"):
        evaluate(imported, data=data)


def test_missing_videos_are_named_next_to_the_score(copied, directions, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(directions, data)
    failure = tfrecords.Failure("gone", "gone.mp4", "val", "the file is missing")
    manifest = dataclasses.replace(tfrecords.read_manifest(data), failures=(failure,))
    write_manifest(data, manifest)
    report = evaluate(copied("run").path, data=data, num_clips=1, num_crops=1)
    assert report.coverage == "12 of 13 videos, missing gone (the file is missing)"


def test_listed_videos_without_a_file_count_as_missing(copied, directions, tmp_path):
    run, data = copied("run"), tmp_path / "data"
    shutil.copytree(directions, data)
    ids = tuple(f"id{number:02d}" for number in range(30))
    missing = {"train": ("other",), "val": ids}
    write_manifest(data, dataclasses.replace(tfrecords.read_manifest(data), missing=missing))
    report = evaluate(run.path, data=data, num_clips=1, num_crops=1)
    assert report.coverage.startswith("12 of 42 videos, missing id00 (listed, but missing), id01 (")
    assert report.coverage.endswith("id19 (listed, but missing) and 10 more")
    written = json.loads((run.path / "report.json").read_text(encoding="utf-8"))
    assert sorted(written["missing"]) == list(ids)


def test_other_classes_are_refused(trained, directions, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(directions, data)
    names = ("down", "left", "right", "upward")
    write_manifest(data, dataclasses.replace(tfrecords.read_manifest(data), class_names=names))
    with pytest.raises(ValueError, match=r"only the model has up; only the data set has upward"):
        evaluate(trained.path, data=data)


def test_another_order_of_classes_is_explained():
    by_text, by_value = ["0", "1", "10", "2"], ("0", "1", "2", "10")
    with pytest.raises(ValueError, match=r"output 2 is 10 in the model and 2 in .* as text"):
        check_classes(by_text, by_value, "data")
    with pytest.raises(ValueError, match=r"output 0 is b in the model and a in the data set[.]"):
        check_classes(["b", "a"], ("a", "b"), "data")
    check_classes(by_text, tuple(by_text), "data")


@pytest.mark.parametrize(
    ("values", "words"),
    [({"split": "tset"}, "tset"), ({"num_crops": 2}, "num_crops"), ({"which": "worst"}, "worst")],
)
def test_an_invalid_value_is_named(trained, values, words):
    with pytest.raises(ValueError, match=words):
        evaluate(trained.path, **values)


def test_an_unfinished_run_is_named(trained, tmp_path):
    (tmp_path / "config.json").write_text(
        (trained.path / "config.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"its training is not finished\. Run `ctm train --resume"):
        evaluate(tmp_path)


def test_saved_predictions_are_scored_again_without_model_and_data(copied, tmp_path):
    run = copied("run")
    first = evaluate(run.path, num_clips=2, num_crops=1, data=str(run.config.data))
    run.model.unlink()
    again = evaluate(run.path, saved=True)
    assert (str(again), again.to_dict()) == (str(first), first.to_dict())
    logits = evaluate(run.path, saved=True, average="logits")
    assert logits.protocol.startswith("like ctm: 2 clips x 1 crop")
    assert logits.protocol.endswith("logits averaged")
    saved = Predictions.load(run.path / "predictions.npz")
    right = [
        saved.logits[saved.ids == video].mean(axis=0).argmax()
        == saved.labels[saved.ids == video][0]
        for video in set(saved.ids)
    ]
    assert logits.top1 == pytest.approx(np.mean(right))
    assert str(evaluate(run.path, saved=True, average="probabilities")) == str(first)
    with pytest.raises(ValueError, match=r"--split must be val, .* received test"):
        evaluate(run.path, saved=True, split="test")


def test_the_scored_model_is_printed_next_to_the_score(copied):
    run = copied("run")
    views = {"num_clips": 1, "num_crops": 1}
    models = []
    for which in ("best", "model"):
        report = evaluate(run.path, which=which, **views)
        again = evaluate(run.path, saved=True)
        models.append((str(report).splitlines()[-1], str(again).splitlines()[-1]))
        assert json.loads((run.path / "report.json").read_text(encoding="utf-8"))["model"] == which
    best, last = "model: the best on the validation split", "model: the last"
    assert models == [(best, best), (last, last)]


def test_a_report_of_an_older_version_is_about_the_last_model(copied):
    run = copied("run")
    path = run.path / "report.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["model"], values["top1_interval"], values["top5_interval"]
    for own in values["per_class"].values():
        del own["top1_interval"]
    path.write_text(json.dumps(values), encoding="utf-8")
    assert str(evaluate(run.path, saved=True)).endswith("\nmodel: the last")
    assert json.loads(path.read_text(encoding="utf-8"))["model"] == "model"


def test_runs_with_different_protocols_have_no_mean(copied):
    one, two = copied("one"), copied("two")
    evaluate(one.path, saved=True, average="logits")
    lines = list(evaluate_all(EvaluateCommand(models=(one.path, two.path), saved=True)))
    assert [line.startswith("top-1", line.find("\n") + 1) for line in lines[:4:2]] == [True, True]
    assert lines[4:] == [
        "No mean of the 2 runs: they were scored with different protocols.",
        "No paired sign test of the 2 runs: they were scored with different protocols.",
    ]


def test_nothing_saved_is_an_error(copied):
    run = copied("run")
    for name in ("report.json", "predictions.npz"):
        (run.path / name).unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"was not evaluated yet\. Run `ctm evaluate"):
        evaluate(run.path, saved=True)


def test_a_model_with_a_fixed_size_resizes_the_protocols_crops(trained):
    report = evaluate(trained.path, protocol="slowfast", num_clips=2)
    assert report.protocol == (
        "like slowfast: 2 clips x 3 crops of 32 (37 in the protocol: TCC keeps its size) from "
        "short side 32, 4 frames, 2 apart; probabilities averaged"
    )


def test_tsn_by_its_protocol_scores_25_frames_in_ten_crops(copied, directions):
    run = copied("tsn")
    names = list(tfrecords.read_manifest(directions).class_names)
    model = ctm_keras.build_video_model(
        "tsn", "tiny", class_names=names, num_frames=4, image_size=32, weights=None
    )
    save_model(model, run.model)
    report = evaluate(run.path, protocol="tsn")
    assert report.protocol.startswith("tsn: 1 clip x 10 crops of 32 from 49 x 37, 25 frames")
    saved = Predictions.load(run.path / "predictions.npz")
    videos = Split(directions, "val")
    frames = np.stack([decode(jpeg) for jpeg in videos.read(0, np.arange(24 + 1))])
    assert frames.shape == (25, 32, 32, 3)
    crop = frames[:, :28, 32 - 21 :]  # 224 / 256 of the height, 224 / 340 of the width; upper right
    crop = np.stack([cv2.resize(f, (32, 32), interpolation=cv2.INTER_LINEAR_EXACT) for f in crop])
    scores = [model.predict_on_batch(np.repeat(f[None, None], 4, axis=1))[0] for f in crop]
    own = saved.logits[(saved.ids == videos.ids[0]) & (saved.views == 1)]
    np.testing.assert_allclose(own[0], np.mean(scores, axis=0), rtol=1e-3, atol=1e-4)


def test_there_is_no_mean_of_different_networks(copied, change):
    one, two = copied("one"), copied("two")
    two.write(two.read() | {"config": change(two.config, model="tsm").to_dict()})
    command = EvaluateCommand(models=(one.path, two.path), saved=True)
    lines = list(evaluate_all(command))
    assert lines[-2:] == [
        "No mean of the runs: they have different methods.",
        f"{two.path} against {one.path}: better on 0, worse on 0 of 12 videos (paired sign test "
        "p = 1)",
    ]


def test_runs_are_evaluated_each_and_together(copied, tmp_path):
    one, two = copied("one"), copied("two", noise=0.05)
    out = tmp_path / "both"
    command = {"models": (one.path, two.path), "num_clips": 2, "num_crops": 1, "out": out}
    lines = list(evaluate_all(EvaluateCommand(**command, ensemble=True)))
    heads = [line.splitlines()[0] for line in lines]
    assert [heads[0], heads[2], heads[6]] == [str(one.path), str(two.path), "the ensemble"]
    assert heads[5].startswith(f"{two.path} against {one.path}: better on ")
    each = [
        json.loads((run.path / "report.json").read_text(encoding="utf-8"))["top1"]
        for run in (one, two)
    ]
    mean, spread = sum(each) / 2, abs(each[0] - each[1]) / 2**0.5
    assert f"mean of 2 runs and standard deviation: top-1 {mean:.4f} ± {spread:.4f}," in lines[4]
    assert "\nprotocol: like ctm: 2 clips x 1 crop of 32" in lines[4]
    assert "\ncoverage: split val, 24 of 24 videos over all runs, missing none\n" in lines[4]
    members = [Predictions.load(run.path / "predictions.npz") for run in (one, two)]
    ids, labels, scores = join_views(Predictions.load(out / "predictions.npz"))
    for video, label, found in zip(ids, labels, scores, strict=True):
        each = [softmax(m.logits[m.ids == video]).mean(axis=0) for m in members]
        np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-6)
        assert label == members[0].labels[members[0].ids == video][0]
    right = (scores.argmax(axis=1) == labels).mean()
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["top1"] == pytest.approx(
        right
    )
    with pytest.raises(ValueError, match="not empty"):
        list(evaluate_all(EvaluateCommand(**command, ensemble=True)))


def test_averaged_weights_are_scored_as_one_model(copied, tmp_path):
    one, two = copied("one"), copied("two", noise=0.05)
    out = tmp_path / "mean"
    command = {"models": (one.path, two.path), "num_clips": 1, "num_crops": 1, "out": out}
    lines = list(evaluate_all(EvaluateCommand(**command, average_weights=True)))
    assert "averaged; like ctm: 1 clip x 1 crop" in lines[0]
    weights = [run.load_model().get_weights() for run in (one, two)]
    found = keras.saving.load_model(out / "model.keras", compile=False).get_weights()
    for mean, first, second in zip(found, *weights, strict=True):
        np.testing.assert_allclose(mean, (first + second) / 2, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "config", "words"),
    [
        ({"class_names": ["down", "left", "right", "upward"]}, {}, "different classes"),
        ({"data_hash": "other"}, {}, "different data sets"),
        ({}, {"model": "tsm"}, "different methods"),
        ({}, {"options": ["temporal_pooling=avg"]}, "different options"),
        ({}, {"backbone": "resnet18"}, "different backbones"),
    ],
)
def test_weights_of_different_trainings_are_not_averaged(copied, changes, config, words):
    one, two = copied("one"), copied("two")
    facts = two.read()
    two.write(facts | {"config": facts["config"] | config} | changes)
    command = EvaluateCommand(models=(one.path, two.path), average_weights=True)
    with pytest.raises(ValueError, match=f"network on one data set, received {words}. Use"):
        list(evaluate_all(command))
