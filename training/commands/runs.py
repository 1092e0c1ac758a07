"""`ctm train`, `ctm analyze` and `ctm ablate`: selects what runs and prints the results."""

import functools
from collections.abc import Iterator

from training.ablate.ablate import ablate
from training.ablate.config import AblateConfig
from training.config.compare import AnalyzeConfig
from training.config.train import TrainConfig


def train(config: TrainConfig) -> Iterator[str] | None:
    """Trains a run, or one for each fold."""
    from training.commands.train import with_data

    config = with_data(config)
    if config.folds is not None:
        from training.fit.folds import cross_validate

        return cross_validate(config)
    from training.fit.train import next_command, train

    run = train(config)
    if not config.dry_run:
        print(f"Next: {next_command(run)}")
    return None


def analyze(config: AnalyzeConfig) -> Iterator[str]:
    """The lines of the requested analysis."""
    config.check()
    if config.orders:
        from training.analysis.frame_orders import order_tests as lines_of
    elif config.kernels:
        from training.analysis.kernels import draw_all as lines_of
    elif config.views:
        from training.analysis.views import view_importances as lines_of
    else:
        from training.analysis.compare import analyze

        lines_of = functools.partial(analyze, top=config.top)
    return lines_of(config.runs, config.out)


def ablate_tables(config: AblateConfig) -> Iterator[str]:
    """The tables, each with its file."""
    for path in ablate(config):
        yield f"{path.read_text(encoding='utf-8')}\nWritten: {path}"
