"""Which reports of a run are reused, and which warnings of many runs are hidden."""

import json
import logging
import shutil

import pytest

from training.evaluate.config import EvaluateConfig
from training.evaluate.evaluate import evaluate
from training.fit.measure import is_evaluated, without_retracing_warnings
from training.run_folder import Run


@pytest.mark.long
def test_only_the_requested_report_is_reused(trained, tmp_path):
    """Reports of other splits or models are in the same place."""
    run = Run(shutil.copytree(trained.path, tmp_path / "run"))
    (run.path / "report.json").unlink(missing_ok=True)  # of another test
    views = EvaluateConfig(split="val", num_clips=1, num_crops=1)
    assert not is_evaluated(run, views)
    for other in ({"split": "train"}, {"which": "best"}, {"average": "logits"}):
        evaluate(run.path, **{**vars(views), **other})
        assert not is_evaluated(run, views)
    evaluate(run.path, **vars(views))
    assert is_evaluated(run, views)
    values = run.read()
    values["config"]["patience"] = 3  # its model is the best
    run.write(values)
    assert not is_evaluated(run, views)
    report = json.loads((run.path / "report.json").read_text(encoding="utf-8"))
    text = json.dumps({**report, "model": "best"})
    (run.path / "report.json").write_text(text, encoding="utf-8")
    assert is_evaluated(run, views)


def test_only_warnings_of_retracing_are_hidden(caplog):
    logger = logging.getLogger("tensorflow")
    logger.addHandler(caplog.handler)
    retracing = "5 out of the last 5 calls to %s triggered tf.function retracing. Tracing is"
    try:
        with without_retracing_warnings():
            logger.warning(retracing, "f")
            logger.warning("another")
        logger.warning(retracing, "g")
    finally:
        logger.removeHandler(caplog.handler)
    messages = {record.getMessage() for record in caplog.records}
    assert messages == {"another", retracing % "g"}
