"""Small data sets that the training tests share."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
import tfrecords
from ctm_keras.backbones import tiny
from tfrecords.foreign.protobuf import fields
from training.config.train import TrainConfig
from training.machines.devices import logical_cpus
from training.quickstart.videos import write_direction_videos
from training.run_folder import Run, save_model

logical_cpus(4)  # before TensorFlow's first operation


@pytest.fixture(scope="session")
def directions(once) -> Path:
    """A built set of 12 videos of each direction, 36 to train and 12 to validate."""

    def make(folder: Path) -> None:
        options = {"short_side": 32, "val_fraction": 0.25, "workers": 1}
        write_direction_videos(folder / "videos", 12)
        tfrecords.build(folder / "videos", folder / "data", **options)

    return once("directions", make) / "data"


SMALL = TrainConfig(backbone="tiny", num_frames=4, interval=2, image_size=32, batch_size=8)


@pytest.fixture(scope="session")
def small() -> TrainConfig:
    """A config without data and folder."""
    return SMALL


@pytest.fixture
def config(directions, tmp_path) -> TrainConfig:
    """A run that takes seconds: two epochs of the tiny backbone."""
    own = {"data": directions, "out": tmp_path / "run", "epochs": 2, "save_every": 2}
    return dataclasses.replace(SMALL, dropout=0.3, **own)


@pytest.fixture(scope="session")
def trained(directions, once, tmp_path_factory) -> Run:
    """A finished run that tests must not change, except for its evaluation."""
    from training.fit.train import train

    def make(out: Path) -> None:
        train(dataclasses.replace(SMALL, data=directions, out=out, epochs=1))

    return Run(shutil.copytree(once("trained", make), tmp_path_factory.mktemp("trained") / "run"))


@contextmanager
def with_one_block() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny, "BLOCKS", (1, 0, 0))
        yield


@pytest.fixture(scope="session")
def shallow():
    """Inside `with shallow():`, the tiny backbone has one block, so that TSN trains faster."""
    return with_one_block


@pytest.fixture
def one_block():
    """The tiny backbone has one block in the test and in the processes that it starts."""
    with with_one_block():
        yield


def without_training(config: TrainConfig) -> Run:
    """A run whose model has its initial weights: all that evaluation, export and reports need."""
    from training.fit.resolve import start
    from training.fit.train import build_model

    config, facts, _ = start(config)
    keras.utils.set_random_seed(config.seed)
    run, model = Run.create(config, facts), build_model(config, facts)
    for path in (run.model, run.best):
        save_model(model, path)
    return run


@pytest.fixture(scope="session")
def untrained():
    """`untrained(config)` replaces `train(config)` where the weights do not matter."""
    return without_training


@pytest.fixture(scope="session")
def served(trained, once) -> Path:
    """The exported model of the trained run's file, its first version."""
    from training.use.config import ExportConfig
    from training.use.export import export

    return once("served", lambda to: export(ExportConfig(model=trained.model, to=to))) / "1"


@pytest.fixture(scope="session")
def imported(tmp_path_factory) -> Path:
    """A file as `ctm import-weights` writes it: without class names and view."""
    model = ctm_keras.build_video_model("tsn", "tiny", 4, num_frames=4, image_size=32, weights=None)
    path = tmp_path_factory.mktemp("imported") / "tsn.keras"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def change():
    """`dataclasses.replace`."""
    return dataclasses.replace


def fields_of(data: bytes, *numbers: int) -> bytes:
    """The contents of a nested field of a protobuf message."""
    for number in numbers:
        (span,) = (span for tag, *span in fields(data, 0, len(data)) if tag >> 3 == number)
        data = data[slice(*span)]
    return data


@pytest.fixture(scope="session")
def warmup_requests():
    """The requests of a served model's warm-up file: their inputs by signature."""
    tensor_proto = type(tf.make_tensor_proto(0))

    def tensor(entry: bytes) -> tuple[str, np.ndarray]:
        value = tf.make_ndarray(tensor_proto.FromString(fields_of(entry, 2)))
        return fields_of(entry, 1).decode(), value

    def read(assets: Path) -> dict[str, dict[str, np.ndarray]]:
        path, found = assets / "tf_serving_warmup_requests", {}
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            request = fields_of(record, 6, 1)  # predict_log.request
            inputs = [span for tag, *span in fields(request, 0, len(request)) if tag >> 3 == 2]
            named = dict(tensor(request[slice(*span)]) for span in inputs)
            found[fields_of(request, 1, 3).decode()] = named
        return found

    return read


@pytest.fixture
def start():
    """Trains a config in a new process, which can send itself a signal after some steps.

    As one of several workers, it has the given number of logical CPUs.
    """
    processes = []

    def start(
        config: TrainConfig, after: int = 0, by: str = "SIGKILL", cpus: int = 2
    ) -> subprocess.Popen:
        script = Path(__file__).with_name("one_run.py")
        arguments = [json.dumps(config.to_dict()), str(after), by, str(cpus)]
        arguments.append(json.dumps(tiny.BLOCKS))
        command = [sys.executable, str(script), *arguments]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
        processes.append(subprocess.Popen(command, env=environment, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def difference():
    """The norm of the difference of two runs' weights, relative to the norm of the weights.

    Single weights can differ more, since rounding can flip a ReLU.
    """

    def difference(one: Run, other: Run, which: str = "model") -> float:
        first, second = (
            np.concatenate([np.ravel(w) for w in run.load_model(which).get_weights()])
            for run in (one, other)
        )
        return float(np.linalg.norm(first - second) / np.linalg.norm(first))

    return difference
