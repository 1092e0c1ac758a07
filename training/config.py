"""What a training run is asked for: one frozen dataclass, which is the command line as well."""

import ast
import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tfrecords.augment import MIRRORS, Augment
from tfrecords.weights import RULES

PAPER_BATCH_SIZE = 96
PAPER_LEARNING_RATE = 0.02
SPELT = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class TrainConfig:
    """Train a classifier on a data set that `ctm build` wrote.

    The defaults are the CTM paper's recipe for Mini-Kinetics-200, its learning rate scaled
    to the batch. For example:
      ctm train --data data/mine --out runs/mine
      ctm train --data data/mine --out runs/small --backbone tiny --image-size 112 --epochs 30
      ctm train --data data/mine --out runs/tccm --options paths=tccm stages=4 blocks=1
      ctm train --resume runs/mine
    """

    data: Path | None = None
    """Folder that `ctm build` wrote."""
    out: Path | None = None
    """Folder of the run, new or empty (default: runs/DATA-METHOD)."""
    resume: Path | None = None
    """Run to continue from its last saved step; only --data and --devices may change."""
    model: str = "ctm"
    """Method, one of `ctm models`."""
    backbone: str = "resnet50"
    """Image model that reads the frames: resnet50, resnet101, tiny, mobilenetv2 ..."""
    options: tuple[str, ...] = ()
    """Options of the method, each as name=value: paths=tccm, stages=4, blocks=1, reduction=8."""
    weights: str = "auto"
    """imagenet, none, or a .keras file of this project (auto: none for tiny and slowfast)."""
    interpolate_tcc: bool = False
    """Resize the kernel grid of TCC when --weights were trained at another image size."""

    num_frames: int | None = None
    """Frames of a clip (default: 8; for SlowFast 32, or 64 for 16x8)."""
    image_size: int = 224
    """Side of the square crop, in pixels."""
    sampling: Literal["dense", "segments"] = "dense"
    """dense: every INTERVAL-th of consecutive frames; segments: one of each equal part (TSN)."""
    interval: int = 8
    """Frames from one frame of a dense clip to the next."""
    scale: tuple[int, int] = (256, 320)
    """Range of the short side in pixels, for a 224 crop; other image sizes in proportion."""
    flip: bool = True
    """Mirror half of the clips; classes with left or right in their names are left alone."""
    flip_pairs: tuple[str, ...] = ()
    """Classes that a mirror turns into each other, each pair as NAME:NAME; or one word: jester,
    something-something-v1, something-something-v2."""
    class_weights: tuple[str, ...] = ()
    """How often videos are taken: balanced (all classes alike), sqrt, or NAME=FACTOR ..."""

    augment: Literal["slowfast", "tsn", "mvit"] = "slowfast"
    """slowfast: scale and flip; tsn: corner crops and flip; mvit: RandAugment, erasing, MixUp,
    CutMix, each video twice. What follows changes single parts of it."""
    crop: Literal["scale", "corners", "resized"] | None = None
    """scale: a square by --scale; corners: TSN's; resized: any area and shape (Inception)."""
    color_jitter: tuple[float, float, float, float] | None = None
    """Greatest change of brightness, contrast, saturation and hue: 0.4 0.4 0.4 0.1."""
    randaugment: str | None = None
    """A policy in timm's spelling, as rand-m7-n4-mstd0.5-inc1, or none."""
    erasing: float | None = None
    """Probability that a box of the clip is filled with noise."""
    mixup: float | None = None
    """Alpha of MixUp, 0 for none; 0.8 is usual."""
    cutmix: float | None = None
    """Alpha of CutMix, 0 for none; 1.0 is usual."""
    mix_prob: float | None = None
    """Probability that there is MixUp or CutMix at all."""
    mix_switch: float | None = None
    """Probability of CutMix where both are on."""
    mix_per: Literal["batch", "clip"] | None = None
    """What has one draw of MixUp and CutMix."""
    repeats: int | None = None
    """Clips that an epoch takes of each video, each with other draws."""
    train_split: str = "train"
    """Split to learn from."""
    val_split: str = "val"
    """Split to validate on after each epoch, where the data set has it."""

    epochs: int = 60
    """Passes over the data."""
    batch_size: int = 32
    """Clips of a step, over all devices."""
    learning_rate: float | None = None
    """Rate after the warm-up (default: 0.02 at a batch of 96, in proportion)."""
    milestones: tuple[float, ...] = (30 / 60, 50 / 60)
    """Parts of the training after which the rate falls."""
    decay: float = 0.1
    """Factor by which it falls."""
    warmup_epochs: float = 0.0
    """Epochs over which the rate rises linearly at the start."""
    momentum: float = 0.9
    """Momentum of SGD."""
    weight_decay: float = 1e-4
    """L2 in the gradient of all kernels, not of biases and batch norm."""
    dropout: float = 0.5
    """Share of the features dropped before the classifier."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes."""
    freeze_bn: bool = False
    """Fix every batch norm but the first; for fine-tuning a trained video model."""

    devices: str = "auto"
    """auto (all GPUs, else the CPU), gpu:0,2 (these), cpu, or cpu:2 (two logical CPUs)."""
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Keras' dtype policy."""
    seed: int = 0
    """Seed of the new weights, the order, the crops and dropout."""
    save_every: int = 500
    """Steps from one saved state to the next; each epoch's end is saved too."""

    @property
    def rate(self) -> float:
        """The learning rate, scaled to the batch where none was given."""
        if self.learning_rate is not None:
            return self.learning_rate
        return PAPER_LEARNING_RATE * self.batch_size / PAPER_BATCH_SIZE

    @property
    def method_options(self) -> dict[str, Any]:
        """`options` as keyword arguments of the method."""
        return dict(parse_option(option) for option in self.options)

    @property
    def pairs(self) -> str | list[tuple[str, str]]:
        """`flip_pairs` as pairs of class names, or the data set whose pairs are known."""
        if len(self.flip_pairs) == 1 and self.flip_pairs[0] in MIRRORS:
            return self.flip_pairs[0]
        return [parse_pair(pair) for pair in self.flip_pairs]

    @property
    def augmentation(self) -> Augment:
        """The preset `augment` with the values that were given."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(Augment)}
        given = {name: value for name, value in given.items() if value is not None}
        return Augment.preset(self.augment, **given)

    @property
    def weights_of_classes(self) -> str | dict[str, float] | None:
        """`class_weights` as `tfrecords.clips` takes them."""
        if len(self.class_weights) == 1 and self.class_weights[0] in RULES:
            return self.class_weights[0]
        return dict(parse_weight(weight) for weight in self.class_weights) or None

    def check(self) -> None:
        """Raises ValueError for a value that no run can have."""
        for name in ("num_frames", "image_size", "interval", "epochs", "batch_size", "save_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{flag(name)} must be 1 or more, received {value}.")
        for name in ("dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{flag(name)} must be in [0, 1), received {getattr(self, name)}.")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"--momentum must be in [0, 1], received {self.momentum}.")
        if self.rate <= 0:
            raise ValueError(f"--learning-rate must be above 0, received {self.rate}.")
        if any(not 0 < part < 1 for part in self.milestones):
            raise ValueError(
                "--milestones are parts of the training between 0 and 1 (0.5 is half way), "
                f"received {self.milestones}."
            )
        # they raise
        self.method_options, self.pairs, self.augmentation, self.weights_of_classes  # noqa: B018

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON can hold it."""
        values = dataclasses.asdict(self)
        return {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The configuration that `to_dict` wrote; unknown names are errors."""
        fields = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - fields):
            raise ValueError(f"The run's config has values this version does not know: {unknown}.")
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        for name in ("data", "out", "resume"):
            values[name] = Path(values[name]) if values.get(name) else None
        return cls(**values)


def flag(name: str) -> str:
    """The command line's spelling of a field."""
    return "--" + name.replace("_", "-")


def parse_option(option: str) -> tuple[str, Any]:
    """`"blocks=1,3"` as `("blocks", (1, 3))`; what is no Python literal stays a string."""
    name, equals, value = option.partition("=")
    if not (name and equals and value):
        raise ValueError(f"--options takes name=value, received {option!r}.")
    if value.lower() in SPELT:
        return name, SPELT[value.lower()]
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, tuple(value.split(",")) if "," in value else value


def parse_pair(pair: str) -> tuple[str, str]:
    """`"swipe left:swipe right"` as a pair of class names."""
    first, colon, second = pair.partition(":")
    if not (first and colon and second):
        raise ValueError(
            f"--flip-pairs takes NAME:NAME, received {pair!r}. The pairs of {', '.join(MIRRORS)} "
            "are known by that one word."
        )
    return first, second


def parse_weight(weight: str) -> tuple[str, float]:
    """`"fall=3"` as a class name and its factor."""
    name, _, factor = weight.rpartition("=")
    if not (name and re.fullmatch(r"\d+(\.\d+)?", factor)):
        raise ValueError(
            f"--class-weights takes {', '.join(RULES)} or NAME=FACTOR, received {weight!r}."
        )
    return name, float(factor)
