"""Runs that are killed or preempted, and resume exactly."""

import csv
import itertools
import os
import random
import signal

import pytest

from training.config.train import TrainConfig
from training.fit.folds import cross_validate
from training.fit.preemption import EXIT_CODE
from training.fit.resume import reopen
from training.fit.step import Step
from training.fit.train import train
from training.run_folder import Run

pytestmark = pytest.mark.usefixtures("one_block")
EVERYTHING = {"accumulate": 2, "clip_norm": 1.0, "ema": 0.9, "warmup_epochs": 0.5, "dropout": 0.3}
EVERYTHING |= {"optimizer": "adamw", "backbone_rate": 0.5, "patience": 2, "precise_bn": 3}
OF_SGD = {"momentum": 0.8}


@pytest.fixture(scope="module")
def undisturbed(directions, small, change, shallow, tmp_path_factory) -> Run:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    own = {"data": directions, "out": out, "model": "tsn", "epochs": 2, "save_every": 2}
    with shallow():
        return train(change(small, **own, **EVERYTHING))


def log_of(run: Run) -> list[dict[str, str]]:
    rows = list(csv.DictReader(run.log.read_text(encoding="utf-8").splitlines()))
    return [{name: value for name, value in row.items() if name != "data_wait"} for row in rows]


def assert_equal(one: Run, other: Run, difference, about: str = "") -> None:
    for which in ("model", "best"):
        assert difference(one, other, which) == 0.0, about
    assert log_of(one) == log_of(other), about


@pytest.fixture
def preempted(monkeypatch):
    """Trains a config; the run receives SIGTERM after the given number of steps."""

    def preempted(config, after: int, train=train) -> None:
        steps = itertools.count(1)

        def train_and_signal(*args, **kwargs):
            sums = train_a_step(*args, **kwargs)
            if next(steps) == after:
                os.kill(os.getpid(), signal.SIGTERM)
            return sums

        train_a_step = Step.train
        with monkeypatch.context() as patch:
            patch.setattr(Step, "train", train_and_signal)
            with pytest.raises(SystemExit) as stopped:
                train(config)
        assert stopped.value.code == EXIT_CODE == 143

    return preempted


@pytest.mark.long
def test_a_preempted_and_killed_run_resumes_exactly(
    undisturbed, change, start, preempted, difference, tmp_path, capsys
):
    """Preempted before the validation of its first epoch, killed in its second."""
    config = change(undisturbed.config, out=tmp_path / "stopped")
    preempted(config, 4)
    assert f"ctm train --resume {config.out}" in capsys.readouterr().out
    after = random.randint(1, 4)
    process = start(config, after)
    output, _ = process.communicate()
    assert process.returncode == -9, output
    assert "Resuming at epoch 1, step 4 of 4." in output
    resumed = train(config)
    saved = (after - 1) // 2 * 2  # it is killed before the step is saved
    assert f"Resuming at epoch 2, step {saved} of 4." in capsys.readouterr().out
    assert_equal(undisturbed, resumed, difference, f"killed after {after} steps")


@pytest.mark.long
def test_a_run_killed_at_random_steps_resumes_exactly(
    undisturbed, change, start, difference, tmp_path
):
    config = change(undisturbed.config, out=tmp_path / "killed")
    steps = [random.randint(1, 5) for _ in range(12)]
    for after in steps:
        process = start(config, after)
        assert process.wait() in (-9, 0), process.stdout.read()
    assert_equal(undisturbed, train(config), difference, f"killed after steps {steps}")


def test_a_preempted_run_saves_at_once(
    undisturbed, change, preempted, difference, tmp_path, capsys
):
    config = change(undisturbed.config, out=tmp_path / "sent-away", save_every=1000)
    preempted(config, 5)
    resumed = train(config)
    assert "Resuming at epoch 2, step 2 of 4." in capsys.readouterr().out  # one step later
    assert_equal(undisturbed, resumed, difference)


def test_a_preempted_run_with_sgd_resumes_exactly(
    directions, small, change, preempted, difference, tmp_path
):
    own = {"data": directions, "model": "tsn", "epochs": 1, "optimizer": "sgd", **OF_SGD}
    one, other = (change(small, out=tmp_path / name, **own) for name in ("one", "other"))
    preempted(other, 2)
    assert_equal(train(one), train(other), difference)


@pytest.mark.long
def test_a_cross_validation_goes_on_where_it_stopped(
    directions, small, change, preempted, difference, tmp_path, capsys
):
    """Preempted in its second fold; the result is that of an undisturbed one."""
    own = {"data": directions, "model": "tsn", "epochs": 1, "batch_size": 24, "folds": 2}
    one, other = (change(small, out=tmp_path / name, **own) for name in ("one", "other"))
    list(cross_validate(one))
    preempted(other, 2, lambda config: list(cross_validate(config)))
    finished = [(other.out / f"fold-{fold}" / "model.keras").is_file() for fold in range(2)]
    assert finished == [True, False]
    capsys.readouterr()
    list(cross_validate(other))
    assert capsys.readouterr().out.count("Resuming at epoch 1, step 1 of 1.") == 1
    for fold in ("fold-0", "fold-1"):
        assert difference(Run(one.out / fold), Run(other.out / fold)) == 0.0
    reports = [(config.out / "report.json").read_bytes() for config in (one, other)]
    assert reports[0] == reports[1]


def test_the_same_command_with_another_value_does_not_resume(undisturbed, change):
    with pytest.raises(ValueError, match=r"not empty.*--resume"):
        train(change(undisturbed.config, learning_rate=0.5))


def test_a_run_of_several_machines_is_not_resumed_by_each_alone(undisturbed, change, tmp_path):
    several = change(undisturbed.config, workers="a:2222,b:2222", out=tmp_path / "run")
    path = Run.create(several, undisturbed.facts).path
    with pytest.raises(ValueError, match="Give --workers a:2222,b:2222 and --index on each"):
        train(TrainConfig(resume=path))
    assert reopen(TrainConfig(workers="b:2222"), path)[0].workers == "b:2222"
