"""What is asked about several runs: the options of analyze and report."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from training.config.options import Options
from training.config.use import RunFolder


@dataclass(frozen=True, kw_only=True)
class AnalyzeConfig(Options):
    """Tell what evaluated models owe to space and to time, beside the TSN among them.

    From the predictions that `ctm evaluate` saved: spatial contribution Phi and temporal
    improvement Psi, temporal and static classes, how alike the models' gains are. Writes
    analysis.json and temporal_gains.png. For example:
      ctm analyze runs/mine-tsn runs/mine-ctm runs/mine-tsm
      ctm analyze runs/mine-ctm --orders
      ctm analyze runs/mine-ctm --kernels
      ctm analyze runs/mine-cost --views
    """

    runs: Positional[tuple[RunFolder, ...]]
    """Folders of runs, evaluated on the same split with the same protocol."""
    out: Path = Path("analysis")
    """Folder for what it writes."""
    top: int | None = None
    """Classes that count as temporal, and as static (default: 10, or half of all)."""
    orders: bool = False
    """Instead evaluate with frames shuffled, reversed and repeated."""
    kernels: bool = False
    """Instead draw the kernels of the TCC layers over the image."""
    views: bool = False
    """Instead average the coefficients of CoST's views, by layer and by class."""

    def check(self) -> None:
        """Raises ValueError unless there are runs and one analysis is asked for."""
        super().check()
        if not self.runs:
            raise ValueError("ctm analyze needs runs: give their folders.")
        if self.orders + self.kernels + self.views + (self.top is not None) > 1:
            raise ValueError(
                "--orders, --kernels and --views are analyses of their own, and --top is of none "
                "of them: give one of the four."
            )


@dataclass(frozen=True, kw_only=True)
class ReportConfig(Options):
    """Join runs in one HTML file: tables, curves, confusions with their clips.

    The file opens from disk and loads nothing. For example:
      ctm report runs/mine-tsn runs/mine-ctm --to report.html
    """

    runs: Positional[tuple[RunFolder, ...]]
    """Folders of runs; those that `ctm evaluate` scored have their numbers in it."""
    to: Path = Path("report.html")
    """HTML file to write."""
    title: str = "Video models"
    """Its heading."""

    def check(self) -> None:
        """Raises ValueError if there is no run."""
        super().check()
        if not self.runs:
            raise ValueError("ctm report needs one run or more.")
