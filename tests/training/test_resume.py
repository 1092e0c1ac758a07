"""Runs that are killed or sent away, and go on as if nothing had been."""

import csv
import random

import pytest

from training.preemption import EXIT_CODE
from training.run import Run
from training.train import train

EVERYTHING = {"accumulate": 2, "clip_norm": 1.0, "ema": 0.9, "warmup_epochs": 0.5}


@pytest.fixture(scope="module")
def undisturbed(directions, small, change, tmp_path_factory) -> Run:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    own = {"data": directions, "out": out, "epochs": 2, "save_every": 2, "dropout": 0.3}
    return train(change(small, **own, **EVERYTHING))


def log_of(run: Run) -> list[dict[str, str]]:
    rows = list(csv.DictReader(run.log.read_text().splitlines()))
    return [{name: value for name, value in row.items() if name != "data_wait"} for row in rows]


def assert_equal(one: Run, other: Run, difference, about: str = "") -> None:
    for which in ("model", "best"):
        assert difference(one, other, which) == 0.0, about
    assert log_of(one) == log_of(other), about


@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=pytest.mark.long)])
def test_a_run_killed_at_random_steps_goes_on_exactly(
    undisturbed, change, start, difference, tmp_path, kills
):
    config = change(undisturbed.config, out=tmp_path / "killed")
    steps = [random.randint(1, 5) for _ in range(kills)]
    for after in steps:
        process = start(config, after)
        assert process.wait() in (-9, 0), process.stdout.read()
    assert_equal(undisturbed, train(config), difference, f"killed after steps {steps}")


def test_a_preempted_run_saves_and_exits_with_the_code_to_start_again(
    undisturbed, change, start, difference, tmp_path
):
    config = change(undisturbed.config, out=tmp_path / "preempted", save_every=1000)
    process = start(config, 5, "SIGTERM")
    told, _ = process.communicate()
    assert process.returncode == EXIT_CODE == 143, told
    assert f"ctm train --resume {config.out}" in told
    assert_equal(undisturbed, train(config), difference)


def test_a_run_preempted_before_its_validation_validates_when_it_goes_on(
    undisturbed, change, start, difference, tmp_path, capsys
):
    config = change(undisturbed.config, out=tmp_path / "preempted")
    process = start(config, 4, "SIGTERM")
    told, _ = process.communicate()
    assert process.returncode == EXIT_CODE, told
    resumed = train(config)
    assert "Continuing at epoch 1, step 4 of 4." in capsys.readouterr().out
    assert_equal(undisturbed, resumed, difference)


def test_the_same_command_with_another_value_is_another_run(undisturbed, change):
    with pytest.raises(ValueError, match=r"not empty.*--resume"):
        train(change(undisturbed.config, learning_rate=0.5))
