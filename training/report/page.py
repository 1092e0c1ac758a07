"""The HTML page of a report: tables, curves, confusions with their clips, nothing from outside."""

import base64
import datetime
import io
import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import cv2
import jinja2
import numpy as np
from matplotlib.figure import Figure

from tfrecords.disk import full_disk_in_words
from training.analysis.runs import analyze_runs
from training.pictures import draw_confusion, names_in_any_script, plain
from training.report.facts import SHOWN_IN_TABLE, RunFacts, clips_of, read_facts

CURVES = {"loss": "loss", "top1": "top-1", "learning_rate": "learning rate"}
STRIP_HEIGHT = 96  # pixels


def report(runs: Sequence[Path], to: Path, title: str = "Video models") -> None:
    """Writes one HTML file about runs, which opens from disk and loads nothing.

    Args:
        runs: Folders of runs; those that `ctm evaluate` scored have their numbers in it.
        to: HTML file to write.
        title: Its heading.

    Raises:
        ValueError: If there is no run, or a folder is none.
    """
    if not runs:
        raise ValueError("ctm report needs one run or more.")
    facts = [read_facts(Path(path)) for path in runs]
    analysis, why_not = analysis_of(runs, facts)
    page = template().render(
        title=title,
        version=version("ctm-keras"),
        date=datetime.date.today().isoformat(),
        columns=list(SHOWN_IN_TABLE.values()),
        runs=facts,
        analysis=analysis,
        why_no_analysis=why_not,
        curves=curves(facts),
        strips={run.name: strips(run) for run in facts},
        matrices={run.name: matrix(run) for run in facts if run.report},
    )
    with full_disk_in_words(to.parent, "write the report again"):
        to.parent.mkdir(parents=True, exist_ok=True)
        part = to.with_name(to.name + ".part")
        part.write_text(page, encoding="utf-8")
        os.replace(part, to)


def template() -> jinja2.Template:
    """The page; what stands in it is escaped."""
    loader = jinja2.PackageLoader("training.report", "")
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True).get_template(
        "page.html.jinja"
    )


def analysis_of(runs: Sequence[Path], facts: Sequence[RunFacts]) -> tuple[dict | None, str]:
    """What `ctm analyze` finds, or why it cannot be."""
    evaluated = [Path(p) for p, run in zip(runs, facts, strict=True) if run.report]
    if len(evaluated) < 2:
        return None, ""
    try:
        found, _ = analyze_runs(evaluated)
    except ValueError as error:
        return None, str(error)
    return found, ""


@names_in_any_script()
def curves(facts: Sequence[RunFacts]) -> str:
    """Loss, accuracy and learning rate over the epochs, as SVG; dashed lines are validation."""
    shown = [name for name in CURVES if any(run.curves.get(name) for run in facts)]
    if not shown:
        return ""
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(1, len(shown)))
    for axes, name in zip(all_axes, shown, strict=True):
        for place, run in enumerate(facts):
            for prefix, style in (("", "-"), ("val_", "--")):
                values = run.curves.get(prefix + name)
                if values:
                    epochs = np.arange(1, len(values) + 1)
                    label = plain(run.name) if not prefix else None
                    axes.plot(epochs, values, style, color=f"C{place % 10}", label=label)
        axes.set(title=CURVES[name], xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    all_axes[0].legend(fontsize=8)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()[file.getvalue().index("<svg") :]


def matrix(run: RunFacts) -> str:
    """The confusion matrix as a data address."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "confusion.png"
        draw_confusion(run.confusion, run.class_names, run.name, path)
        return data_address(path.read_bytes(), "image/png")


def strips(run: RunFacts) -> dict[str, str]:
    """The frames of the examples side by side, as data addresses, by id."""
    if not run.confusions:
        return {}
    examples = [confusion.example for confusion in run.confusions]
    clips = clips_of(Path(run.name), run.report["split"], examples)
    return {name: strip(clip) for name, clip in clips.items()}


def strip(clip: np.ndarray) -> str:
    """A clip's frames in a row, as a JPEG."""
    row = np.concatenate(list(clip), axis=1)
    width = round(row.shape[1] * STRIP_HEIGHT / row.shape[0])
    row = cv2.resize(row, (width, STRIP_HEIGHT), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return data_address(jpeg.tobytes(), "image/jpeg")


def data_address(content: bytes, kind: str) -> str:
    """A picture as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
