"""Options of the commands that compare runs: analyze and report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from training.config.options import Options

RunFolder = Annotated[Path, arg(metavar="RUN")]


@dataclass(frozen=True, kw_only=True)
class AnalyzeConfig(Options):
    """Measure how much evaluated models gain from temporal modeling, compared with a TSN.

    Reads the predictions that `ctm evaluate` saved; one of the runs must be a TSN. Prints the
    spatial contribution Phi and the temporal improvement Psi, temporal and static classes, and the
    correlation of the models' gains. Writes analysis.json and temporal_gains.png. For example:
      ctm analyze runs/mine-tsn runs/mine-ctm runs/mine-tsm
      ctm analyze runs/mine-ctm --orders
      ctm analyze runs/mine-ctm --kernels
      ctm analyze runs/mine-cost --views
    """

    runs: Positional[tuple[RunFolder, ...]]
    """Folders of runs or cross-validations, evaluated on the same split with the same protocol."""
    out: Path = Path("analysis")
    """Output folder."""
    top: int | None = None
    """Number of classes listed as temporal, and as static (default: 10, or half of all)."""
    orders: bool = False
    """Instead, evaluate with frames shuffled, reversed and repeated."""
    kernels: bool = False
    """Instead, draw the kernels of the TCC layers over the image."""
    views: bool = False
    """Instead, average the coefficients of CoST's views by layer and by class."""

    def check(self) -> None:
        """Raises ValueError unless runs are given and one analysis is requested."""
        super().check()
        if not self.runs:
            raise ValueError("ctm analyze requires at least one run. Give their folders.")
        if self.orders + self.kernels + self.views + (self.top is not None) > 1:
            raise ValueError(
                "--orders, --kernels, --views and --top cannot be combined. Give only one of them."
            )


@dataclass(frozen=True, kw_only=True)
class ReportConfig(Options):
    """Write an HTML report of several runs: tables, curves, confusions with example clips.

    The report is a single file that loads nothing from the network. For example:
      ctm report runs/mine-tsn runs/mine-ctm --to report.html
    """

    runs: Positional[tuple[RunFolder, ...]]
    """Folders of runs; scores are shown for runs that `ctm evaluate` has scored."""
    to: Path = Path("report.html")
    """HTML file to write."""
    title: str = "Video models"
    """Heading of the report."""

    def check(self) -> None:
        """Raises ValueError if no run is given."""
        super().check()
        if not self.runs:
            raise ValueError("ctm report requires at least one run. Give their folders.")
