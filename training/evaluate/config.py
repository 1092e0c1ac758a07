"""Options of `ctm evaluate`."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from training.config.clips import SamplingConfig, ViewConfig
from training.config.options import Options, check_counts, flag
from training.evaluate.protocols import ProtocolName

MODELS = "MODEL [MODEL ...]"
VIEWS = ("num_clips", "num_crops", "sampling", "interval", "short_side", "crop")


@dataclass(frozen=True, kw_only=True)
class ProtocolConfig(ViewConfig, SamplingConfig):
    """The evaluation protocol, and what differs from it."""

    protocol: ProtocolName | None = None
    """Paper whose views and averaging to use, see docs/evaluation.md (default: the model's,
    which is ctm, 10 clips x 3 crops). Other options override parts of the protocol."""
    crop: int | None = None
    """Side of a crop in pixels for 224-pixel models; scaled for other image sizes."""
    average: Literal["probabilities", "logits"] | None = None
    """What to average over the views of a video."""

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        check_counts(self, "crop")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(ProtocolConfig):
    """How a model is evaluated."""

    data: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """A data set with the same classes, required for a .keras file (default: the run's)."""
    split: str | None = None
    """Split to evaluate (default: the run's validation split, or val for a .keras file); train+val
    means both."""
    batch_size: int = 16
    """Views per batch."""
    which: str | None = None
    """Of a run: model (the last, or with `ctm train --patience` the best) or best (the best on the
    validation split) (default: model)."""
    saved: bool = False
    """Recompute the scores from saved predictions, without model and data; only --average may
    change."""

    def check(self) -> None:
        """Raises ValueError for values that are invalid or cannot be combined."""
        super().check()
        check_counts(self, "batch_size")
        given = [flag(n) for n in ("protocol", "data", "which", *VIEWS) if getattr(self, n)]
        if self.saved and given:
            raise ValueError(
                "--saved uses the saved predictions and can be combined with --average only, "
                f"received {', '.join(given)}. Remove --saved to predict again."
            )


@dataclass(frozen=True, kw_only=True)
class EvaluatedModelsConfig(Options):
    """The models, and how to combine them."""

    models: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar=MODELS)]
    """Folders of runs, .keras files, or names that `ctm weights` lists."""
    ensemble: bool = False
    """Also score the ensemble: the average of all models' scores for each video."""
    average_weights: bool = False
    """Instead, average the weights of all runs into one model and score that."""
    out: Path | None = None
    """New folder for the combined report, predictions and picture."""

    def check(self) -> None:
        """Raises ValueError for values that cannot be combined."""
        super().check()
        together = self.ensemble or self.average_weights
        if not self.models:
            raise ValueError(
                "ctm evaluate requires at least one model. Give the folder of a run or a .keras "
                "file."
            )
        if together and len(self.models) < 2:
            raise ValueError("--ensemble and --average-weights require at least two models.")
        if self.ensemble and self.average_weights:
            raise ValueError(
                "--ensemble and --average-weights cannot be combined. Give only one of them."
            )
        if self.out and not together:
            raise ValueError(
                "--out requires --ensemble or --average-weights; the results of a single model are "
                "written into its run, or into NAME-results next to NAME.keras."
            )


@dataclass(frozen=True, kw_only=True)
class EvaluateCommand(EvaluatedModelsConfig, EvaluateConfig):
    """Score trained models on every video of a split.

    Prints top-1 and top-5 with 95% intervals, mean class accuracy, protocol, coverage and which
    model was scored. Writes report.json, predictions.npz and confusion.png into each run; for
    NAME.keras into NAME-results next to it. For several runs with the same protocol, also prints
    the mean, e.g. over the three splits of UCF101, and whether the runs differ from the first by
    more than chance, if the videos are the same. For example:
      ctm evaluate runs/mine
      ctm evaluate runs/mine --protocol slowfast --split test
      ctm evaluate runs/mine --num-clips 1 --num-crops 1
      ctm evaluate runs/mine --saved --average logits
      ctm evaluate tsm.keras --data data/mine
      ctm evaluate runs/split-1 runs/split-2 runs/split-3
      ctm evaluate runs/a runs/b --ensemble --out runs/a-and-b
    """

    @property
    def each(self) -> EvaluateConfig:
        """The options of each model's evaluation."""
        names = [field.name for field in dataclasses.fields(EvaluateConfig)]
        return EvaluateConfig(**{name: getattr(self, name) for name in names})

    def check(self) -> None:
        """Raises ValueError for values that are invalid or cannot be combined."""
        super().check()
        if self.average_weights and self.saved:
            raise ValueError(
                "--saved cannot be combined with --average-weights: a new model has no saved "
                "predictions. Remove --saved."
            )
