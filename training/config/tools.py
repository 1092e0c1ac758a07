"""Options of the commands without a run, from quickstart to models and weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from training.config.options import Options


@dataclass(frozen=True, kw_only=True)
class QuickstartConfig(Options):
    """Make a small video data set, train TSN and CTM on it, compare, export. Takes minutes.

    For example:
      ctm quickstart
    """

    out: Path = Path("quickstart")
    """Output folder, new or empty."""


@dataclass(frozen=True, kw_only=True)
class VerifyConfig(Options):
    """Check every checksum and count of a data set, and decode a sample of its frames.

    For example:
      ctm verify data/mine
      ctm verify s3://bucket/mine
    """

    data: Positional[Annotated[str, arg(metavar="DIR")]]
    """Folder that `ctm build` wrote; also s3://, gs://, https://."""
    sample: int = 100
    """Number of frames to decode, spread evenly over the data set."""


@dataclass(frozen=True, kw_only=True)
class StatsConfig(Options):
    """Print statistics of a data set: leaks between splits first, then lengths, sizes and classes.

    Copies of a video are found by comparing frames, even if re-encoded, scaled or cut. Groups that
    occur in several splits are found by the group names that `ctm build` recorded. For example:
      ctm stats data/mine
      ctm stats data/mine --picture stats.png
      ctm stats data/mine --json > stats.json
    """

    data: Positional[Annotated[str, arg(metavar="DIR")]]
    """Folder of a data set; also s3://, gs://, https://."""
    picture: Path | None = None
    """PNG file to write, with the classes, lengths, frame rates and copies."""
    json: bool = False
    """Print JSON, with all copies."""
    copies: bool = True
    """Look for copies; this reads frames of every video."""


@dataclass(frozen=True, kw_only=True)
class ImportConfig(Options):
    """Convert a PyTorch checkpoint to a .keras file; the network is recognized by its keys.

    Formats: torchvision's image models (they become a TSN), IBM/action-recognition-pytorch,
    temporal-shift-module, mmaction2, PySlowFast, CoST, STM. No code in the file is executed. For
    example:
      ctm import-weights resnet50.pth --to resnet50.keras --num-classes 87
      ctm import-weights googlenet.pth --to inception.keras --allow "aux*"
      ctm import-weights TAM.pth.tar --to tam.keras --options temporal_pooling=True
      ctm import-weights resnet50.pth --to i3d.keras --model i3d --classes classes.txt
    """

    file: Positional[Path]
    """Checkpoint that torch.save wrote."""
    to: Path
    """.keras file to write."""
    model: str | None = None
    """Method to build from the weights of a TSN or an image model (default: the checkpoint's)."""
    classes: str | None = None
    """Text file with one class name per line, or folder of a data set; if their number differs from
    the checkpoint's, the head is initialized."""
    num_classes: int | None = None
    """Number of classes, without names (default: the checkpoint's)."""
    num_frames: int | None = None
    """Frames per clip, which the keys do not reveal (default: 8; SlowFast 32, 16x8 64)."""
    image_size: int = 224
    """Side of a frame in pixels."""
    options: tuple[str, ...] = ()
    """Options that cannot be inferred from the keys, as name=value: temporal_pooling=True or =avg,
    channels=bgr, options of the method."""
    allow: tuple[str, ...] = ()
    """Patterns of keys that may remain unused, e.g. "aux*"."""


@dataclass(frozen=True, kw_only=True)
class ModelsConfig(Options):
    """List the methods for `ctm train --model`, or what each of them costs.

    For example:
      ctm models
      ctm models --table --backbone resnet50 --frames 8
    """

    table: bool = False
    """Print parameters, multiply-adds per clip and measured clips per second."""
    backbone: str = "resnet50"
    """Image model that reads the frames."""
    frames: int = 8
    """Frames per clip; SlowFast uses its own number."""
    image_size: int = 224
    """Side of the square crop, in pixels."""
    classes: int = 400
    """Number of classes."""


@dataclass(frozen=True, kw_only=True)
class WeightsConfig(Options):
    """List the published weights that can be used by name, or show all about one of them.

    A name stands for a model in predict, evaluate, explain and export, and for --weights in train
    and ablate. The weights are downloaded and imported when they are first used. For example:
      ctm weights
      ctm weights tsm kinetics
      ctm weights tsm-r50-kinetics400
    """

    words: Positional[tuple[str, ...]] = ()
    """A name, or words that all listed weights have: of a method, a backbone, a data set, a
    project."""
