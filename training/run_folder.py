"""A run on disk: its config, its log, its models and its saved states."""

import json
import os
import platform
import zipfile
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from itertools import compress
from pathlib import Path
from typing import Any

import keras

from tfrecords.format import FrameOptions, checksum, write_json
from tfrecords.storage import as_path, is_remote
from training.config.train import TrainConfig

PACKAGES = ("ctm-keras", "keras", "tensorflow", "numpy")


def versions() -> dict[str, str]:
    """The versions that a run depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


@dataclass(frozen=True)
class RunFacts:
    """What a run notes of its data set and of itself when it begins.

    Args:
        class_names: The classes, in order.
        data_hash: The hash of the data set.
        frame: How the data set's frames were made.
        steps_per_epoch: Batches of an epoch.
        preprocessing: Scaling, channel order and mean, where the weights of a file fix them.
        versions: The versions of Python and of the packages.
    """

    class_names: tuple[str, ...]
    data_hash: str
    frame: FrameOptions
    steps_per_epoch: int
    preprocessing: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=versions)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunFacts":
        """The facts in the contents of a config.json."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        frame = FrameOptions.from_dict(values["frame"])
        return cls(**{**known, "class_names": tuple(values["class_names"]), "frame": frame})


@dataclass(frozen=True)
class Run:
    """The folder of a training run.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        return self.checkpoints / "best.keras"

    @property
    def last(self) -> Path:
        return self.checkpoints / "last.keras"

    @property
    def states(self) -> Path:
        return self.checkpoints / "states"

    @property
    def model(self) -> Path:
        return self.path / "model.keras"

    @property
    def log(self) -> Path:
        return self.path / "log.csv"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @staticmethod
    def free_folder(path: Path) -> Path:
        """The path itself, if it is new or an empty folder.

        Raises:
            ValueError: If the folder holds anything, or is a remote one.
        """
        if is_remote(as_path(path)):
            raise ValueError(f"{path} is on a server: name a folder of this machine for the run.")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ValueError(
                f"{path} is not empty: name a new folder with --out, or continue that run with "
                f"`ctm train --resume {path}`."
            )
        return path

    @classmethod
    def create(cls, config: TrainConfig, facts: RunFacts) -> "Run":
        """Makes the folder `config.out` and writes config.json.

        Args:
            config: The options of the run, all resolved.
            facts: What it notes of its data set.
        """
        run = cls(cls.free_folder(config.folder))
        run.checkpoints.mkdir(parents=True)
        run.write({"config": config.to_dict(), **asdict(facts)})
        return run

    def write(self, values: dict[str, Any]) -> None:
        """Writes config.json with its checksum."""
        write_json(self.path / "config.json", {**values, "checksum": checksum(values)})

    @classmethod
    def open(cls, path: Path) -> "Run":
        """The run that lies in a folder.

        Raises:
            ValueError: If there is none.
        """
        if not (path / "config.json").is_file():
            raise ValueError(f"{path} is no run: it has no config.json, which `ctm train` writes.")
        return cls(path)

    def read(self) -> dict[str, Any]:
        """The contents of config.json.

        Raises:
            ValueError: If the file is not what `create` wrote.
        """
        path = self.path / "config.json"
        try:
            values = json.loads(path.read_bytes())
            whole = values.pop("checksum") == checksum(values)
        except (ValueError, KeyError, AttributeError, TypeError):
            whole = False
        if not whole:
            raise ValueError(
                f"{path} is damaged or was edited: it is not what `ctm train` wrote. Bring the "
                "file back, or train anew; the run's .keras files can serve as --weights."
            )
        return values

    @property
    def facts(self) -> RunFacts:
        return RunFacts.from_dict(self.read())

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.from_dict(self.read()["config"])

    def start_weights(self) -> str:
        """What a resumed run's model is built with: nothing, where a saved state brings all."""
        return "none" if list(self.states.glob("*.index")) else self.config.weights

    def trim_log(self, epoch: int) -> None:
        """Drops the rows of log.csv from an epoch on, which a resumed run writes again."""
        if self.log.is_file():
            lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
            number = [line.partition(",")[0] for line in lines]
            kept = [n == "epoch" or (n.isdigit() and int(n) < epoch) for n in number]
            self.log.write_text("".join(compress(lines, kept)), encoding="utf-8")

    def load_model(self, which: str = "model") -> keras.Model:
        """The run's model: `"model"` (the last), or `"best"` (the best on the validation split)."""
        import ctm_keras  # noqa: F401  (its layers are in the file)

        paths = {"model": self.model, "best": self.best}
        if which not in paths:
            raise ValueError(f"which is one of {', '.join(paths)}, received {which!r}.")
        path = paths[which]
        if not path.is_file():
            remedy = (
                "it had no validation split"
                if which == "best"
                else f"its training has not ended: `ctm train --resume {self.path}`"
            )
            raise ValueError(f"{self.path} has no {path.relative_to(self.path)}: {remedy}.")
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:
            reason = str(error).splitlines()[0] if zipfile.is_zipfile(path) else "cut short"
            raise ValueError(
                f"{path} is damaged ({reason}): take another of the run's models (--which), or "
                f"remove the file and run `ctm train --resume {self.path}`, which writes it again."
            ) from error


def save_model(model: keras.Model, path: Path) -> None:
    """Saves a model without its optimizer and loss, whole or not at all.

    What is saved needs `ctm_keras` alone, on any backend.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part.keras")
    keras.Model(model.input, model.output, name=model.name).save(part)
    os.replace(part, path)
