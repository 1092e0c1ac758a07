"""What `ctm ablate` is asked for."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import tyro

from training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class AblateConfig(TrainConfig):
    """Train and evaluate every network of a paper's ablation table, several seeds of each.

    Writes table.md with the mean and the standard deviation beside the paper's figures. What was
    trained before is taken as it is. For example:
      ctm ablate ctm-1 --data data/arid6 --backbone tiny --image-size 96 --epochs 40
      ctm ablate analysis-5 --data data/mini-ssv2 --backbone tv_resnet18 --seeds 1
    """

    table: tyro.conf.Positional[str]
    """ctm-1, ctm-2, ctm-3, stm-5 or analysis-5."""
    seeds: int = 3
    """Runs of each network, with the seeds SEED, SEED + 1 and so on."""
    num_clips: int = 2
    """Clips of a video in the evaluation."""
    num_crops: int = 3
    """Crops of each clip in the evaluation."""

    def for_training(self, **values: Any) -> TrainConfig:
        """The config of one of the runs."""
        names = [field.name for field in dataclasses.fields(TrainConfig)]
        return TrainConfig(**{**{name: getattr(self, name) for name in names}, **values})

    def check(self) -> None:
        """Raises ValueError for a value that no table can have."""
        super().check()
        self.check_counts("seeds", "num_clips")
        if self.model != TrainConfig.model or self.resume or self.dry_run:
            raise ValueError(
                "ctm ablate trains the models of its table: --model, --resume and --dry-run do "
                "not go with it."
            )
