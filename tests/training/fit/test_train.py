"""Training runs: their files, how they stop and resume."""

import csv
import dataclasses
import os
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import ctm_keras
import tfrecords
from ctm_keras.engine.preprocessing import Preprocessing
from ctm_keras.weights.origin import pixels_of
from tfrecords.format.decoded import FrameOptions
from training.config.train import TrainConfig
from training.fit.batch_norm import batch_norms
from training.fit.callbacks import Checkpoints, DivergedError
from training.fit.loop import Loop
from training.fit.resolve import resolve
from training.fit.resume import reopen
from training.fit.train import build_model, next_command, train
from training.run_folder import Run, RunFacts, save_model


def rows_of(run: Run) -> list[dict]:
    return list(csv.DictReader(run.log.read_text(encoding="utf-8").splitlines()))


def weights(run: Run) -> list[np.ndarray]:
    return run.load_model().get_weights()


def test_a_run_leaves_config_log_checkpoints_and_model(trained):
    facts = trained.read()
    assert facts["class_names"] == ["down", "left", "right", "up"]
    assert facts["steps_per_epoch"] == 4
    assert facts["config"]["learning_rate"] == pytest.approx(0.02 * 8 / 96)
    assert facts["data_hash"] == tfrecords.read_manifest(facts["config"]["data"]).hash
    (row,) = rows_of(trained)
    assert {"epoch", "loss", "top1", "top5", "val_loss", "val_top1"} <= set(row)
    assert 0 <= float(row["data_wait"]) <= 1
    assert list(trained.tensorboard.rglob("events*"))
    for path in (trained.model, trained.last, trained.best):
        assert path.is_file()
    assert ctm_keras.class_names(trained.load_model()) == facts["class_names"]
    assert not list(trained.path.rglob("*.part*"))


def test_saved_models_have_no_synchronization_and_no_optimizer(trained):
    model = keras.saving.load_model(trained.model)
    assert not any(layer.synchronized for layer in batch_norms(model))
    assert not model.compiled


@pytest.mark.parametrize(
    ("split", "command"),
    [
        ("val", "ctm evaluate"),
        ("train:fold-0-of-2", "ctm evaluate"),
        ("x", "ctm predict"),
    ],
)
def test_the_printed_next_command_works(trained, split, command, monkeypatch):
    config = dataclasses.replace(trained.config, val_split=split)
    monkeypatch.setattr(Run, "config", config)
    assert command in next_command(trained)


def test_the_optimizer_has_the_options_of_the_run(config, change, monkeypatch):
    found = []
    dry_run = "training.fit.train.dry_run"
    monkeypatch.setattr(dry_run, lambda network, *_: found.append(network.learner.optimizer))
    train(change(config, dry_run=True, momentum=0.8, weight_decay=0.01))
    train(change(config, dry_run=True, optimizer="adamw", weight_decay=0.02))
    sgd, adamw = found
    assert (type(sgd), sgd.momentum, sgd.l2) == (ctm_keras.SGD, 0.8, 0.01)
    assert (type(adamw), adamw.decoupled) == (ctm_keras.AdamW, 0.02)
    assert float(adamw.learning_rate) == pytest.approx(1e-3)


@pytest.mark.long
def test_two_devices_train_as_one(config, tmp_path, change, difference):
    one = change(config, out=tmp_path / "one", model="tsn", dropout=0.0, epochs=1)
    two = change(one, out=tmp_path / "two", devices="cpu:2")
    assert difference(train(one), train(two)) < 1e-4


@pytest.mark.long
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains(config, precision, change):
    run = train(change(config, precision=precision, epochs=1))
    assert keras.config.dtype_policy().name == "float32"
    assert all(np.isfinite(w).all() for w in weights(run))
    assert run.load_model().output.dtype == "float32"


@pytest.mark.usefixtures("one_block")
def test_a_run_that_diverges_names_the_step_and_the_last_good_state(config, change):
    with pytest.raises(DivergedError, match=r"epoch 1, step \d") as error:
        train(change(config, model="tsn", learning_rate=1e30, save_every=1))
    assert "lower --learning-rate" in str(error.value)
    assert "saved state" in str(error.value) or "last good state is" in str(error.value)


def test_frozen_batch_norm_is_refused_where_paths_would_stay_zero(config, change):
    with pytest.raises(ValueError, match=r"is zero.*--weights"):
        train(change(config, freeze_bn=True))
    assert not config.out.exists()


@pytest.mark.long
def test_fine_tuning_freezes_all_but_the_first_batch_norm(
    config, trained, tmp_path, change, capsys
):
    model = trained.load_model()
    for layer in batch_norms(model):
        layer.gamma.assign(keras.ops.ones_like(layer.gamma))
    save_model(model, tmp_path / "start.keras")
    run = train(change(config, freeze_bn=True, weights=str(tmp_path / "start.keras"), epochs=1))
    assert "Frozen batch norms: " in capsys.readouterr().out
    moved = [
        not np.array_equal(new.moving_mean, old.moving_mean)
        for new, old in zip(batch_norms(run.load_model()), batch_norms(model), strict=True)
    ]
    assert moved == [True] + [False] * (len(moved) - 1)


@pytest.mark.parametrize(
    ("model", "backbone", "weights", "frames"),
    [
        ("ctm", "tiny", "none", 8),
        ("ctm", "resnet50", "imagenet", 8),
        ("slowfast", "resnet50", "none", 32),
    ],
)
def test_a_method_has_default_weights_and_frames(config, change, model, backbone, weights, frames):
    config = change(config, model=model, backbone=backbone, weights="auto", num_frames=None)
    resolved, _ = resolve(config)
    assert (resolved.weights, resolved.num_frames) == (weights, frames)


BGR = {"channels": "bgr", "mean": (114.75,) * 3, "scale": (57.375,) * 3}


@pytest.fixture
def shifted(tmp_path):
    """A TSM file with six frames, a quarter of the channels shifted and BGR order."""
    model = ctm_keras.build_video_model(
        "tsm", "tiny", 4, 6, 32, None, fold_div=4, temporal_pooling="avg", preprocessing=BGR
    )
    save_model(model, tmp_path / "start.keras")
    return tmp_path / "start.keras"


def test_a_run_adopts_the_options_of_its_weights_file(shifted, config, change):
    config = change(config, model="tsm", num_frames=None, weights=str(shifted), epochs=1)
    run = train(config)
    shifted.unlink()
    assert run.config.num_frames == 6
    assert run.config.method_options == {"fold_div": 4, "temporal_pooling": "avg"}
    trained = run.load_model()
    run.model.unlink()
    train(TrainConfig(resume=run.path))
    for model in (trained, run.load_model()):
        assert model.get_layer("conv2_block1_tsm").fold_div == 4
        assert model.get_layer("conv2_block1_temporal_pool").mode == "avg"
        assert pixels_of(model) == Preprocessing(**BGR)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("fold_div=8",), ["fold_div"]),
        (("online=True", "temporal_pooling=False"), ["online", "temp"]),
    ],
)
def test_options_that_contradict_the_weights_are_refused(options, named, shifted, config, change):
    with pytest.raises(ValueError, match="differs from the model") as error:
        train(change(config, model="tsm", weights=str(shifted), options=options))
    assert all(name in str(error.value) for name in named)
    assert not config.out.exists()


@pytest.mark.parametrize(
    ("option", "there_is"),
    [("fold_dv=4", "fold_div"), ("preprocessing=x", "online"), ("backbone=x", "every")],
)
def test_an_unknown_option_is_refused_before_the_build(option, there_is, config, change):
    with pytest.raises(ValueError, match=option.partition("=")[0]) as error:
        train(change(config, model="tsm", weights="none", options=(option,)))
    offered = str(error.value).partition(", received")[0]
    assert there_is in offered
    assert "preprocessing" not in offered
    assert not config.out.exists()


def test_another_method_adopts_only_the_preprocessing(shifted, config, change):
    config, facts = resolve(change(config, num_frames=None, weights=str(shifted)))
    assert (config.num_frames, config.options) == (8, ())
    assert Preprocessing(**facts.preprocessing) == Preprocessing(**BGR)


def test_the_same_seed_gives_the_same_initial_weights(config, change):
    facts = RunFacts(("a", "b"), "hash", FrameOptions(None), steps_per_epoch=1)
    config = change(config, weights="none")
    keras.utils.set_random_seed(config.seed)
    one = build_model(config, facts)
    keras.utils.set_random_seed(config.seed)
    other = build_model(config, facts)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"data": None}, "--data DIR or --resume RUN"),
        ({"backbone": "resnet5"}, "resnet50"),
        ({"model": "ctn"}, "ctm"),
        ({"options": ("pahts=tccm",)}, "paths"),
        ({"index": 1}, "--index requires --workers"),
        ({"model": "slowfast", "backbone_rate": 0.1}, "--backbone-rate requires .* slowfast"),
        ({"weights": "nowhere.keras"}, "nowhere.keras"),
        ({"train_split": "trian"}, "trian"),
        ({"patience": 1, "val_split": "x"}, "--patience requires a validation split.*no split 'x'"),
        ({"val_split": "vla:fold-0-of-2"}, "split must be one of train, val, received 'vla'"),
        ({"val_split": "val:fold-0-of-4"}, "folds must be at most 3, the number of videos of"),
        (
            {"train_split": "train+val"},
            "--val-split must have no video of .* 'train\\+val', received 'val' with 12 of them",
        ),
        ({"batch_size": 1000}, "--batch-size must be at most 36, .* received 1000"),
        ({"flip_pairs": ("left:rihgt",)}, "rihgt"),
        ({"devices": "tpu"}, "--devices must be like"),
        ({"devices": "gpu:7"}, "GPU:7"),
        ({"image_size": 8}, "32"),
    ],
)
def test_an_error_is_one_sentence_and_leaves_no_files(config, change, values, words):
    with pytest.raises(ValueError, match=words):
        train(change(config, **values))
    assert not config.out.exists()


def test_a_folder_in_use_is_refused(config, trained, change):
    with pytest.raises(ValueError, match=r"not empty.*--resume"):
        train(change(config, out=trained.path))


def test_resuming_a_folder_that_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a run"):
        train(TrainConfig(resume=tmp_path))


@pytest.fixture(scope="module")
def stopped_once(directions, small, change, shallow, tmp_path_factory):
    """A run that was stopped in its second epoch, with two states and a log of one epoch."""
    out = tmp_path_factory.mktemp("stopped") / "run"
    own = {"model": "tsn", "dropout": 0.3, "epochs": 2, "save_every": 2}
    config = change(small, data=directions, out=out, **own)

    def stop(self, batch, logs=None):
        if self.epoch == 1 and self.done == 3:
            raise KeyboardInterrupt
        original(self, batch, logs)

    original = Checkpoints.on_train_batch_end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "on_train_batch_end", stop)
        with shallow(), pytest.raises(KeyboardInterrupt):
            train(config)
    return out


@pytest.fixture
def stopped(stopped_once, one_block, tmp_path):
    """A copy of the stopped run."""
    return Run.open(shutil.copytree(stopped_once, tmp_path / "run"))


def states(run: Run) -> list:
    return sorted(run.states.glob("*.index"))


@pytest.fixture
def no_steps(monkeypatch):
    """Training ends when all is prepared and printed."""
    monkeypatch.setattr(Loop, "run", lambda *_: None)


@pytest.mark.usefixtures("no_steps")
def test_a_stopped_run_tells_where_it_resumes(stopped, capsys):
    assert len(states(stopped)) == 2
    train(TrainConfig(resume=stopped.path))
    assert "Resuming at epoch 2, step 2 of 4." in capsys.readouterr().out


def test_a_finished_run_has_nothing_to_resume(trained, tmp_path, capsys):
    run = Run(shutil.copytree(trained.path, tmp_path / "run"))
    before = rows_of(run)
    train(TrainConfig(resume=run.path))
    assert "All 1 epochs are finished." in capsys.readouterr().out
    assert rows_of(run) == before


@pytest.mark.long
def test_a_stopped_run_prints_how_to_resume(stopped, capsys):
    assert len(states(stopped)) == 2
    train(TrainConfig(resume=stopped.path))
    printed = capsys.readouterr().out
    assert "Resuming at epoch 2, step 2 of 4." in printed
    assert re.search(r"\nMost confident mistakes on val .*\n(  .+\n){5}Look at them: ctm", printed)
    train(TrainConfig(resume=stopped.path))
    assert "All 2 epochs are finished." in capsys.readouterr().out


@pytest.mark.usefixtures("no_steps")
def test_a_damaged_state_is_skipped_for_the_previous_one(stopped, capsys):
    newest = max(stopped.states.glob("*.data*"))
    newest.write_bytes(newest.read_bytes()[:1000])
    train(TrainConfig(resume=stopped.path))
    out = capsys.readouterr().out
    assert "Skipped the damaged state" in out
    assert "Resuming at epoch 2, step 0 of 4." in out


def test_a_run_with_only_damaged_states_is_an_error(stopped):
    for path in stopped.states.glob("*.data*"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"are damaged: the run cannot be resumed.*last.keras"):
        train(TrainConfig(resume=stopped.path))


def test_a_moved_data_set_is_given_with_data(stopped, directions, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(directions, moved)
    facts = stopped.read()
    facts["config"]["data"] = str(tmp_path / "gone")
    Run.write(stopped, facts)
    with pytest.raises(ValueError, match=r"is missing\. .* --data"):
        train(TrainConfig(resume=stopped.path))
    config, _ = reopen(TrainConfig(data=moved), stopped.path)
    assert config.data == moved


def test_resuming_with_other_data_is_refused(stopped):
    facts = stopped.read() | {"data_hash": "0" * 64}
    Run.write(stopped, facts)
    with pytest.raises(ValueError, match="--data must be the data set that"):
        train(TrainConfig(resume=stopped.path))
    Run.write(stopped, facts | {"class_names": facts["class_names"][::-1]})
    with pytest.raises(ValueError, match="output 0 is up in the run and down in the data set"):
        train(TrainConfig(resume=stopped.path))


def test_resuming_with_other_options_is_refused(trained):
    with pytest.raises(ValueError, match="--epochs, --freeze-bn cannot be changed"):
        train(TrainConfig(resume=trained.path, epochs=5, freeze_bn=True))


@pytest.mark.long
def test_resuming_requires_no_initial_weights(trained, config, tmp_path, change, monkeypatch):
    start = tmp_path / "start.keras"
    shutil.copy(trained.model, start)
    run = train(change(config, weights=str(start), epochs=1))
    start.unlink()
    run.model.unlink()
    train(TrainConfig(resume=run.path))
    assert run.model.is_file()


def test_an_edited_config_is_refused(trained, tmp_path):
    text = (trained.path / "config.json").read_text(encoding="utf-8")
    for damaged in (text.replace('"interval": 2', '"interval": 3'), "[]", text[:100]):
        (tmp_path / "config.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=r"config.json is damaged or was edited"):
            train(TrainConfig(resume=tmp_path))


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("epoch,loss\n", "epoch,loss\n"), ("epoch,loss\n0,1\n1,2\n1", "epoch,loss\n0,1\n")],
)
def test_a_truncated_log_is_trimmed(tmp_path, before, after):
    run = Run(tmp_path)
    run.log.write_text(before, encoding="utf-8")
    run.trim_log(1)
    assert run.log.read_text(encoding="utf-8") == after


@pytest.mark.usefixtures("one_block")
def test_a_full_disk_is_one_sentence(config, change, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.fit.callbacks.save_model", full)
    with pytest.raises(OSError, match=r"The disk of .* is full. Free some space, then run"):
        train(change(config, model="tsn"))


def test_a_damaged_model_is_named(trained, tmp_path):
    shutil.copy(trained.path / "config.json", tmp_path)
    whole = trained.model.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for content in (whole[:middle], flipped):
        (tmp_path / "model.keras").write_bytes(content)
        with pytest.raises(ValueError, match=r"model.keras is damaged .* --resume"):
            Run.open(tmp_path).load_model()


def test_another_backend_is_refused(config, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=r"must be 'tensorflow' for .*, received 'jax'"):
        train(config)
    assert not config.out.exists()


@pytest.mark.long
def test_another_backend_is_refused_in_one_sentence(tmp_path):
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-m", "training", "train", "--data", str(tmp_path)]
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1
    assert "The Keras backend must be 'tensorflow'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_a_run_with_every_augmentation_records_them_and_trains_on_soft_labels(config, change):
    options = {"augment": "mvit", "mixup": 0.3, "color_jitter": (0.4, 0.4, 0.4, 0.1)}
    options |= {"class_weights": ("balanced",), "label_smoothing": 0.1, "epochs": 1}
    run = train(change(config, **options))
    facts = run.read()
    recorded = facts["config"]
    assert facts["steps_per_epoch"] == 2 * 36 // 8
    resolved = {"mixup": 0.3, "cutmix": 1.0, "repeats": 2, "erasing": 0.25, "crop": "resized"}
    assert resolved.items() <= recorded.items()
    assert recorded["class_weights"] == ["balanced"]
    assert run.config.augmentation == change(config, **options).augmentation
    (row,) = rows_of(run)
    assert 0.5 < float(row["loss"]) < 5
    assert 0 <= float(row["top1"]) <= float(row["top5"]) == 1
