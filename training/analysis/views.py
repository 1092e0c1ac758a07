"""`ctm analyze --views`: the weights of appearance and motion in CoST, by layer and class."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import ctm_keras
from tfrecords.format import write_json
from tfrecords.storage import full_disk_in_words
from tfrecords.text import printable, shorten
from training.analysis.picture_names import picture_names
from training.analysis.reload import evaluated
from training.evaluate.scores import Report
from training.machines.devices import require_tensorflow
from training.pictures.charts import names_in_any_script, plain, write

VIEWS = ("H-W", "T-W", "T-H")


def view_importances(runs: Sequence[Path], out: Path) -> Iterator[str]:
    """Averages the coefficients of CoST's views over the clips of runs' evaluations.

    The mean of a layer weights all classes equally, regardless of their number of videos.

    Args:
        runs: Folders of runs with the method cost that `ctm evaluate` scored.
        out: Folder for views.json and a picture of each run.

    Returns:
        An iterator of lines to print.

    Raises:
        ValueError: If a run was not evaluated or has no coefficients that depend on the clip, or
            two runs have the same folder name.

    Reference:
        CoST, section 4.5, Figures 7 and 8.
    """
    require_tensorflow()
    found: dict[str, dict[str, Any]] = {}
    for path, name in zip(runs, picture_names(runs), strict=True):
        report = Report.read(path)
        names, layers = _importance_of_classes(path, report)
        found[str(path)] = {
            "layers": {layer: rows.mean(axis=0).tolist() for layer, rows in layers.items()},
            "classes": of_classes(names, layers),
        }
        yield from _in_words(path, **found[str(path)])
        yield f"  on {report.basis}"
        found[str(path)] |= vars(report.basis)
        picture = out / f"{name}-views.png"
        with full_disk_in_words(out, "analyze again"):
            out.mkdir(parents=True, exist_ok=True)
            draw(names, layers, name, picture)
            write_json(out / "views.json", found)
        yield f"Written: {out / 'views.json'}, {picture}"


def _importance_of_classes(path: Path, report: Report) -> tuple[list[str], dict[str, np.ndarray]]:
    """A run's classes with clips, and their means for each CoST layer, `(classes, 3)`."""
    model, batches, _ = evaluated(path, report)
    labeled = ((batch["clip"].numpy(), batch["label"].numpy()) for batch in batches)
    layers = ctm_keras.view_importance(model, labeled, by_class=True)
    seen = ~np.isnan(next(iter(layers.values()))[:, 0])
    names = [name for name, own in zip(report.class_names, seen, strict=True) if own]
    return names, {layer: rows[seen] for layer, rows in layers.items()}


def of_classes(names: list[str], layers: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The mean over layers of each class, sorted by the weight of motion, largest first."""
    means = np.mean(list(layers.values()), axis=0)
    return {names[i]: means[i].tolist() for i in np.argsort(means[:, 0], kind="stable")}


def _in_words(path: Path, layers: dict, classes: dict) -> Iterator[str]:
    """The lines of a run's table."""
    yield f"{str(path)[-32:]:32}" + "".join(f" {view:>6}" for view in VIEWS)
    overall = np.mean(list(layers.values()), axis=0)
    for name, row in {**layers, "all layers": overall, **classes}.items():
        yield f"{shorten(printable(name)):32}" + "".join(f" {value:6.3f}" for value in row)


@names_in_any_script()
def draw(names: list[str], layers: dict[str, np.ndarray], title: str, path: Path) -> None:
    """Draws the weight of T-W and T-H: a row for each class, a column for each layer."""
    motion = 1 - np.stack([rows[:, 0] for rows in layers.values()], axis=1)
    figure = Figure(figsize=(3 + 0.5 * len(layers), 2.5 + 0.22 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(motion, cmap="viridis", aspect="auto")
    axes.set_title(f"{plain(title)}: T-W and T-H", fontsize=9)
    axes.set_xticks(range(len(layers)), list(layers), rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), [plain(name) for name in names], fontsize=7)
    figure.colorbar(shown, label="coefficient")
    write(figure, path, 110)
