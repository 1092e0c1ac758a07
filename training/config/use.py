"""Options of show, predict, explain and features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from training.config.clips import (
    AugmentationConfig,
    ClipConfig,
    SamplingConfig,
    ViewConfig,
)
from training.config.options import Options, check_counts

ModelPath = Annotated[Path, arg(metavar="MODEL")]


@dataclass(frozen=True, kw_only=True)
class DataAndPictureConfig(Options):
    """The clips to draw, and the picture file."""

    data: Positional[Path]
    """Folder that `ctm build` wrote."""
    split: str = "train"
    """Split to show."""
    mode: Literal["training", "evaluation"] | None = None
    """Draw clips as training augments them or as evaluation views them (default: training for the
    train split, evaluation for others)."""
    num: int = 8
    """Number of clips to draw: a batch of this size."""
    videos: tuple[str, ...] = ()
    """Instead, draw these videos of the split, by id, as evaluation views them."""
    epoch: int = 0
    """Epoch whose clips to draw."""
    seed: int = 0
    """Seed of the run whose clips to draw."""
    out: Path = Path("sheet.png")
    """Picture file to write."""

    def check(self) -> None:
        """Raises ValueError if there is nothing to draw."""
        super().check()
        check_counts(self, "num")
        if self.videos and self.mode == "training":
            raise ValueError(
                "--videos cannot be combined with --mode training: training draws its videos. "
                "Remove one of them."
            )


@dataclass(frozen=True, kw_only=True)
class ShowConfig(DataAndPictureConfig, ViewConfig, ClipConfig, AugmentationConfig):
    """Draw clips as a model sees them, each as a row of frames with its id and label.

    Clips of the train split are augmented as in training; clips of other splits are viewed as in
    evaluation. Accepts all options that `ctm train` has for clips. For example:
      ctm show data/mine
      ctm show data/mine --augment mvit --image-size 112 --out mvit.png
      ctm show data/mine --split val --num-clips 2 --num-crops 3
      ctm show data/mine --split val --videos jump/a run/c
    """


@dataclass(frozen=True, kw_only=True)
class PredictConfig(ViewConfig, SamplingConfig):
    """Print the top five classes of each video.

    For a video longer than two clips, also draw its class probabilities over time. For example:
      ctm predict runs/mine holiday.mp4
      ctm predict runs/mine *.mp4 --json > classes.json
      ctm predict tsm.keras holiday.mp4
      ctm predict tsm-r50-kinetics400 holiday.mp4
    """

    model: Positional[ModelPath]
    """Folder of a run, a .keras file, or a name that `ctm weights` lists."""
    videos: Positional[tuple[Path, ...]]
    """Video files, GIFs, folders of frames or folders of videos."""
    json: bool = False
    """Print JSON."""
    timelines: Path | None = None
    """Folder for the pictures of long videos (default: RUN/timelines, NAME-results/timelines for
    NAME.keras)."""

    def check(self) -> None:
        """Raises ValueError if no video is given."""
        super().check()
        if not self.videos:
            raise ValueError(
                "ctm predict requires at least one video. Give videos after the model."
            )


@dataclass(frozen=True, kw_only=True)
class ExplainConfig(SamplingConfig):
    """Show where and when in a video the model sees a class, as a GIF or MP4.

    Shows each frame of the middle clip next to its class activation map. For example:
      ctm explain runs/mine holiday.mp4 --to holiday.gif
      ctm explain runs/mine holiday.mp4 --to dive.mp4 --class-name diving
    """

    model: Positional[ModelPath]
    """Folder of a run, a .keras file, or a name that `ctm weights` lists."""
    video: Positional[Path]
    """Video file, GIF or folder of frames."""
    to: Path
    """GIF or MP4 file to write."""
    class_name: str | None = None
    """Class to explain (default: the predicted class)."""


@dataclass(frozen=True, kw_only=True)
class FeaturesConfig(ViewConfig, SamplingConfig):
    """Write the features of videos: what the model's classifier reads, one vector for each video.

    The vector is the mean over the frames and over the views of the video. NAME.npz has the arrays
    id, path, label, split, start, end (in seconds) and vector; NAME.csv has these columns, with
    vector_0, vector_1 and so on. For example:
      ctm features runs/mine videos/jump videos/run --to features.npz
      ctm features tsn.keras data/mine --to features.csv --num-clips 1
      ctm features tsm-r50-kinetics400 holiday.mp4 --to windows.npz --windows
    """

    model: Positional[ModelPath]
    """Folder of a run, a .keras file, or a name that `ctm weights` lists."""
    videos: Positional[Annotated[tuple[str, ...], arg(metavar="VIDEOS-or-DATA")]]
    """Video files, GIFs, folders of frames or folders of videos; or one data set that `ctm build`
    wrote, whose labels are written, too."""
    to: Path
    """File to write, .npz or .csv."""
    split: str | None = None
    """Of a data set: split to read; train+val means both (default: all)."""
    windows: bool = False
    """One vector for each window of a video longer than two clips, as in the timelines of `ctm
    predict`; shorter videos still have one."""
    which: str | None = None
    """Of a run: model (the last, or with `ctm train --patience` the best) or best (the best on the
    validation split) (default: model)."""

    def check(self) -> None:
        """Raises ValueError if no video is given, or the file has another format."""
        super().check()
        if not self.videos:
            raise ValueError(
                "ctm features requires at least one video or a data set. Give them after the model."
            )
        if self.to.suffix not in (".npz", ".csv"):
            raise ValueError(f"--to must be a .npz or .csv file, received {self.to}.")
