"""What an evaluation is asked for: the options of `ctm evaluate`, in one place."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from training.config.clips import ViewConfig
from training.config.options import Options, check_counts, flag
from training.evaluate.protocols import ProtocolName

VIEWS = ("num_clips", "num_crops", "sampling", "interval", "short_side", "crop")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(ViewConfig):
    """How a run is evaluated."""

    data: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """Another data set with the same classes."""
    split: str | None = None
    """Which split (default: val)."""
    protocol: ProtocolName | None = None
    """Whose frames, crops and average, see docs/evaluation.md (default: ctm, 10 clips x 3 crops).
    The following change single values of it."""
    sampling: Literal["dense", "segments"] | None = None
    """dense: every INTERVAL-th of consecutive frames; segments: one of each equal part."""
    interval: int | None = None
    """Frames from one frame of a dense clip to the next (default: the run's)."""
    short_side: int | None = None
    """Short side of a frame in pixels, for a model of 224; other models in proportion."""
    crop: int | None = None
    """Side of a crop in pixels, for a model of 224; other models in proportion."""
    average: Literal["probabilities", "logits"] | None = None
    """What is averaged over the views of a video."""
    batch_size: int = 16
    """Views scored at once."""
    which: str | None = None
    """model (the last) or best (the best on the validation split) (default: model)."""
    saved: bool = False
    """Score the run's saved predictions again, without model and data; --average may change."""

    @property
    def model(self) -> str:
        """Which of a run's models is scored, `"model"` or `"best"`."""
        return self.which or "model"

    def check(self) -> None:
        """Raises ValueError for values that cannot be, or do not go together."""
        super().check()
        check_counts(self, "interval", "short_side", "crop", "batch_size")
        said = [flag(name) for name in ("protocol", "data", "which", *VIEWS) if getattr(self, name)]
        if self.saved and said:
            raise ValueError(
                f"--saved scores predictions that are there; {', '.join(said)} would need others. "
                "Only --average goes with it; for others leave --saved out."
            )


@dataclass(frozen=True, kw_only=True)
class RunsConfig(Options):
    """The runs, and what is made of them together."""

    runs: tyro.conf.Positional[tuple[Annotated[Path, tyro.conf.arg(metavar="RUN")], ...]]
    """Folders of runs."""
    ensemble: bool = False
    """Also join the scores of all runs, video by video."""
    average_weights: bool = False
    """Instead average the weights of all runs into one model, and score that."""
    out: Path | None = None
    """New folder for the report, predictions and picture of the runs together."""

    def check(self) -> None:
        """Raises ValueError for values that do not go together."""
        super().check()
        together = self.ensemble or self.average_weights
        if not self.runs:
            raise ValueError("ctm evaluate needs one run or more.")
        if together and len(self.runs) < 2:
            raise ValueError("--ensemble and --average-weights need two runs or more.")
        if self.ensemble and self.average_weights:
            raise ValueError("Give --ensemble or --average-weights, not both.")
        if self.out and not together:
            raise ValueError("--out is for --ensemble and --average-weights; runs keep their own.")


@dataclass(frozen=True, kw_only=True)
class EvaluateCommand(RunsConfig, EvaluateConfig):
    """Score trained models on every video of a split.

    Prints top-1, top-5, mean class accuracy, the protocol, the coverage and which model, and
    writes report.json, predictions.npz and confusion.png into each run; of several runs scored
    alike also the mean, as over the three splits of UCF101. For example:
      ctm evaluate runs/mine
      ctm evaluate runs/mine --protocol slowfast --split test
      ctm evaluate runs/mine --num-clips 1 --num-crops 1
      ctm evaluate runs/mine --saved --average logits
      ctm evaluate runs/split-1 runs/split-2 runs/split-3
      ctm evaluate runs/a runs/b --ensemble --out runs/a-and-b
    """

    @property
    def each(self) -> EvaluateConfig:
        """The options for each run."""
        names = [field.name for field in dataclasses.fields(EvaluateConfig)]
        return EvaluateConfig(**{name: getattr(self, name) for name in names})

    def check(self) -> None:
        """Raises ValueError for values that cannot be, or do not go together."""
        super().check()
        if self.average_weights and self.saved:
            raise ValueError("--average-weights makes a new model: there are no saved predictions.")
