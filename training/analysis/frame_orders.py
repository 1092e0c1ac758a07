"""`ctm analyze --orders`: how much a model's accuracy depends on the order of frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tfrecords.format import write_json
from tfrecords.storage import full_disk_in_words
from training.analysis.reload import evaluated
from training.analysis.shuffle_frames import ORDERS, reordered
from training.evaluate.predictions import predict_views, top1
from training.evaluate.scores import Basis, read_results
from training.machines.devices import require_tensorflow


def order_tests(runs: Sequence[Path], out: Path) -> Iterator[str]:
    """Evaluates runs again with frames shuffled, reversed and repeated.

    Args:
        runs: Folders of runs that `ctm evaluate` scored; the split and protocol are the same.
        out: Folder for orders.json.

    Returns:
        An iterator of lines to print.

    Raises:
        ValueError: If a run was not evaluated.
    """
    require_tensorflow()
    yield f"{'run':32} {'true':>7}" + "".join(f" {order:>17}" for order in ORDERS)
    found: dict[str, dict[str, Any]] = {}
    printed = None
    for path in runs:
        own, basis = _order_test(path)
        found[str(path)] = {**own, **vars(basis)}
        if printed != basis:
            printed = basis
            yield f"on {basis}"
        cells = (f"{own[order]:.4f} ({own[order] - own['true']:+.4f})" for order in ORDERS)
        yield f"{str(path)[-32:]:32} {own['true']:7.4f}" + "".join(f" {cell:>17}" for cell in cells)
    yield "In brackets: the change in top-1. Repeated: only the middle frame of each clip."
    with full_disk_in_words(out, "analyze again"):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "orders.json", found)


def _order_test(path: Path) -> tuple[dict[str, float], Basis]:
    """Top-1 of a run for the true order of frames and each other order, and how it was measured.

    Args:
        path: Folder of an evaluated run.
    """
    predictions, report = read_results(path)
    model, batches, settings = evaluated(path, report)
    accuracies = {"true": top1(predictions)}
    for order in ORDERS:
        clips = reordered(batches, order)
        accuracies[order] = top1(predict_views(model, clips, len(batches), settings.average))
    return accuracies, report.basis
