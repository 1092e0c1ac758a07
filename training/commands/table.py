"""The table of commands: the options of each and the function that runs it."""

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tfrecords
from training.ablate.config import AblateConfig
from training.config.compare import AnalyzeConfig, ReportConfig
from training.config.tools import (
    ImportConfig,
    ModelsConfig,
    QuickstartConfig,
    StatsConfig,
    VerifyConfig,
    WeightsConfig,
)
from training.config.train import TrainConfig
from training.config.use import ExplainConfig, FeaturesConfig, PredictConfig, ShowConfig
from training.evaluate.config import EvaluateCommand
from training.use.config import ExportConfig


@dataclass(frozen=True)
class Command:
    """A command's options and the function that runs it.

    Args:
        takes: A dataclass of options, or a function of `tfrecords`; its signature and docstring
            are the command's options and help.
        then: `"module:function"`, imported when the command runs; receives the options, or the
            result of `takes` if that is a function.
        examples: Example command lines, added to the help of a function.
        tensorflow: Whether the command needs TensorFlow.
    """

    takes: Callable[..., Any]
    then: str | None = None
    examples: tuple[str, ...] = ()
    tensorflow: bool = True

    @property
    def with_examples(self) -> Callable[..., Any]:
        """`takes`, with the examples in its help."""
        if not self.examples:
            return self.takes

        @functools.wraps(self.takes)
        def function(*args: Any, **options: Any) -> Any:
            return self.takes(*args, **options)

        first, _, rest = (self.takes.__doc__ or "").partition("\n")
        lines = "\n".join(f"      {example}" for example in self.examples)
        function.__doc__ = f"{first}\n\n    For example:\n{lines}\n{rest}"
        return function

    def carry_out(self, taken: object) -> None:
        """Runs the command and prints its result: lines, or the path of the written file.

        An integer result is the number of failures; unless it is 0, the exit code is 1.
        """
        if self.then is None:
            return
        module, _, name = self.then.partition(":")
        result = getattr(importlib.import_module(module), name)(taken)
        if isinstance(result, Path):
            print(f"Written: {result}")
        elif isinstance(result, Iterator):
            for line in result:
                print(line, flush=True)
        elif isinstance(result, int) and result:
            sys.exit(1)


COMMANDS = {
    "quickstart": Command(QuickstartConfig, "training.quickstart.run:quickstart"),
    "build": Command(
        tfrecords.build,
        examples=(
            "ctm build videos --out data/mine",
            "ctm build index.csv --out data/mine --split-column fold --val 0",
            "ctm build UCF-101 --out data/ucf101 --format ucf101 --annotations ucfTrainTestlist",
            "ctm build videos --out data/mine --estimate",
            "ctm build videos --out /shared/mine --dask tcp://host:8786",
            "ctm build --format help",
        ),
        tensorflow=False,
    ),
    "import-records": Command(
        tfrecords.import_records,
        examples=(
            "ctm import-records kinetics --out data/kinetics",
            "ctm import-records records --out data/mine --train 'a-*' --val 'b-*' "
            "--classes names.txt",
        ),
        tensorflow=False,
    ),
    "verify": Command(VerifyConfig, "training.commands.data:verify", tensorflow=False),
    "stats": Command(StatsConfig, "training.commands.data:stats", tensorflow=False),
    "show": Command(ShowConfig, "training.use.show:show"),
    "train": Command(TrainConfig, "training.commands.runs:train"),
    "ablate": Command(AblateConfig, "training.commands.runs:ablate_tables"),
    "evaluate": Command(EvaluateCommand, "training.evaluate.evaluate:evaluate_all"),
    "analyze": Command(AnalyzeConfig, "training.commands.runs:analyze"),
    "report": Command(ReportConfig, "training.report.page:report"),
    "predict": Command(PredictConfig, "training.use.predict:predict"),
    "features": Command(FeaturesConfig, "training.use.features:features"),
    "explain": Command(ExplainConfig, "training.use.explain:explain"),
    "export": Command(ExportConfig, "training.use.export:export"),
    "import-weights": Command(ImportConfig, "training.commands.models:import_weights"),
    "models": Command(ModelsConfig, "training.commands.models:models"),
    "weights": Command(WeightsConfig, "training.commands.weights:weights"),
}
