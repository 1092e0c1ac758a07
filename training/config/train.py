"""What a training run is asked for: one frozen dataclass, which is the command line as well."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg

from tfrecords.storage import AnyPath, as_path
from training.config.clips import AugmentationConfig, ClipConfig
from training.config.options import Options, check_counts, flag, parse_option

PATHS = ("data", "out", "resume")


@dataclass(frozen=True)
class DataAndRunConfig(Options):
    """The data set, and the folder of the run."""

    data: Annotated[str | Path | None, arg(metavar="DIR")] = None
    """Folder that `ctm build` wrote; also s3://, gs://, https://."""
    out: Path | None = None
    """Folder of the run, new or of a run of these options, which goes on (default:
    runs/DATA-METHOD)."""
    dry_run: bool = False
    """Print the plan, draw the learning rate, run two steps, and stop."""
    resume: Path | None = None
    """Run to continue from its last saved step; only --data, --devices, --workers, --index may
    change."""


@dataclass(frozen=True)
class ModelConfig(Options):
    """The network, and the weights that it starts from."""

    recipe: str | None = None
    """A paper's protocol, whose values are the defaults then; `--recipe help` lists them."""
    model: str = "ctm"
    """Method, one of `ctm models`."""
    backbone: str = "resnet50"
    """Image model that reads the frames: resnet50, resnet101, tiny, mobilenetv2 ..."""
    options: tuple[str, ...] = ()
    """Options of the method, each as name=value: paths=tccm, stages=4, blocks=1, reduction=8."""
    weights: str = "auto"
    """imagenet, none, or a .keras file of this project (auto: none for tiny and slowfast). Of the
    same method, the file's frames and options are taken where none are given."""
    interpolate_tcc: bool = False
    """Resize the kernel grid of TCC when --weights were trained at another image size."""

    @property
    def method_options(self) -> dict[str, Any]:
        """`options` as keyword arguments of the method."""
        return dict(parse_option(option) for option in self.options)

    def check(self) -> None:
        """Raises ValueError for an option that is not name=value, or weights that must be named."""
        super().check()
        self.method_options  # noqa: B018  (it raises)
        if not self.weights:
            raise ValueError(
                f"The recipe {self.recipe} goes on from a trained model: name it with --weights "
                "RUN/model.keras."
            )


@dataclass(frozen=True)
class OptimizationConfig(Options):
    """How the network learns."""

    train_split: str = "train"
    """Split to learn from."""
    val_split: str = "val"
    """Split to validate on after each epoch, where the data set has it."""

    epochs: int = 60
    """Passes over the data."""
    batch_size: int = 32
    """Clips of a step, over all devices and machines."""
    accumulate: int = 1
    """Parts of a step that are computed one after the other, for less memory; batch norm sees
    a part."""
    learning_rate: float | None = None
    """Rate after the warm-up (default: that of --rate-at, in proportion to the batch)."""
    rate_at: tuple[float, int] = (0.02, 96)
    """A learning rate and the batch that it is meant for."""
    schedule: Literal["step", "cosine"] = "step"
    """step: the rate falls at the milestones; cosine: by half a cosine to 0."""
    milestones: tuple[float, ...] = (30 / 60, 50 / 60)
    """Parts of the training after which the rate falls."""
    decay: float = 0.1
    """Factor by which it falls."""
    warmup_epochs: float = 0.0
    """Epochs over which the rate rises linearly at the start."""
    warmup_start: float = 0.0
    """Part of the rate with which the warm-up starts."""
    momentum: float = 0.9
    """Momentum of SGD."""
    weight_decay: float = 1e-4
    """L2 in the gradient of all kernels, not of biases and batch norm."""
    clip_norm: float | None = None
    """Greatest norm of a step's whole gradient (default: any)."""
    ema: float = 0.0
    """Decay of a moving average of the weights, as 0.9999; it is what is validated and saved."""
    dropout: float = 0.5
    """Share of the features dropped before the classifier."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes."""
    freeze_bn: bool = False
    """Fix every batch norm but the first; for fine-tuning a trained video model."""

    @property
    def rate(self) -> float:
        """The learning rate, scaled to the batch where none was given."""
        if self.learning_rate is not None:
            return self.learning_rate
        rate, batch_size = self.rate_at
        return rate * self.batch_size / batch_size

    def check(self) -> None:
        """Raises ValueError for a value that no optimization can have."""
        super().check()
        check_counts(self, "epochs", "batch_size", "accumulate")
        for name in ("dropout", "label_smoothing", "ema", "warmup_start"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{flag(name)} must be in [0, 1), received {getattr(self, name)}.")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"--momentum must be in [0, 1], received {self.momentum}.")
        if min(self.rate_at) <= 0:
            raise ValueError(f"--rate-at must be a rate and a batch, received {self.rate_at}.")
        if self.rate <= 0:
            raise ValueError(f"--learning-rate must be above 0, received {self.rate}.")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise ValueError(f"--clip-norm must be above 0, received {self.clip_norm}.")
        if any(not 0 < part < 1 for part in self.milestones):
            raise ValueError(
                "--milestones are parts of the training between 0 and 1 (0.5 is half way), "
                f"received {self.milestones}."
            )


@dataclass(frozen=True)
class MachineConfig(Options):
    """Where the training runs, and how it can be repeated."""

    devices: str = "auto"
    """auto (all GPUs, else the CPU), gpu:0,2 (these), cpu, or cpu:2 (two logical CPUs)."""
    workers: str | None = None
    """All machines as host1:port,host2:port, the same on each (default: by TF_CONFIG, or one)."""
    index: int = 0
    """Which of --workers this machine is, from 0."""
    deterministic: bool = False
    """Use only operations that give the same bits each time, which a GPU else does not."""
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Keras' dtype policy."""
    seed: int = 0
    """Seed of the new weights, the order, the crops and dropout."""
    save_every: int = 500
    """Steps from one saved state to the next; each epoch's end is saved too."""

    def check(self) -> None:
        """Raises ValueError for a value that no machine can have."""
        super().check()
        check_counts(self, "save_every")
        if self.index and not self.workers:
            raise ValueError("--index requires --workers, the list of all machines.")


@dataclass(frozen=True)
class TrainConfig(
    DataAndRunConfig, ModelConfig, ClipConfig, AugmentationConfig, OptimizationConfig, MachineConfig
):
    """Train a classifier on a data set that `ctm build` wrote.

    The defaults are the CTM paper's recipe for Mini-Kinetics-200, its learning rate scaled
    to the batch; --recipe takes those of another protocol. A run that was stopped goes on by
    the same command; at SIGTERM it saves its state and exits with 143. For example:
      ctm train --data data/mine --out runs/mine
      ctm train --data data/mine --out runs/small --backbone tiny --image-size 112 --epochs 30
      ctm train --data data/mine --out runs/tccm --options paths=tccm stages=4 blocks=1
      ctm train --recipe stm_jester --data data/jester --batch-size 16
      ctm train --data data/mine --dry-run
      ctm train --data data/mine --out runs/mine --workers a:2222,b:2222 --index 0
      ctm train --resume runs/mine
    """

    @property
    def dataset(self) -> AnyPath:
        """The folder of the data set.

        Raises:
            ValueError: If none was given.
        """
        if self.data is None:
            raise ValueError("ctm train needs --data DIR, or --resume RUN.")
        return as_path(self.data)

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.out or Path("runs") / f"{self.dataset.name}-{self.model}"

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON can hold it."""
        values = dataclasses.asdict(self)
        return {name: str(v) if v and name in PATHS else v for name, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The configuration that `to_dict` wrote; unknown names are errors."""
        fields = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - fields):
            raise ValueError(f"The run's config has values this version does not know: {unknown}.")
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        for name in PATHS:
            values[name] = as_path(values[name]) if values.get(name) else None
        return cls(**values)
