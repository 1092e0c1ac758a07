"""Training and evaluating on a data set in an S3 bucket."""

import csv
import dataclasses
import json
from pathlib import Path

import pytest

from training.config.train import TrainConfig


@pytest.fixture
def remote(s3, directions, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return s3.put(directions, "directions")


def learned(run):
    """A run's log.csv without the waiting time."""
    with open(run.log, encoding="utf-8", newline="") as file:
        return [{**row, "data_wait": None} for row in csv.DictReader(file)]


@pytest.mark.long
def test_a_run_on_a_bucket_equals_a_run_on_disk(remote, config, trained, tmp_path):
    from training.evaluate.evaluate import evaluate
    from training.fit.train import train

    run = train(dataclasses.replace(trained.config, data=remote, out=tmp_path / "run"))
    assert (
        json.loads((run.path / "config.json").read_text(encoding="utf-8"))["config"]["data"]
        == remote
    )
    assert str(run.config.data) == remote
    assert learned(run) == learned(trained)
    report = evaluate(run.path, num_clips=1, num_crops=1)
    assert report.videos == 12
    train(TrainConfig(resume=run.path))


def test_a_missing_bucket_is_an_error(remote, s3, config):
    from training.fit.resolve import resolve

    s3.fs.rm_file(f"{remote}/dataset.json")
    with pytest.raises(ValueError, match=r"s3://bucket/directions has no dataset\.json"):
        resolve(dataclasses.replace(config, data=remote))


def test_a_run_is_not_written_to_a_bucket(config):
    from training.fit.resolve import start

    with pytest.raises(ValueError, match=r"must be local, received s3:/\S+run\. Give a local"):
        start(dataclasses.replace(config, out=Path("s3://bucket/run")))
