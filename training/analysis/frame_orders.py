"""`ctm analyze --orders`: how much a model's accuracy depends on the order of frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tfrecords.format import write_json
from tfrecords.storage import full_disk_in_words
from training.analysis.reload import evaluated
from training.analysis.shuffle_frames import ORDERS, reordered
from training.evaluate.folds import together
from training.evaluate.interval import note, with_interval
from training.evaluate.paired import sign_test
from training.evaluate.predictions import Predictions, predict_views, top1
from training.evaluate.scores import Report, read_results
from training.machines.devices import require_tensorflow
from training.run_folder import folds_of


def order_tests(runs: Sequence[Path], out: Path) -> Iterator[str]:
    """Evaluates runs again with frames shuffled, reversed and repeated.

    Args:
        runs: Folders of runs or cross-validations that `ctm evaluate` scored; the splits and
            protocols are the same.
        out: Folder for orders.json.

    Returns:
        An iterator of lines to print.

    Raises:
        ValueError: If a run was not evaluated.
    """
    require_tensorflow()
    found: dict[str, dict[str, Any]] = {}
    for path in runs:
        true, report = read_results(path)
        accuracies, tests = {"true": report.top1}, {}
        yield f"{path} on {report.basis}"
        yield f"  {'true':8} top-1 {with_interval(report.top1, report.videos)}"
        for order, predictions in _reordered(path):
            accuracy = accuracies[order] = top1(predictions)
            tests[order] = sign_test(true, predictions)
            words = f"{with_interval(accuracy, report.videos)} ({accuracy - report.top1:+.4f})"
            yield f"  {order:8} top-1 {words}, {tests[order]}"
        written = {order: test.to_dict() for order, test in tests.items()}
        found[str(path)] = {**accuracies, "sign_tests": written, **vars(report.basis)}
    yield "Repeated: only the middle frame of each clip. In parentheses: the change in top-1."
    if explanation := note(report.videos):
        yield explanation
    with full_disk_in_words(out, "analyze again"):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "orders.json", found)


def _reordered(path: Path) -> Iterator[tuple[str, Predictions]]:
    """The predictions of an evaluated run, or of all folds, for each order but the true one."""
    runs = [evaluated(run, Report.read(run)) for run in folds_of(path) or [path]]
    for order in ORDERS:
        parts = [
            predict_views(model, reordered(batches, order), len(batches), settings.average)
            for model, batches, settings in runs
        ]
        yield order, together(parts)
