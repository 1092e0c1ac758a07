"""Several machines: two processes with two logical devices each train what one device trains."""

import csv
import json
import socket
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from training.batches import filled_up, validation_clips
from training.commands import runs
from training.config.train import TrainConfig
from training.fit.resolve import resolve, start
from training.fit.resume import check_cache
from training.fit.train import DIFFERENT, train
from training.machines.devices import strategy_for
from training.machines.workers import (
    DEVICES,
    LostWorkerError,
    count_workers,
    lost_worker_in_words,
    set_tf_config,
)
from training.quickstart.videos import write_direction_videos
from training.run_folder import Run

pytestmark = pytest.mark.usefixtures("one_block")
EVERYTHING = {"accumulate": 2, "clip_norm": 1.0, "ema": 0.9, "learning_rate": 0.05}


@pytest.fixture
def config(config, change):
    """A run whose steps are the same on any number of devices."""
    return change(config, model="tsn", epochs=1, dropout=0.0, save_every=2, **EVERYTHING)


@pytest.fixture
def pair(config, change, tmp_path):
    """The configs of two machines; `start` gives each two devices."""
    sockets = [socket.socket() for _ in range(2)]
    for own in sockets:
        own.bind(("localhost", 0))
    workers = ",".join(f"localhost:{own.getsockname()[1]}" for own in sockets)
    for own in sockets:
        own.close()
    own = {"out": tmp_path / "pair", "workers": workers}
    return [change(config, index=index, **own) for index in range(2)]


def outputs_of(processes, codes=(0, 0)) -> list[str]:
    """The output of each process, after all ended with these exit codes."""
    outputs = [process.communicate(timeout=280)[0] for process in processes]
    assert [process.returncode for process in processes] == list(codes), outputs
    return outputs


def rows_of(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(run.log.read_text(encoding="utf-8").splitlines()))


def assert_same_training(one: Run, other: Run, difference) -> None:
    for which in ("model", "best"):
        assert difference(one, other, which) < 1e-4
    for own, its in zip(rows_of(one), rows_of(other), strict=True):
        for name in ("loss", "top1", "val_loss", "val_top1"):
            assert float(own[name]) == pytest.approx(float(its[name]), rel=1e-4)


@pytest.mark.parametrize("cpus", [1, pytest.param(2, marks=pytest.mark.long)])
def test_two_workers_train_as_one_device(config, pair, start, change, difference, tmp_path, cpus):
    """Batch norm, clipping, accumulation, averages, validation; only the chief writes."""
    elsewhere = tmp_path / "elsewhere"
    both = [start(pair[0], cpus=cpus), start(change(pair[1], out=elsewhere), cpus=cpus)]
    alone = train(config)
    outputs_of(both)
    assert_same_training(alone, Run.open(pair[0].out), difference)
    assert not elsewhere.exists()


@pytest.mark.long
def test_the_same_command_resumes_after_a_worker_was_lost(config, pair, start, difference):
    (output, _) = outputs_of([start(pair[0]), start(pair[1], after=3)], codes=(1, -9))
    sentence = output.strip().splitlines()[-1]
    assert sentence.startswith(
        "ctm: Another worker was lost, so all workers stop. Run the same command"
    )
    assert "Traceback" not in output
    for output in outputs_of([start(own) for own in pair]):
        assert "Resuming at epoch 1, step 2 of 4." in output
    assert_same_training(train(config), Run.open(pair[0].out), difference)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_two_workers_learn_in_mixed_precision(config, pair, start, change, precision):
    own = {"precision": precision, "epochs": 5, "learning_rate": None}
    both = [start(change(each, **own)) for each in pair]
    alone = train(change(config, **own))
    outputs_of(both)
    curves = [[float(row["loss"]) for row in rows_of(r)] for r in (alone, Run.open(pair[0].out))]
    np.testing.assert_allclose(*curves, rtol=0.02)


@pytest.fixture
def other_data(tmp_path) -> Path:
    write_direction_videos(tmp_path / "videos", 12, seed=1)
    tfrecords.build(tmp_path / "videos", tmp_path / "other", short_side=32, val_fraction=0.25)
    return tmp_path / "other"


@pytest.mark.long
def test_workers_with_different_options_are_errors(pair, start, change, other_data):
    for value, cpus, words in [
        ({"momentum": 0.5}, 2, DIFFERENT),
        ({"data": other_data}, 2, DIFFERENT),
        ({}, 1, DEVICES),
    ]:
        both = [start(pair[0]), start(change(pair[1], **value), cpus=cpus)]
        for output in outputs_of(both, codes=(1, 1)):
            assert output.strip().splitlines()[-1] == f"ctm: {words}"
        assert not pair[0].out.exists()


@pytest.mark.parametrize(
    ("workers", "index", "words"),
    [
        ("a,b", 0, "host1:port,host2:port"),
        ("a:1,a:1", 0, "must name each machine only once"),
        ("a:1,b:2", 2, "--index must be 0 to 1"),
    ],
)
def test_an_invalid_list_of_workers_is_named(workers, index, words):
    with pytest.raises(ValueError, match=words):
        strategy_for("cpu", workers, index)


def test_a_worker_with_several_cpus_is_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(ValueError, match=r"received --devices cpu:2\. Use --devices cpu\."):
        strategy_for("cpu:2", "localhost:1,localhost:2", 0)


def test_workers_are_passed_in_tf_config(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    assert count_workers() == 1
    set_tf_config("a:1,b:2", 1)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    assert resolver.cluster_spec().as_dict() == {"worker": ["a:1", "b:2"]}
    assert (resolver.task_type, resolver.task_id, count_workers()) == ("worker", 1, 2)


def test_an_invalid_tf_config_is_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "worker")
    with pytest.raises(ValueError, match="TF_CONFIG must be a JSON object"):
        strategy_for("cpu")


def test_a_batch_that_would_split_videos_between_machines_is_refused(config, change, monkeypatch):
    monkeypatch.setattr("training.fit.resolve.count_workers", lambda strategy: 8)
    with pytest.raises(ValueError, match="must be a multiple of --repeats 2"):
        train(change(config, repeats=2))


SEVERAL = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}


def test_several_machines_have_no_cache(config, change, monkeypatch, tmp_path):
    """Each would train on the clips of all."""
    cached = change(config, freeze="backbone", cached_clips=2)
    run = Run.create(cached, resolve(config)[1])
    refused = "--cached-clips requires one machine, received several"
    monkeypatch.setenv("TF_CONFIG", "{}")
    for several in (
        change(cached, workers="a:1,b:1"),
        TrainConfig(resume=run.path, workers="a:1,b:1"),
    ):
        with pytest.raises(ValueError, match=refused):
            start(several)
        with pytest.raises(ValueError, match=refused):
            runs.train(several)  # before they connect
    check_cache(TrainConfig(resume=run.path, workers="a:1"))
    monkeypatch.setenv("TF_CONFIG", json.dumps(SEVERAL))
    for several in (cached, TrainConfig(resume=run.path)):
        with pytest.raises(ValueError, match=refused):
            start(several)
    check_cache(config)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_validation_video_counts_once(config, workers):
    """For any number of workers, although all have the same number of batches."""
    weights = []
    labels = []
    for shard in ((index, workers) for index in range(workers)):
        clips = validation_clips(config, shard=shard, batch_size=5)
        batches = list(filled_up(clips, 5, 4).as_numpy_iterator())
        assert [len(batch[0]) for batch in batches] == [5] * 4
        weights += [batch[2] for batch in batches]
        labels += [batch[1] for batch in batches]
    weights, labels = np.concatenate(weights), np.concatenate(labels)
    counted = np.bincount(labels[weights == 1])
    manifest = tfrecords.read_manifest(config.data)
    assert weights.sum() == manifest.num_videos("val") == 12
    expected = [np.concatenate([b[1] for b in validation_clips(config).as_numpy_iterator()])]
    np.testing.assert_array_equal(counted, np.bincount(expected[0]))


ABORTED = "Collective ops is aborted by: "
FOUND = f"Graph execution error:\n\nDetected at node Reduce\n  File a.py\n\n{ABORTED}"


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        (f"{{{{node Reduce}}}} {ABORTED}a task", LostWorkerError, r"\(.* aborted by: a task\)$"),
        (f"{FOUND}a task\nThe error could be", LostWorkerError, r"\(.* aborted by: a task\)$"),
        (
            f"{FOUND}A is joining a group with size2",
            ValueError,
            "same number of devices, received different numbers",
        ),
    ],
)
def test_errors_about_a_lost_worker_become_one_sentence(monkeypatch, message, error, words):
    monkeypatch.setattr("training.machines.workers.count_workers", lambda strategy: 2)
    with (
        pytest.raises(error, match=words) as raised,
        lost_worker_in_words(tf.distribute.get_strategy()),
    ):
        raise tf.errors.InternalError(None, None, message)
    assert "\n" not in str(raised.value)
