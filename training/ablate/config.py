"""Options of `ctm ablate`."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from tfrecords.storage import as_path
from training.config.clips import ViewConfig
from training.config.options import Options, check_counts
from training.config.train import RecipeConfig, TrainConfig
from training.evaluate.config import EvaluateConfig


@dataclass(frozen=True, kw_only=True)
class TablesAndDataConfig(Options):
    """The tables, the data sets, and the folder of the runs."""

    tables: tyro.conf.Positional[tuple[str, ...]]
    """Tables to reproduce: ctm-1, ctm-2, ctm-3, stm-5, analysis-5."""
    data: Annotated[tuple[str | Path, ...], tyro.conf.arg(metavar="DIR")] = ()
    """Data sets that `ctm build` wrote: one, or several folds of one; each run uses the next."""
    out: Path | None = None
    """Folder of the runs and tables (default: ablations/DATA)."""
    seeds: int | None = None
    """Runs of each network, with seeds SEED, SEED + 1 and so on (default: 3, or one per data set if
    there are several)."""

    @property
    def folder(self) -> Path:
        """Folder of the runs and tables."""
        return self.out or Path("ablations") / as_path(self.data[0]).name

    @property
    def runs(self) -> int:
        """Number of runs of each network."""
        return self.seeds or (len(self.data) if len(self.data) > 1 else 3)

    def check(self) -> None:
        """Raises ValueError if no table or no data set is given."""
        super().check()
        check_counts(self, "seeds")
        if not (self.tables and self.data):
            raise ValueError("ctm ablate requires at least one table and --data DIR.")


@dataclass(frozen=True, kw_only=True)
class AblateConfig(TablesAndDataConfig, RecipeConfig, ViewConfig):
    """Reproduce the papers' ablation tables: train and evaluate each network several times.

    Writes a table with mean and standard deviation next to the paper's figures. Finished runs are
    reused. --options apply to the rows whose methods have them. For example:
      ctm ablate ctm-1 --data data/mine --backbone tiny --image-size 96 --epochs 40
      ctm ablate ctm-1 ctm-2 ctm-3 --data data/fold-0 data/fold-1 data/fold-2
      ctm ablate analysis-5 --recipe analysis_f8 --data data/mini-ssv2 --backbone tv_resnet18
    """

    @property
    def evaluation(self) -> EvaluateConfig:
        """How each run is evaluated."""
        return EvaluateConfig(
            split=self.val_split, num_clips=self.num_clips or 2, num_crops=self.num_crops or 3
        )

    @classmethod
    def by_recipe(cls, recipe: TrainConfig) -> "AblateConfig":
        """A recipe's values, without its model and data; the tables are still missing."""
        own = {"model", "options", "data", "out"}
        names = {field.name for field in dataclasses.fields(cls)} & vars(recipe).keys() - own
        return cls(tables=tyro.MISSING, **{name: getattr(recipe, name) for name in names})

    def for_training(self, **values: Any) -> TrainConfig:
        """The training config of one run."""
        names = {field.name for field in dataclasses.fields(TrainConfig)} & vars(self).keys()
        return TrainConfig(**{**{name: getattr(self, name) for name in names}, **values})

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        self.evaluation.check()
        if self.model != RecipeConfig.model:
            raise ValueError(
                f"ctm ablate trains the models of its tables, received --model {self.model}. "
                "Remove --model."
            )
        if self.patience:
            raise ValueError(
                "ctm ablate cannot be combined with --patience, which would choose each model on "
                "the videos that it is scored on. Remove --patience."
            )
