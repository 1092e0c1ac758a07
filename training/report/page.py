"""`ctm report`: a self-contained HTML page with tables, curves, and confusions with clips."""

import datetime
import os
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2

from tfrecords.storage import full_disk_in_words
from training.analysis.compare import analyze_runs
from training.analysis.text import means_in_words
from training.config.compare import ReportConfig
from training.evaluate.interval import note, with_interval
from training.evaluate.paired import against_the_first
from training.evaluate.scores import read_results
from training.pictures.charts import draw_gains
from training.report.pictures import curves, drawn, kernels, matrix, strips
from training.report.reported_run import SHOWN_IN_TABLE, EvaluatedRun, read_run


def report(config: ReportConfig) -> Path:
    """Writes one HTML file about runs; it loads nothing from the network.

    Args:
        config: The runs, the file and its heading.

    Returns:
        The file.

    Raises:
        ValueError: If no run is given, or a folder is not a run.
    """
    config.check()
    shown, to = [read_run(path) for path in config.runs], config.to
    evaluated = [run for run in shown if isinstance(run, EvaluatedRun)]
    page = _template().render(
        title=config.title,
        version=version("ctm-keras"),
        date=datetime.date.today().isoformat(),
        columns=list(SHOWN_IN_TABLE.values()),
        with_interval=with_interval,
        notes=list(filter(None, dict.fromkeys(note(run.report.videos) for run in evaluated))),
        runs=shown,
        **_comparison_of(evaluated),
        **_analysis_of(evaluated),
        curves=curves(shown),
        strips={run.name: strips(run) for run in evaluated},
        matrices={run.name: matrix(run) for run in evaluated},
        kernels={run.name: kernels(run) for run in shown if "ctm" in run.methods},
        commands=commands(evaluated),
    )
    with full_disk_in_words(to.parent, "write the report again"):
        to.parent.mkdir(parents=True, exist_ok=True)
        part = to.with_name(to.name + ".part")
        part.write_text(page, encoding="utf-8")
        os.replace(part, to)
    return to


def _template() -> jinja2.Template:
    """The template of the page; it escapes all values."""
    loader = jinja2.PackageLoader("training.report", "")
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True).get_template(
        "page.html.jinja"
    )


def _comparison_of(evaluated: Sequence[EvaluatedRun]) -> dict[str, Any]:
    """The sign test of each run against the first, or the reason why there are none."""
    if len(evaluated) < 2:
        return {}
    try:
        tests = against_the_first({run.name: read_results(Path(run.name)) for run in evaluated})
    except ValueError as error:
        return {"why_no_sign_tests": str(error)}
    return {"sign_tests": tests, "first": evaluated[0].name}


def _analysis_of(evaluated: Sequence[EvaluatedRun]) -> dict[str, Any]:
    """The results of `ctm analyze` with their picture, or the reason why there are none."""
    if len(evaluated) < 2:
        return {}
    try:
        found, gains = analyze_runs([Path(run.name) for run in evaluated])
    except ValueError as error:
        return {"why_no_analysis": str(error)}
    picture = drawn(lambda path: draw_gains(gains, found.class_names, path))
    return {
        "analysis": found,
        "means": list(means_in_words(found.means)),
        "gains_picture": picture,
    }


def commands(evaluated: Sequence[EvaluatedRun]) -> dict[str, str]:
    """Analyses that require another evaluation, with their commands."""
    cost = [run for run in evaluated if "cost" in run.methods]
    wanted = {
        "accuracy with reordered frames": (evaluated, "--orders"),
        "weights of CoST's views": (cost, "--views"),
    }
    return {
        what: shlex.join(["ctm", "analyze", *(run.name for run in runs), option])
        for what, (runs, option) in wanted.items()
        if runs
    }
