"""The options of a training run: one frozen dataclass, also the options of `ctm train`."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from tyro.conf import Positional, arg

from tfrecords.storage import AnyPath, as_path
from training.config.clips import AugmentationConfig, ClipConfig
from training.config.options import Options, check_counts, flag, parse_option

PATHS = ("data", "out", "resume", "cache")
DEFAULTS: dict[str, dict[str, float]] = {  # of the optimizers; SGD's learning rate is `rate_at`
    "sgd": {"momentum": 0.9, "weight_decay": 1e-4},
    "adamw": {"learning_rate": 1e-3, "weight_decay": 0.01},
}


@dataclass(frozen=True)
class DataAndRunConfig(Options):
    """The data set, and the folder of the run."""

    videos: Positional[Annotated[str | None, arg(metavar="VIDEOS")]] = None
    """Folder of class folders or CSV file, as for `ctm build`, which builds the data set OUT-data
    first; or a folder that `ctm build` wrote."""
    data: Annotated[str | Path | None, arg(metavar="DIR")] = None
    """Folder that `ctm build` wrote; also s3://, gs://, https://."""
    out: Path | None = None
    """Folder of the run: new, or a run with the same options, which is resumed (default:
    runs/DATA-METHOD)."""
    dry_run: bool = False
    """Print the plan, plot the learning rate, run two steps, and stop."""
    resume: Path | None = None
    """Run to resume from its last saved step; only --data, --devices, --workers and --index may
    change."""
    folds: int | None = None
    """Cross-validation for few videos: divide train and val together into this many folds, and
    train and score a run RUN/fold-K for each on the other folds."""

    def check(self) -> None:
        """Raises ValueError for values that cannot be combined with folds."""
        super().check()
        if self.folds is None:
            return
        if self.folds < 2:
            raise ValueError(f"--folds must be 2 or more, received {self.folds}.")
        if self.resume:
            raise ValueError(
                "--folds cannot be combined with --resume. Run the command that started the folds "
                "again; it goes on where it stopped."
            )
        if self.dry_run:
            raise ValueError(
                "--folds cannot be combined with --dry-run. Remove --folds: the steps of a fold "
                "are those of any run."
            )


@dataclass(frozen=True)
class ModelConfig(Options):
    """The network and its initial weights."""

    recipe: str | None = None
    """A paper's recipe; its values replace the defaults. `--recipe help` lists the recipes."""
    model: str = "ctm"
    """Method; `ctm models` lists them."""
    backbone: str = "resnet50"
    """Image model that reads the frames: resnet50, resnet101, tiny, mobilenetv2 ..."""
    options: tuple[str, ...] = ()
    """Options of the method, each as name=value: paths=tccm, stages=4, blocks=1, reduction=8."""
    weights: str = "auto"
    """imagenet, none, a .keras file of this project, or a name that `ctm weights` lists (auto:
    imagenet, but none for tiny and slowfast). If a file or a name has the same method, its frames
    and options are the defaults. `ctm train` without a named recipe takes method, backbone and
    clips from there, too, unless it is a TSN."""
    interpolate_tcc: bool = False
    """Resize the kernel grid of TCC if --weights were trained at another image size."""

    @property
    def method_options(self) -> dict[str, Any]:
        """`options` as keyword arguments of the method."""
        return dict(parse_option(option) for option in self.options)

    def check(self) -> None:
        """Raises ValueError for a malformed option, or if the recipe requires weights."""
        super().check()
        self.method_options  # noqa: B018  (it raises)
        if not self.weights:
            raise ValueError(
                f"The recipe {self.recipe} fine-tunes a trained model. Give it as --weights "
                "RUN/model.keras."
            )


@dataclass(frozen=True)
class OptimizationConfig(Options):
    """How the network learns."""

    train_split: str = "train"
    """Split to train on; train+val means both."""
    val_split: str = "val"
    """Split to validate on after each epoch, if the data set has it; none switches it off."""

    epochs: int = 60
    """Passes over the data."""
    patience: int | None = None
    """Epochs without a better validation top-1 after which the run stops; model.keras is then the
    best model instead of the last (default: train all epochs)."""
    batch_size: int = 32
    """Clips per step, over all devices and machines."""
    accumulate: int = 1
    """Micro-batches per step, to save memory; batch norm sees one micro-batch at a time."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """sgd: with momentum, as in the papers; adamw: Adam with decoupled weight decay."""
    learning_rate: float | None = None
    """Learning rate after the warm-up (default: sgd: that of --rate-at, scaled to the batch size;
    adamw: 0.001 at any batch size)."""
    rate_at: tuple[float, int] = (0.02, 96)
    """A learning rate of sgd and the batch size that it was tuned for; adamw ignores it."""
    backbone_rate: float = 1.0
    """Learning rate of the layers of the image model, as a fraction of the learning rate; its
    trained weights may need smaller steps than the new layers."""
    schedule: Literal["step", "cosine"] = "step"
    """step: the learning rate drops at the milestones; cosine: it follows half a cosine to 0."""
    milestones: tuple[float, ...] = (30 / 60, 50 / 60)
    """When the learning rate drops, as fractions of the training."""
    decay: float = 0.1
    """Factor applied to the learning rate at each milestone."""
    warmup_epochs: float = 0.0
    """Epochs of linear warm-up."""
    warmup_start: float = 0.0
    """Fraction of the learning rate at which the warm-up starts."""
    momentum: float | None = None
    """Momentum of sgd (default: 0.9)."""
    weight_decay: float | None = None
    """Weight decay of kernels, not of biases and batch norm. sgd: an L2 penalty, added to the
    gradient (default: 0.0001); adamw: decoupled, each step shrinks kernels by this times the
    learning rate (default: 0.01)."""
    clip_norm: float | None = None
    """Maximum global norm of a step's gradient (default: no limit)."""
    ema: float = 0.0
    """Decay of a moving average of the weights, e.g. 0.9999; the average is what is validated and
    saved. 0 switches it off."""
    dropout: float = 0.5
    """Fraction of the features dropped before the classifier."""
    label_smoothing: float = 0.0
    """Fraction of the target spread over all classes."""
    freeze_bn: bool = False
    """Freeze all batch norms except the first, for fine-tuning a trained video model."""
    precise_bn: int = 0
    """Batches of training data over which batch norm's statistics are recomputed after each epoch,
    at most an epoch; PySlowFast takes 200. 0 keeps the moving averages of the training."""

    @property
    def rate_by_default(self) -> float:
        """The optimizer's own learning rate; that of SGD is `rate_at`, scaled to the batch size."""
        rate, batch_size = self.rate_at
        return DEFAULTS[self.optimizer].get("learning_rate", rate * self.batch_size / batch_size)

    @property
    def of_optimizer(self) -> dict[str, float]:
        """Learning rate, weight decay and, for SGD, momentum, with all defaults filled in."""
        defaults = {**DEFAULTS[self.optimizer], "learning_rate": self.rate_by_default}
        given = {name: getattr(self, name) for name in defaults}
        return {name: defaults[name] if v is None else v for name, v in given.items()}

    @property
    def rate(self) -> float:
        """The learning rate, given or by default."""
        return self.of_optimizer["learning_rate"]

    def for_optimizer(self, name: Literal["sgd", "adamw"]) -> Self:
        """The same options with another optimizer, whose rate and decays are its own defaults."""
        return dataclasses.replace(
            self, optimizer=name, learning_rate=None, momentum=None, weight_decay=None
        )

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        check_counts(self, "epochs", "batch_size", "accumulate", "patience")
        for name in ("dropout", "label_smoothing", "ema", "warmup_start"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{flag(name)} must be in [0, 1), received {getattr(self, name)}.")
        self._check_optimizer()
        if min(self.rate_at) <= 0:
            raise ValueError(
                "--rate-at must be a learning rate and a batch size, both above 0, "
                f"received {self.rate_at}."
            )
        if self.rate <= 0:
            raise ValueError(f"--learning-rate must be above 0, received {self.rate}.")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise ValueError(f"--clip-norm must be above 0, received {self.clip_norm}.")
        if self.precise_bn < 0:
            raise ValueError(f"--precise-bn must be at least 0, received {self.precise_bn}.")
        if any(not 0 < part < 1 for part in self.milestones):
            raise ValueError(
                "--milestones must be fractions of the training between 0 and 1 (0.5 is half way), "
                f"received {self.milestones}."
            )

    def _check_optimizer(self) -> None:
        """Raises ValueError for an unknown optimizer, or values that it cannot have."""
        if self.optimizer not in DEFAULTS:
            raise ValueError(f"--optimizer must be sgd or adamw, received {self.optimizer!r}.")
        if not 0 < self.backbone_rate <= 1:
            raise ValueError(f"--backbone-rate must be in (0, 1], received {self.backbone_rate}.")
        if self.momentum is not None and self.optimizer != "sgd":
            raise ValueError(
                f"--momentum requires --optimizer sgd, received --optimizer {self.optimizer}. "
                "Remove --momentum."
            )
        if self.momentum is not None and not 0 <= self.momentum <= 1:
            raise ValueError(f"--momentum must be in [0, 1], received {self.momentum}.")
        if self.weight_decay is not None and self.weight_decay < 0:
            raise ValueError(f"--weight-decay must be at least 0, received {self.weight_decay}.")


@dataclass(frozen=True)
class FreezingConfig(Options):
    """Which layers keep their weights, so that what they compute can be kept, too."""

    freeze: str | None = None
    """Layers of the image model to freeze: backbone (all) or the stages up to one, e.g. stage3. New
    layers, the temporal ones and the head, always learn."""
    cached_clips: int = 0
    """With --freeze: random clips per video for which the frozen layers are computed once; epoch e
    uses clip e modulo this number. 0 computes them in each step."""
    cache: Path | None = None
    """Folder that keeps what the frozen layers computed, for later runs with the same data,
    weights and clips (default: RUN/cache, removed after the training)."""

    def check(self) -> None:
        """Raises ValueError for values that are invalid or cannot be combined."""
        super().check()
        if self.cached_clips < 0:
            raise ValueError(f"--cached-clips must be 0 or more, received {self.cached_clips}.")
        for name in ("cached_clips", "cache"):
            if getattr(self, name) and not self.freeze:
                raise ValueError(
                    f"{flag(name)} requires --freeze: layers that learn must be computed in each "
                    "step. Give --freeze backbone."
                )
        if self.cache and not self.cached_clips:
            raise ValueError("--cache requires --cached-clips. Give their number, e.g. 8.")


@dataclass(frozen=True)
class MachineConfig(Options):
    """Where the training runs, and what makes it reproducible."""

    devices: str = "auto"
    """auto (all GPUs, or the CPU without GPUs), gpu:0,2 (these two), cpu, or cpu:2 (two logical
    CPUs)."""
    workers: str | None = None
    """All machines as host1:port,host2:port, the same list on each (default: TF_CONFIG, or this
    machine alone)."""
    index: int = 0
    """Position of this machine in --workers, from 0."""
    deterministic: bool = False
    """Use deterministic operations only; GPU results otherwise vary from run to run."""
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Keras' dtype policy."""
    seed: int = 0
    """Seed of initial weights, clip order, augmentation and dropout."""
    save_every: int = 500
    """Steps between saved states; ends of epochs are saved too, at most one in ten seconds."""

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        check_counts(self, "save_every")
        if self.index and not self.workers:
            raise ValueError("--index requires --workers. Give the list of all machines.")


@dataclass(frozen=True)
class RecipeConfig(
    ModelConfig,
    ClipConfig,
    AugmentationConfig,
    OptimizationConfig,
    FreezingConfig,
    MachineConfig,
):
    """What `ctm train` and `ctm ablate` take alike."""

    def check(self) -> None:
        """Raises ValueError for values that are invalid or cannot be combined."""
        super().check()
        if self.freeze and self.freeze_bn:
            raise ValueError(
                "--freeze and --freeze-bn cannot be combined: frozen layers have frozen batch "
                "norms. Give only one of them."
            )
        if self.cached_clips and (self.augmentation.mixes or self.augmentation.repeats > 1):
            raise ValueError(
                "--cached-clips cannot be combined with MixUp, CutMix or --repeats, which need new "
                "clips in each step. Use --cached-clips 0 or another --augment."
            )


@dataclass(frozen=True)
class TrainConfig(DataAndRunConfig, RecipeConfig):
    """Train a classifier on labeled videos, or on a data set that `ctm build` wrote.

    With fewer than 2,000 training videos, the recipe is `small`: a frozen image model and a
    temporal block on its features. Otherwise it is the CTM paper's for Mini-Kinetics-200, whose
    values are the defaults below, with the learning rate scaled to the batch size. --recipe selects
    a recipe; given options win over it. The same command resumes a stopped run. On SIGTERM, the run
    saves its state and exits with code 143. For example:
      ctm train videos --out runs/mine
      ctm train videos --out runs/mine --weights tsm-r50-kinetics400 --recipe small
      ctm train --data data/mine --out runs/mine
      ctm train --data data/mine --out runs/tccm --options paths=tccm stages=4 blocks=1
      ctm train --recipe stm_jester --data data/jester --batch-size 16
      ctm train --data data/mine --out runs/mine --folds 5
      ctm train --data data/mine --dry-run
      ctm train --data data/mine --out runs/mine --workers a:2222,b:2222 --index 0
      ctm train --resume runs/mine
    """

    def check(self) -> None:
        """Raises ValueError for values that are invalid or cannot be combined."""
        super().check()
        if self.folds and self.patience:
            raise ValueError(
                "--folds cannot be combined with --patience, which would choose each model on the "
                "videos that it is scored on. Remove --patience."
            )

    @property
    def dataset(self) -> AnyPath:
        """The folder of the data set.

        Raises:
            ValueError: If none was given.
        """
        if self.data is None:
            raise ValueError("ctm train requires VIDEOS, --data DIR or --resume RUN.")
        return as_path(self.data)

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.out or Path("runs") / f"{self.dataset.name}-{self.model}"

    @property
    def cache_folder(self) -> Path:
        """The folder of what the frozen layers computed."""
        return self.cache or self.folder / "cache"

    def to_dict(self) -> dict[str, Any]:
        """The configuration as values that JSON supports."""
        values = dataclasses.asdict(self)
        return {name: str(v) if v and name in PATHS else v for name, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The configuration that `to_dict` wrote; unknown names are errors."""
        fields = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - fields):
            raise ValueError(
                f"config.json has options that this version does not know: {', '.join(unknown)}. "
                "Use the version of ctm-keras that wrote it."
            )
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        for name in PATHS:
            values[name] = as_path(values[name]) if values.get(name) else None
        return cls(**values)
