"""What is asked of trained models: the options of show, predict, explain and export."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from training.config.clips import AugmentationConfig, ClipConfig, ViewConfig
from training.config.options import Options, check_counts

RunFolder = Annotated[Path, arg(metavar="RUN")]


@dataclass(frozen=True, kw_only=True)
class DataAndPictureConfig(Options):
    """The clips to draw, and the picture."""

    data: Positional[Path]
    """Folder that `ctm build` wrote."""
    split: str = "train"
    """Split to show."""
    mode: Literal["training", "evaluation"] | None = None
    """Changed as training does, or as evaluation takes them (default: by the split)."""
    num: int = 8
    """Clips to draw; those of a batch of that size."""
    epoch: int = 0
    """Epoch of the training."""
    seed: int = 0
    """Seed of the training."""
    out: Path = Path("sheet.png")
    """Picture to write."""

    def check(self) -> None:
        """Raises ValueError if there is nothing to draw."""
        super().check()
        check_counts(self, "num")


@dataclass(frozen=True, kw_only=True)
class ShowConfig(DataAndPictureConfig, ViewConfig, ClipConfig, AugmentationConfig):
    """Draw clips as a model sees them, each a row of frames with its id and label.

    Of the training split as training changes them, of others as evaluation takes them; with
    all options that `ctm train` has for clips. For example:
      ctm show data/mine
      ctm show data/mine --augment mvit --image-size 112 --out mvit.png
      ctm show data/mine --split val --num-clips 2 --num-crops 3
      ctm show data/mine --mode evaluation
    """


@dataclass(frozen=True, kw_only=True)
class PredictConfig(ViewConfig):
    """Print the five best classes of each video.

    A video of more than two clips' length gets a picture of its classes over time. For example:
      ctm predict runs/mine holiday.mp4
      ctm predict runs/mine *.mp4 --json > classes.json
    """

    run: Positional[RunFolder]
    """Folder of the run."""
    videos: Positional[tuple[Path, ...]]
    """Video files, GIFs, folders of frames or folders of videos."""
    json: bool = False
    """Print JSON for programs."""
    timelines: Path | None = None
    """Where pictures of long videos go (default: RUN/timelines)."""

    def check(self) -> None:
        """Raises ValueError if there is no video."""
        super().check()
        if not self.videos:
            raise ValueError("ctm predict needs one video or more after the run.")


@dataclass(frozen=True, kw_only=True)
class ExplainConfig(Options):
    """Show where and when in a video the model sees a class, as a GIF or MP4.

    Each frame of the middle clip stands beside its class activation map. For example:
      ctm explain runs/mine holiday.mp4 --to holiday.gif
      ctm explain runs/mine holiday.mp4 --to dive.mp4 --class-name diving
    """

    run: Positional[RunFolder]
    """Folder of the run."""
    video: Positional[Path]
    """Video file, GIF or folder of frames."""
    to: Path
    """GIF or MP4 to write."""
    class_name: str | None = None
    """Which class (default: the one that the model sees)."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig(Options):
    """Write a trained model as TF Serving wants it.

    For example:
      ctm export runs/mine --to served/mine
    """

    run: Positional[RunFolder]
    """Folder of the run."""
    to: Path
    """Folder of the served model; its last part is the model's name in the URL."""
    version: int = 1
    """Number of the version, a folder below."""
    which: str = "model"
    """model (the last) or best (the best on the validation split)."""
