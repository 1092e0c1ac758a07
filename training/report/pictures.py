"""The pictures of a report, as data URLs and SVG."""

import base64
import io
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from training.analysis.kernels import draw_kernels, tcc_kernels
from training.pictures.charts import draw_confusion, end_of, names_in_any_script, plain
from training.report.reported_run import EvaluatedRun, ReportedRun, clips_of
from training.run_folder import Run

CURVES = {"loss": "loss", "top1": "top-1", "learning_rate": "learning rate"}
STRIP_HEIGHT = 96  # pixels


@names_in_any_script()
def curves(runs: Sequence[ReportedRun]) -> str:
    """Draws loss, accuracy and learning rate over the epochs as SVG; validation is dashed."""
    shown = [name for name in CURVES if any(run.curves.get(name) for run in runs)]
    if not shown:
        return ""
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(1, len(shown)))
    for axes, name in zip(all_axes, shown, strict=True):
        for place, run in enumerate(runs):
            for prefix, style in (("", ".-"), ("val_", "x--")):
                values = run.curves.get(prefix + name)
                if values:
                    epochs = np.arange(1, len(values) + 1)
                    label = plain(end_of(run.name)) if not prefix else None
                    axes.plot(epochs, values, style, color=f"C{place % 10}", label=label)
        axes.set(title=CURVES[name], xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    dashed = any(name.startswith("val_") for run in runs for name in run.curves)
    note = [Line2D([], [], ls="--", marker="x", color="gray", label="dashed: validation")] * dashed
    all_axes[0].legend(handles=[*all_axes[0].get_legend_handles_labels()[0], *note], fontsize=8)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()[file.getvalue().index("<svg") :]


def drawn(draw: Callable[[Path], None]) -> str:
    """Draws a picture into a PNG; returns its data URL."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        draw(path)
        return _data_url(path.read_bytes(), "image/png")


def matrix(run: EvaluatedRun) -> str:
    """The confusion matrix of a run, as a data URL."""
    title = end_of(run.name)
    return drawn(lambda path: draw_confusion(run.confusion, run.class_names, title, path))


def kernels(run: ReportedRun) -> dict[str, str]:
    """Pictures of the kernels of each TCC layer, by layer name; empty without a model."""
    which = run.report.model if isinstance(run, EvaluatedRun) else "model"
    try:
        found = tcc_kernels(Run.open(Path(run.name)).load_model(which))
    except ValueError:  # no model yet, or a CTM without the path tccm
        return {}
    finally:
        keras.backend.clear_session()
    return {name: drawn(partial(draw_kernels, kernel, name)) for name, kernel in found.items()}


def strips(run: EvaluatedRun) -> tuple[dict[str, str], str]:
    """The frames of example videos in a row, by id, and the reason if some are missing."""
    if not run.confusions:
        return {}, ""
    clips, why_not = clips_of(run, [confusion.example for confusion in run.confusions])
    return {name: _strip(clip) for name, clip in clips.items()}, why_not


def _strip(clip: np.ndarray) -> str:
    """A clip's frames in a row, as a JPEG."""
    row = np.concatenate(list(clip), axis=1)
    width = round(row.shape[1] * STRIP_HEIGHT / row.shape[0])
    row = cv2.resize(row, (width, STRIP_HEIGHT), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return _data_url(jpeg.tobytes(), "image/jpeg")


def _data_url(content: bytes, kind: str) -> str:
    """The data URL of a picture."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
