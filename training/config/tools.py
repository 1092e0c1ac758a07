"""What is asked without a run: quickstart, verify, stats, import-weights and models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from training.config.options import Options


@dataclass(frozen=True, kw_only=True)
class QuickstartConfig(Options):
    """Make a small set of videos, train TSN and CTM on it, compare, export. Takes minutes.

    For example:
      ctm quickstart
    """

    out: Path = Path("quickstart")
    """Folder for everything it makes, new or empty."""


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
    """Frames to decode, evenly over all frames."""


@dataclass(frozen=True, kw_only=True)
class StatsConfig(Options):
    """Print what a data set holds: leaks between splits first, then lengths, sizes and classes.

    Copies of a video are found by their pictures, also when they are encoded anew, scaled or cut;
    videos of one group in several splits by what `ctm build` noted. For example:
      ctm stats data/mine
      ctm stats data/mine --picture stats.png
      ctm stats data/mine --json > stats.json
    """

    data: Positional[Annotated[str, arg(metavar="DIR")]]
    """Folder of a data set; also s3://, gs://, https://."""
    picture: Path | None = None
    """PNG to write, of the classes, lengths, frame rates and copies."""
    json: bool = False
    """Print JSON for programs, with all copies."""
    copies: bool = True
    """Look for copies, which reads frames of every video."""


@dataclass(frozen=True, kw_only=True)
class ImportConfig(Options):
    """Turn a PyTorch checkpoint into a .keras file, its network recognized by its keys.

    Formats: torchvision's image models (they become a TSN), IBM/action-recognition-pytorch,
    temporal-shift-module, mmaction2, PySlowFast, CoST, STM. Nothing in the file is run. For
    example:
      ctm import-weights resnet50.pth --to resnet50.keras --num-classes 87
      ctm import-weights googlenet.pth --to inception.keras --allow "aux*"
      ctm import-weights TAM.pth.tar --to tam.keras --options temporal_pooling=True
      ctm import-weights resnet50.pth --to i3d.keras --model i3d --classes classes.txt
    """

    file: Positional[Path]
    """What torch.save wrote."""
    to: Path
    """New .keras file."""
    model: str | None = None
    """Another method to start from a TSN's or image model's weights."""
    classes: str | None = None
    """Text file with a class name in each line, or folder of a data set; another number than the
    checkpoint's starts a new head."""
    num_classes: int | None = None
    """Number of classes, without their names (default: the checkpoint's)."""
    num_frames: int | None = None
    """Frames of a clip, which no key tells (default: 8; SlowFast 32, 16x8 64)."""
    image_size: int = 224
    """Side of a frame in pixels."""
    options: tuple[str, ...] = ()
    """What the keys do not tell, as name=value: temporal_pooling=True or =avg, channels=bgr,
    options of the method."""
    allow: tuple[str, ...] = ()
    """Keys of the file that may be left over, as patterns: "aux*"."""


@dataclass(frozen=True, kw_only=True)
class ModelsConfig(Options):
    """List the methods that `ctm train --model` takes, or what each of them costs.

    For example:
      ctm models
      ctm models --table --backbone resnet50 --frames 8
    """

    table: bool = False
    """Print parameters, multiply-adds of a clip and clips scored in a second, measured."""
    backbone: str = "resnet50"
    """Image model that reads the frames."""
    frames: int = 8
    """Frames of a clip; SlowFast has its own."""
    image_size: int = 224
    """Side of the square crop, in pixels."""
    classes: int = 400
    """Classes of the model."""
