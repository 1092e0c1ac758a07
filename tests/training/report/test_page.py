"""`ctm report`: one file with everything, safe with hostile names, read in a real browser."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from training.analysis.compare import analyze_runs
from training.analysis.frame_orders import order_tests
from training.config.compare import ReportConfig
from training.evaluate.evaluate import evaluate
from training.evaluate.interval import with_interval
from training.evaluate.paired import against_the_first
from training.evaluate.predictions import confusion_matrix
from training.evaluate.scores import Report, read_results
from training.report.page import report
from training.report.pictures import curves
from training.report.reported_run import clips_of, read_run, worst_confusions
from training.run_folder import Run

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def runs(small, directions, trained, untrained, tmp_path_factory):
    """A TSN and a CTM, evaluated, with the curves of a training."""
    folder = tmp_path_factory.mktemp("runs")
    paths = []
    for seed, model in enumerate(("tsn", "ctm")):
        config = replace(small, data=directions, out=folder / model, model=model, seed=seed)
        run = untrained(config)
        shutil.copy(trained.log, run.log)
        evaluate(run.path, num_clips=1, num_crops=1)
        paths.append(run.path)
    return paths


@pytest.fixture(scope="module")
def page(runs, tmp_path_factory):
    """The report of both."""
    path = tmp_path_factory.mktemp("report") / "new" / "report.html"
    report(ReportConfig(runs=tuple(runs), to=path, title="Two <models> & more"))
    return path


@pytest.fixture
def few_pictures(monkeypatch):
    """Pages without confusions, gains and kernels, which take seconds to draw."""
    for name, value in {"matrix": "", "drawn": "", "kernels": {}}.items():
        monkeypatch.setattr(f"training.report.page.{name}", lambda *_, value=value: value)


def browse(page, *options):
    """The page as a browser shows it."""
    with_profile = f"--user-data-dir={page.parent / 'profile'}"
    command = [BROWSER, *QUIET, with_profile, *options, page.as_uri()]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=120, check=True
    ).stdout


@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_a_browser_shows_tables_curves_and_pictures(page, runs, tmp_path):
    shown = browse(page, "--dump-dom")
    for run in runs:
        facts = Run.open(run).read()
        assert str(run) in shown
        assert all(name in shown for name in facts["class_names"])
    assert shown.count("<svg") == 1
    assert shown.count("data:image/png") == 6  # confusions, gains, kernels of three layers
    assert shown.count('alt="kernels of conv4_block') == 3
    assert shown.count("data:image/jpeg") >= 1
    picture = tmp_path / "page.png"
    browse(page, f"--screenshot={picture}", "--window-size=1200,2000")
    assert picture.stat().st_size > 50_000


def test_the_file_is_self_contained(page):
    content = page.read_text(encoding="utf-8")
    addresses = re.findall(r"""(?:src|href)=["']?([^"' >]+)""", content)
    assert all(a.startswith(("data:", "#")) for a in addresses)
    assert "<script" not in content
    assert "@import" not in content


def test_the_legend_of_curves_names_validation(runs):
    facts = [read_run(path) for path in runs]
    assert "dashed: validation" in curves(facts)
    without = [replace(run, curves={"loss": run.curves["loss"]}) for run in facts]
    assert "dashed" not in curves(without)


def test_scores_are_shown_with_protocol_and_coverage(page, runs):
    content = page.read_text(encoding="utf-8")
    places = len(runs) + 1  # and Phi and Psi
    assert content.count("1 clip x 1 crop of 32") == places
    assert content.count("12 of 12 videos, missing none; model: the last") == places


def test_runs_are_compared_with_the_first_video_by_video(page, runs, tmp_path):
    content = page.read_text(encoding="utf-8")
    (test,) = against_the_first({str(run): read_results(run) for run in runs}).values()
    cells = '</td><td class="number">'.join(map(str, (test.better, test.worse, 12)))
    assert f"{cells}</td><td>{html.escape(test.p_in_words)}</td>" in content
    assert f"<h2>Against {runs[0]}</h2>" in content
    other = shutil.copytree(runs[1], tmp_path / "other")
    values = json.loads((other / "report.json").read_text(encoding="utf-8"))
    text = json.dumps(values | {"model": "best"})
    (other / "report.json").write_text(text, encoding="utf-8")
    report(ReportConfig(runs=(runs[0], other), to=tmp_path / "r.html"))
    content = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "No paired sign test of the 2 runs: they were scored with different check" in content


def test_scores_are_shown_with_their_intervals(page, runs):
    content = page.read_text(encoding="utf-8")
    for run in runs:
        top1, interval = with_interval(Report.read(run).top1, 12).split(" ", 1)
        assert f'{top1}<br><span class="note">{interval}</span>' in content
    assert content.count("95% confidence interval for 12 videos") == 1


def changed(run, to, **values):
    """A copy of a run with other values in its config."""
    shutil.copytree(run, to)
    facts = Run.open(to).read()
    facts["config"] |= values
    Run(to).write(facts)
    return to


@pytest.mark.usefixtures("few_pictures")
def test_means_of_a_method_are_on_the_page(runs, tmp_path):
    more = [changed(run, tmp_path / run.name, num_frames=8) for run in runs]
    report(ReportConfig(runs=(*runs, *more), to=tmp_path / "r.html"))
    (own,) = [n for n in analyze_runs(runs)[0].networks if n.label == "ctm"]
    means = f"Means of ctm: Phi {own.spatial:.3f}, Psi {own.temporal:.3f} (2 networks)"
    assert f"<p>{means}</p>" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("few_pictures")
def test_the_results_of_analyze_are_on_the_page(runs, tmp_path):
    other = changed(runs[1], tmp_path / "conv & more", model="conv")
    paths = [*runs, other]
    report(ReportConfig(runs=tuple(paths), to=tmp_path / "r.html"))
    content = html.unescape((tmp_path / "r.html").read_text(encoding="utf-8"))
    found, _ = analyze_runs(paths)
    (pair,) = found.pairs
    assert pair.runs == (str(runs[1]), str(other))
    assert pair.overlap == 1  # they have the same predictions
    assert f'<td class="number">{pair.overlap:.2f}</td>' in content
    for gain in found.gains.values():
        for name in ("average", "average_without_the_most_temporal"):
            assert f'<td class="number">{getattr(gain, name):+.4f}</td>' in content
    command = f"<code>ctm analyze {runs[0]} {runs[1]} '{other}' --orders</code>"
    assert command in content
    assert "--views" not in content
    assert "Clips are missing" not in content


def test_clips_come_from_the_evaluated_data_set(runs, directions, tmp_path):
    run, data = tmp_path / "run", tmp_path / "data"
    shutil.copytree(runs[0], run)
    shutil.copytree(directions, data)
    facts = read_run(run)
    example = facts.confusions[0].example
    moved = replace(facts, report=replace(facts.report, data=str(data)))
    there, why_not = clips_of(moved, [example])
    assert there[example].shape == (4, 32, 32, 3)
    assert not why_not
    _, why_not = clips_of(moved, ["nowhere.mp4"])
    assert why_not == f"{data} has no nowhere.mp4 in its split val."
    shutil.rmtree(data)  # the training data exist
    assert clips_of(moved, [example]) == (
        {},
        f"{data}, on which the run was evaluated, is missing.",
    )


@pytest.mark.usefixtures("few_pictures")
def test_a_page_explains_why_clips_are_missing(runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "run")
    values = json.loads((run / "report.json").read_text(encoding="utf-8"))
    (run / "report.json").write_text(json.dumps(values | {"data": "moved/away"}), encoding="utf-8")
    report(ReportConfig(runs=(run,), to=tmp_path / "r.html"))
    content = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Clips are missing: moved/away, on which the run was evaluated, is missing." in content
    assert "data:image/jpeg" not in content


def test_names_are_text_and_never_markup(page):
    content = page.read_text(encoding="utf-8")
    assert "Two &lt;models&gt; &amp; more" in content
    assert "Two <models>" not in content


def test_order_tests_of_evaluated_runs(runs, tmp_path):
    lines = list(order_tests(runs, tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "orders.json").read_text(encoding="utf-8"))
    assert list(found) == [str(run) for run in runs]
    for run in runs:
        own = found[str(run)]
        assert own["true"] == json.loads((run / "report.json").read_text(encoding="utf-8"))["top1"]
        assert own["split"] == "val"
        assert {"shuffled", "reversed", "repeated"} <= set(own)
    tsn = found[str(runs[0])]
    assert tsn["true"] == tsn["shuffled"] == tsn["reversed"]  # the order does not matter to it
    assert tsn["sign_tests"]["shuffled"] == {"better": 0, "worse": 0, "videos": 12, "p": 1.0}
    assert lines[0].startswith(f"{runs[0]} on val: like ctm: 1 clip x 1 crop of 32")
    assert lines[0].endswith("12 of 12 videos, missing none; model: the last")
    shuffled = f"  shuffled top-1 {with_interval(tsn['true'], 12)} (+0.0000), better on 0, worse on"
    assert lines[2].startswith(shuffled)
    assert len(lines) == 5 * len(runs) + 2


def test_order_tests_name_the_run_whose_data_set_is_missing(runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "run")
    values = json.loads((run / "report.json").read_text(encoding="utf-8"))
    (run / "report.json").write_text(json.dumps(values | {"data": "moved/away"}), encoding="utf-8")
    with pytest.raises(ValueError, match="run was evaluated on moved/away, which is missing"):
        list(order_tests([run], tmp_path / "out"))


@pytest.mark.usefixtures("few_pictures")
def test_a_run_that_was_not_evaluated_has_its_curves(trained, tmp_path):
    results = shutil.ignore_patterns("report.json", "predictions.npz")
    run = shutil.copytree(trained.path, tmp_path / "run", ignore=results)
    report(ReportConfig(runs=(run,), to=tmp_path / "r.html"))
    content = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "not evaluated" in content
    assert "<svg" in content
    assert "confusions</h2>" not in content


def test_the_most_frequent_confusions_come_first_with_the_highest_scoring_video():
    labels = np.array([0, 0, 0, 1, 1, 2])
    probabilities = np.array(
        [[0.1, 0.9, 0], [0.3, 0.7, 0], [1, 0, 0], [0, 0, 1.0], [0, 1, 0], [0, 0, 1]]
    )
    ids = np.array(list("abcdef"))
    matrix = confusion_matrix(labels, probabilities)
    first, second = worst_confusions(ids, labels, probabilities, matrix, most=8)
    assert (first.true, first.predicted, first.count, first.videos) == (0, 1, 2, 3)
    assert first.example == "a"
    assert (second.true, second.predicted, second.count, second.example) == (1, 2, 1, "d")


def test_a_report_without_runs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one run"):
        report(ReportConfig(runs=(), to=tmp_path / "r.html"))
