"""Frozen layers computed once: the same clips, order and results as computing them each step."""

import dataclasses
import fcntl
import json
import queue
import re
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
import tfrecords
from ctm_keras.weights import fetch
from tfrecords.reading import Split
from training.batches import validation_clips
from training.config.train import TrainConfig
from training.fit import trunk_cache
from training.fit.mistakes import validation_mistakes
from training.fit.network import Network
from training.fit.train import Loop, train


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The file of a TSN to start from."""
    path = tmp_path_factory.mktemp("start") / "tsn.keras"
    names = ["down", "left", "right", "up"]
    ctm_keras.build_video_model(
        "tsn", "tiny", class_names=names, num_frames=4, image_size=32, weights=None
    ).save(path)
    return path


@pytest.fixture(scope="module")
def frozen(start, directions, small):
    """A config that learns a CTM block on the frozen backbone of that TSN."""
    return dataclasses.replace(
        small,
        data=directions,
        weights=str(start),
        options=("stages=head",),
        freeze="backbone",
        cached_clips=2,
        epochs=2,
        save_every=3,
    )


@pytest.fixture(scope="module")
def run(frozen, tmp_path_factory):
    """A finished run with a cache that is kept."""
    folder = tmp_path_factory.mktemp("frozen")
    return train(dataclasses.replace(frozen, out=folder / "run", cache=folder / "cache"))


@pytest.fixture(scope="module")
def cache(frozen, run):
    """The cache of that run."""
    network = Network.of(run.load_model(), "backbone")
    facts, folder = run.facts, run.config.cache
    return trunk_cache.TrunkCache(network.trunk, run.config, facts.data_hash, folder)


def test_a_second_run_reads_the_features(cache, capsys):
    cache.fill()
    assert capsys.readouterr().out == f"Features: read from {cache.folder}\n"


def test_a_run_waits_for_another_that_computes_the_same(cache, monkeypatch):
    said = queue.Queue()
    monkeypatch.setattr(trunk_cache, "print", said.put, raising=False)
    monkeypatch.setattr(fetch, "print", lambda text, **_: said.put(text), raising=False)
    labels = cache._file("center-val", "labels")
    held = labels.rename(labels.with_suffix(".kept"))
    with (cache.folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=cache.fill)
        waiting.start()
        assert said.get(timeout=60).startswith(
            "Waiting for another process that computes the frozen"
        )
        held.rename(labels)
    assert said.get(timeout=60) == f"Features: read from {cache.folder}"
    waiting.join()


def content_of(trunk, config, data_hash):
    """What the name of a cache's folder is the hash of, as a text."""
    return json.dumps(trunk_cache.content_of(trunk, config, data_hash), default=str)


def test_a_cached_run_equals_one_that_computes_each_step(frozen, tmp_path, run, difference):
    """As long as no clip is used twice; features are rounded to half precision."""
    each = train(dataclasses.replace(frozen, out=tmp_path / "each", cached_clips=0))
    assert difference(run, each) < 1e-3
    logs = [own.log.read_text(encoding="utf-8").count("\n") for own in (run, each)]
    assert logs == [3, 3]


def test_a_dry_run_times_the_frozen_layers_apart(frozen, tmp_path, capsys):
    train(dataclasses.replace(frozen, out=tmp_path / "run", dry_run=True))
    said = capsys.readouterr().out
    assert "Frozen layers, computed once: about " in said
    assert "Ran two steps; the second took " in said


def test_a_finished_run_computes_no_features(run, capsys, monkeypatch):
    monkeypatch.setattr(trunk_cache.TrunkCache, "fill", lambda cache: pytest.fail("computed"))
    train(run.config)
    assert "All 2 epochs are finished." in capsys.readouterr().out


def test_mistakes_are_found_with_the_features(run, monkeypatch, capsys):
    expected = validation_mistakes(
        run.load_model(), validation_clips(run.config), run.config, run.facts.class_names
    )
    monkeypatch.setattr(trunk_cache, "validation_clips", lambda *_, **__: pytest.fail("it read"))
    train(TrainConfig(resume=run.path))
    lines = capsys.readouterr().out.splitlines()
    first = lines.index(next(expected))
    own, others = (
        [float(number) for number in re.findall(r"\((0\.\d+)\)$", "\n".join(text), re.MULTILINE)]
        for text in (lines[first + 1 :], expected)
    )
    assert own == pytest.approx(others, abs=5e-3)
    assert len(own) == 5


def test_the_saved_model_is_the_whole_video_model(run, start, directions):
    model, begun = run.load_model(), keras.saving.load_model(start)
    (clips, _), *_ = tfrecords.clips(
        directions, "val", num_frames=4, interval=2, image_size=32, batch_size=4
    )
    assert model(clips).shape == (4, 4)
    kept = [layer.name for layer in model.layers if layer.weights and not layer.trainable]
    assert len(kept) == 30
    for name in kept:
        for own, before in zip(
            model.get_layer(name).get_weights(), begun.get_layer(name).get_weights(), strict=True
        ):
            assert np.array_equal(own, before)


def test_epoch_e_uses_clip_e_modulo_their_number_in_an_order_of_its_own(cache):
    def epoch(number):
        batches = cache.training(cache.config, epoch=tf.Variable(number), step=0, batch_size=4)
        return np.concatenate([features.numpy() for features, _ in batches])

    first, second, third = (epoch(number) for number in range(3))
    assert not np.array_equal(first, third)
    rows = [sorted(map(bytes, features)) for features in (first, second, third)]
    assert rows[0] == rows[2] != rows[1]


def test_steps_are_skipped_as_in_other_runs(cache):
    how = {"epoch": tf.Variable(1), "batch_size": 8}
    every = [labels.numpy() for _, labels in cache.training(cache.config, step=0, **how)]
    last = [labels.numpy() for _, labels in cache.training(cache.config, step=2, **how)]
    assert len(every) == 4
    np.testing.assert_array_equal(every[2:], last)


def test_validation_has_each_video_once(cache, directions):
    labels = [batch[-1].numpy() for batch in cache.validation(cache.config, batch_size=5)]
    np.testing.assert_array_equal(np.concatenate(labels), Split(directions, "val").videos["label"])


def test_an_interrupted_run_resumes_exactly(frozen, tmp_path, run, difference, monkeypatch):
    leave = Loop.leave_if_told

    def interrupt(self, sums, epoch, step):
        leave(self, sums, epoch, step)
        if (epoch, step) == (1, 3):
            raise KeyboardInterrupt

    config = dataclasses.replace(frozen, out=tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(Loop, "leave_if_told", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    assert list((tmp_path / "run" / "cache").iterdir())
    assert difference(train(config), run) == 0.0
    assert not (tmp_path / "run" / "cache").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"flip": False},
        {"flip_pairs": ("left:right",)},
        {"interval": 3},
        {"scale": (256, 256)},
        {"crop": "corners"},
        {"train_split": "val"},
    ],
    ids=str,
)
def test_features_of_other_clips_are_never_used(change, cache):
    other = dataclasses.replace(cache.config, **change)
    assert content_of(cache.trunk, other, "data") != content_of(cache.trunk, cache.config, "data")


def test_features_of_other_data_or_weights_are_never_used(cache):
    own = content_of(cache.trunk, cache.config, "data")
    assert content_of(cache.trunk, cache.config, "other data") != own
    kernel = cache.trunk.get_layer("conv1_conv").kernel
    before = kernel.numpy()
    kernel.assign(before + 1e-3)
    changed = content_of(cache.trunk, cache.config, "data")
    kernel.assign(before)
    assert changed != own == content_of(cache.trunk, cache.config, "data")


def test_a_longer_run_of_another_fold_shares_the_features(cache):
    change = {"epochs": 9, "train_split": "train:all-but-0-of-3", "cached_clips": 7}
    other = dataclasses.replace(cache.config, **change)
    assert content_of(cache.trunk, other, "data") == content_of(cache.trunk, cache.config, "data")


def test_no_clip_is_computed_that_no_epoch_reads(cache):
    config = dataclasses.replace(cache.config, cached_clips=7)
    again = trunk_cache.TrunkCache(cache.trunk, config, "data", cache.folder.parent)
    assert again._passes() == cache._passes() == ["clip-000", "clip-001", "center-val"]


def test_a_disk_that_is_too_small(frozen, tmp_path, monkeypatch):
    one = 36 * 4 * 4 * 4 * 64 * 2  # videos, frames, positions, channels, bytes
    monkeypatch.setattr(trunk_cache, "free_bytes", lambda _: trunk_cache.RESERVE + 2 * one)
    with pytest.raises(ValueError, match=r"--cached-clips 2 requires 0.* MB .*: 1 would fit"):
        train(dataclasses.replace(frozen, out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_disk_that_becomes_full(frozen, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trunk_cache.np, "save", full)
    with pytest.raises(OSError, match=r"The disk of .* is full. .* start the training again"):
        train(dataclasses.replace(frozen, out=tmp_path / "run"))
    assert not list((tmp_path / "run" / "cache").glob("*/*.part.npy"))


def test_values_beyond_half_precision(cache, monkeypatch):
    monkeypatch.setattr(cache, "forward", lambda clips: np.full((1, 2), 1e5))
    with pytest.raises(ValueError, match="finite values below 65,504"):
        list(cache._features(np.zeros((1, 4, 32, 32, 3))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "none"}, "--freeze requires a backbone with trained weights"),
        (
            {"freeze": "stage9"},
            "(--freeze) must be one of backbone, stage2, stage3, stage4 for tiny",
        ),
        ({"freeze_bn": True}, "--freeze and --freeze-bn cannot be combined"),
        ({"mixup": 0.8, "mix_prob": 1.0}, "--cached-clips cannot be combined with MixUp"),
        ({"repeats": 2}, "--cached-clips cannot be combined with MixUp, CutMix or --repeats"),
        ({"freeze": None}, "--cached-clips requires --freeze"),
        ({"cached_clips": 0, "cache": "c"}, "--cache requires --cached-clips"),
        ({"cached_clips": -1}, "--cached-clips must be 0 or more, received -1"),
    ],
    ids=str,
)
def test_options_that_do_not_fit(changes, message, frozen, tmp_path):
    config = dataclasses.replace(frozen, out=tmp_path / "run", **changes)
    with pytest.raises(ValueError, match=re.escape(message)):
        train(config)
    assert not (tmp_path / "run").exists()
