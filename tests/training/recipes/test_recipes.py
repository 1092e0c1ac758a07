"""The recipes: complete, buildable, overridable; and the plan of a dry run."""

import dataclasses
import re

import numpy as np
import pytest

import ctm_keras
from ctm_keras.engine.anatomy import backbone_names
from training import recipes
from training.cli import main
from training.config.train import TrainConfig
from training.fit.schedule import in_words, schedule
from training.fit.train import train

HEAD = ("Paper: ", "Command: ctm train --recipe {}", "Hardware: ", "Published")


@pytest.mark.parametrize("name", recipes.names())
def test_each_recipe_names_paper_command_hardware_and_result(name):
    head, config = recipes.explain(name), recipes.read(name)
    for part in HEAD:
        assert part.format(name).removeprefix("Command: ") in head
    assert config.model in ctm_keras.list_models()
    assert config.backbone in backbone_names()
    if config.optimizer == "sgd":
        assert config.rate == config.rate_at[0]  # at the recipe's own batch
    if config.weights:
        config.check()


# With 10 steps per epoch: (recipe, epoch) to the learning rate that the paper gives.
RATES = {
    ("ctm_mini_kinetics", 29.9): 0.02,
    ("ctm_mini_kinetics", 30): 0.002,
    ("ctm_mini_kinetics", 50): 0.0002,
    ("ctm_kinetics600", 49.9): 0.02,
    ("ctm_kinetics600", 80): 0.0002,
    ("ctm_ucf101", 9.9): 0.002,
    ("ctm_ucf101", 20): 0.00002,
    ("stm_jester", 29.9): 0.01,
    ("stm_jester", 45): 0.00001,
    ("stm_hmdb51", 15): 0.0001,
    ("analysis_f16", 30): 0.00001,
    ("analysis_f8", 0): 0.01,
    ("analysis_f8", 37.5): 0.005,
    ("analysis_196_epochs", 0): 0.01,
    ("analysis_196_epochs", 17): (0.01 + 1.6) / 2,
    ("analysis_196_epochs", 34): 1.6,
    ("analysis_196_epochs", 115): 0.8,
}


@pytest.mark.parametrize(("name", "epoch"), RATES)
def test_the_learning_rate_equals_the_papers(name, epoch):
    rate = schedule(recipes.read(name), steps_per_epoch=10)(round(epoch * 10))
    assert float(rate) == pytest.approx(RATES[name, epoch], rel=1e-3)


def test_the_learning_rate_scales_with_the_batch_size_and_is_printed():
    config = TrainConfig(rate_at=(0.02, 96), batch_size=24)
    assert config.rate == pytest.approx(0.005)
    assert "scaled from 0.02 at batch size 96 to 24" in in_words(config)
    given = TrainConfig(learning_rate=0.3, batch_size=24)
    assert in_words(given).startswith("0.3, times 0.1")


def test_the_learning_rate_of_adamw_is_the_same_at_any_batch_size():
    words = {in_words(TrainConfig(optimizer="adamw", batch_size=size)) for size in (24, 96)}
    (one,) = words
    assert one.startswith("0.001 (AdamW's default at any batch size; --rate-at does not apply), ti")
    given = TrainConfig(optimizer="adamw", learning_rate=3e-4)
    assert in_words(given).startswith("0.0003, times 0.1")


def test_a_warm_up_rises_from_its_start_in_both_schedules():
    for name in ("step", "cosine"):
        config = TrainConfig(learning_rate=1.0, schedule=name, warmup_epochs=2, warmup_start=0.25)
        rates = [float(schedule(config, 10)(step)) for step in range(21)]
        assert rates[0] == pytest.approx(0.25, abs=0.05)
        assert rates[20] == pytest.approx(1.0, abs=0.01)
        assert (np.diff(rates[:20]) > 0).all()


@pytest.mark.usefixtures("one_block")
def test_the_command_line_overrides_a_recipe(directions, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    options = ["--backbone", "tiny", "--image-size", "32", "--num-frames", "4", "--batch-size", "8"]
    options += ["--model", "tsn", "--clip-norm", "1", "--mixup", "0.8"]
    arguments = ["--recipe", "ctm_mini_kinetics", "--data", str(directions), "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["ctm", "train", *arguments, *options, "--dry-run"])
    main()
    printed = capsys.readouterr().out
    for line in (
        "Recipe ctm_mini_kinetics:",
        "  model: tsn instead of ctm",
        "  backbone: tiny instead of resnet50",
        "  batch_size: 8 instead of 96",
        "  num_frames: 4 instead of 8",
        "  clip_norm: 1.0 instead of None",
        "  mixup: 0.8 instead of 0.0",
        "  weights: none instead of imagenet",
        "videos: train 36, val 12",
        "Frozen layers: none",
        "Steps: 4 per epoch, of 8 clips each; 240 in 60 epochs",
        "Optimizer: SGD, momentum 0.9, weight decay 0.0001",
        "Learning rate: 0.001667 (scaled from 0.02 at batch size 96 to 8), times 0.1 after "
        "epoch 30, 50",
        "Memory of a step: about ",
        "Ran two steps; the second took ",
    ):
        assert line in printed
    assert "epochs: " not in printed.partition("Data:")[0]
    assert (tmp_path / "run-plan.png").stat().st_size > 5000
    assert not out.exists()


@pytest.mark.long
def test_an_epoch_of_one_step_is_planned_too(trained, change, capsys):
    """Even if the folder already has a run."""
    train(change(trained.config, model="tsn", batch_size=36, dry_run=True))
    printed = capsys.readouterr().out
    assert "Steps: 1 per epoch, of 36 clips each" in printed
    assert re.search(r"Ran two steps; the second took \d+\.\d+ s", printed)


def test_resolved_options_are_in_the_config(trained):
    config = trained.read()["config"]
    assert config["recipe"] is None
    assert config["learning_rate"] == pytest.approx(0.02 * 8 / 96)


def test_unknown_recipes_are_errors_with_the_nearest_name():
    with pytest.raises(ValueError, match="Did you mean 'stm_jester'"):
        recipes.read("stm_jestr")


def test_a_recipe_for_fine_tuning_requires_a_model(directions):
    with pytest.raises(ValueError, match=r"stm_ucf101 fine-tunes a trained model\. Give it as"):
        train(dataclasses.replace(recipes.read("stm_ucf101"), data=directions))


def test_the_list_of_recipes(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["ctm", "train", "--recipe", "help"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == recipes.names()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rate_at": (0.0, 96)}, "--rate-at must be a learning rate and a batch size"),
        ({"warmup_start": 1.0}, "--warmup-start must be in"),
    ],
)
def test_invalid_schedules_are_errors(values, words):
    with pytest.raises(ValueError, match=words):
        TrainConfig(**values).check()
