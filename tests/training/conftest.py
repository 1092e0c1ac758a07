"""Small data sets that the training tests share."""

import dataclasses
from pathlib import Path

import pytest

import tfrecords
from training.config import TrainConfig
from training.synthetic import write_direction_videos


@pytest.fixture(scope="session")
def directions(tmp_path_factory) -> Path:
    """A built set of 12 videos of each direction, 36 to train and 12 to validate."""
    folder = tmp_path_factory.mktemp("directions")
    write_direction_videos(folder / "videos", 12)
    tfrecords.build(folder / "videos", folder / "data", short_side=32, val_fraction=0.25)
    return folder / "data"


SMALL = TrainConfig(backbone="tiny", num_frames=4, interval=2, image_size=32, batch_size=8)


@pytest.fixture(scope="session")
def small() -> TrainConfig:
    """A run without data and folder yet."""
    return SMALL


@pytest.fixture
def config(directions, tmp_path) -> TrainConfig:
    """A run of seconds: two epochs of the tiny backbone."""
    own = {"data": directions, "out": tmp_path / "run", "epochs": 2, "save_every": 2}
    return dataclasses.replace(SMALL, dropout=0.3, **own)


@pytest.fixture(scope="session")
def trained(directions, tmp_path_factory):
    """A finished run that tests read but do not change."""
    from training.train import train

    out = tmp_path_factory.mktemp("trained") / "run"
    return train(dataclasses.replace(SMALL, data=directions, out=out, epochs=1))


@pytest.fixture
def change():
    """`dataclasses.replace`."""
    return dataclasses.replace
