"""A run on disk: config, log, models and saved states."""

import json
import os
import platform
import shutil
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
from training.view import View

CONFIG = "config.json"
PACKAGES = ("ctm-keras", "keras", "tensorflow", "numpy")


def versions() -> dict[str, str]:
    """The versions of Python and the packages that a run depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


@dataclass(frozen=True)
class RunFacts:
    """Facts about its data set and environment that a run records when it starts.

    Args:
        class_names: The classes, in order.
        data_hash: The hash of the data set.
        frame: How the data set's frames are stored.
        steps_per_epoch: Steps per epoch.
        preprocessing: Scaling, channel order and mean, if the initial weights come from a file.
        seconds: Time that a clip spans; with segments, the median duration of the training videos.
            Runs of older versions did not record it.
        fps: Frames per second of the data set, else the median of the training videos.
        protocol: The evaluation protocol by default.
        versions: The versions of Python and of the packages.
    """

    class_names: tuple[str, ...]
    data_hash: str
    frame: FrameOptions
    steps_per_epoch: int
    preprocessing: dict[str, Any] | None = None
    seconds: float | None = None
    fps: float | None = None
    protocol: str = View.protocol
    versions: dict[str, str] = field(default_factory=versions)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunFacts":
        """The facts in the values of a config.json."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        frame = FrameOptions.from_dict(values["frame"])
        return cls(**{**known, "class_names": tuple(values["class_names"]), "frame": frame})

    def view(self, config: TrainConfig) -> View:
        """How the clips of a run with this config are made from videos."""
        encoded = self.frame.store == "video"  # at its original size
        return View(
            config.clip_options(),
            self.protocol,
            self.seconds,
            self.fps or self.frame.fps,
            short_side=None if encoded else self.frame.short_side,
            resampled=self.frame.fps is not None,
        )


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
        """Returns the path if it does not exist or is an empty folder.

        Raises:
            ValueError: If the folder is not empty, or is remote.
        """
        if is_remote(as_path(path)):
            raise ValueError(
                f"The folder of a run must be local, received {path}. Give a local folder."
            )
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ValueError(
                f"{path} is not empty. Give a new folder as --out, or resume the run with "
                f"`ctm train --resume {path}`."
            )
        return path

    @classmethod
    def create(cls, config: TrainConfig, facts: RunFacts) -> "Run":
        """Creates the folder `config.out` and writes config.json.

        Args:
            config: The options of the run, all resolved.
            facts: The facts about its data set.
        """
        run = cls(cls.free_folder(config.folder))
        run.checkpoints.mkdir(parents=True)
        run.write({"config": config.to_dict(), **asdict(facts)})
        return run

    def write(self, values: dict[str, Any]) -> None:
        """Writes config.json with its checksum."""
        write_json(self.path / CONFIG, {**values, "checksum": checksum(values)})

    @classmethod
    def open(cls, path: Path) -> "Run":
        """The run in a folder.

        Raises:
            ValueError: If the folder is not a run.
        """
        if not (path / CONFIG).is_file():
            if folds := folds_of(path):
                raise ValueError(
                    f"{path} is not one run, but has those of a cross-validation. Give one of them,"
                    f" such as {folds[0]}."
                )
            raise ValueError(
                f"{path} is not a run: config.json is missing. Give a folder that `ctm train` "
                "wrote."
            )
        return cls(path)

    def read(self) -> dict[str, Any]:
        """The contents of config.json.

        Raises:
            ValueError: If the file was damaged or edited.
        """
        path = self.path / CONFIG
        try:
            values = json.loads(path.read_bytes())
            whole = values.pop("checksum") == checksum(values)
        except (ValueError, KeyError, AttributeError, TypeError):
            whole = False
        if not whole:
            raise ValueError(
                f"{path} is damaged or was edited: its checksum does not match. Restore the file, "
                "or start a new run; the run's .keras files can be used as --weights."
            )
        return values

    @property
    def facts(self) -> RunFacts:
        return RunFacts.from_dict(self.read())

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.from_dict(self.read()["config"])

    @property
    def view(self) -> View:
        """How its clips are made from videos."""
        return self.facts.view(self.config)

    def start_weights(self) -> str:
        """The initial weights of a resumed run: none if a saved state will replace them."""
        return "none" if list(self.states.glob("*.index")) else self.config.weights

    def trim_log(self, epoch: int) -> None:
        """Removes the rows of log.csv from an epoch on; a resumed run writes them again."""
        if self.log.is_file():
            lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
            number = [line.partition(",")[0] for line in lines]
            kept = [n == "epoch" or (n.isdigit() and int(n) < epoch) for n in number]
            self.log.write_text("".join(compress(lines, kept)), encoding="utf-8")

    def choose_best(self) -> None:
        """Makes the best model on the validation split the model of the run, atomically."""
        part = self.model.with_name("model.part.keras")
        shutil.copyfile(self.best, part)
        os.replace(part, self.model)

    def load_model(self, which: str = "model") -> keras.Model:
        """Loads the run's `"model"`, or its `"best"` on the validation split.

        Without `--patience`, the model is the last one.
        """
        import ctm_keras  # noqa: F401  (its layers are in the file)

        paths = {"model": self.model, "best": self.best}
        if which not in paths:
            raise ValueError(f"which must be one of {', '.join(paths)}, received {which!r}.")
        path = paths[which]
        if not path.is_file():
            remedy = (
                "its data set has no validation split"
                if which == "best"
                else f"its training is not finished. Run `ctm train --resume {self.path}`"
            )
            raise ValueError(f"{self.path} has no {path.relative_to(self.path)}: {remedy}.")
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:
            reason = str(error).splitlines()[0] if zipfile.is_zipfile(path) else "truncated"
            raise ValueError(
                f"{path} is damaged ({reason}). Use another of the run's models (--which), or "
                f"remove the file and run `ctm train --resume {self.path}`, which writes it again."
            ) from error


def folds_of(path: Path) -> list[Path]:
    """The runs of a cross-validation, in order; none if the path is anything else."""
    runs = [folder for folder in path.glob("fold-*") if (folder / CONFIG).is_file()]
    whole = not (path / CONFIG).is_file()
    return sorted(runs, key=lambda run: (len(run.name), run.name)) if whole else []


def a_run_of(path: Path) -> Run:
    """The run in a folder, or the first of a cross-validation, for what all its runs share."""
    return Run.open(next(iter(folds_of(path)), path))


def save_model(model: keras.Model, path: Path) -> None:
    """Saves a model without optimizer and loss, atomically.

    Loading it requires only `ctm_keras`, on any backend.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part.keras")
    keras.Model(model.input, model.output, name=model.name).save(part)
    os.replace(part, path)
