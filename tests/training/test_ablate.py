"""`ctm ablate`: every network of a table trained and evaluated, what is there taken as it is."""

import dataclasses
import json

import pytest

import ctm_keras
from training.ablate import Result, ablate, in_markdown, mean_and_deviation
from training.ablate_config import AblateConfig
from training.ablations import TABLES, Row


@pytest.fixture
def ablation(directions, small, tmp_path):
    """Two seeds of one epoch, on directions."""
    values = {**vars(small), "data": directions, "out": tmp_path / "out", "epochs": 1}
    return AblateConfig(table="ctm-2", **values, seeds=2, num_clips=1, num_crops=1)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_every_table_can_be_built_on_resnets(table):
    for row in TABLES[table].rows:
        assert len(row.published) == len(TABLES[table].columns)
        options = dataclasses.replace(AblateConfig(table=table), options=row.options).method_options
        ctm_keras.methods.check_method(row.model, options)


def test_a_table_is_trained_evaluated_and_written(ablation, monkeypatch):
    rows = [TABLES["ctm-2"].rows[i] for i in (3, 4)]  # Res4, and Res5, which tiny lacks
    table = dataclasses.replace(TABLES["ctm-2"], rows=tuple(rows))
    monkeypatch.setitem(TABLES, "ctm-2", table)
    path = ablate(ablation)
    lines = path.read_text().splitlines()
    assert "tiny at 32" in lines[2]
    assert "1 clip x 1 crop of 32" in lines[3]
    assert "12 of 12 videos" in lines[3]
    res4, res5 = lines[-2:]
    assert res4.startswith("| Res4 | ")
    assert res4.endswith("| 78.94 |")
    assert " ± " in res4
    assert res5.startswith("| Res5 | - | tiny has no block_output in stage 5")
    found = json.loads((path.parent / "results.json").read_text())["rows"]
    assert [len(row["top1"]) for row in found] == [2, 0]
    runs = sorted(folder.name for folder in path.parent.iterdir() if folder.is_dir())
    assert runs == ["res4-0", "res4-1"]
    configs = [json.loads((path.parent / run / "config.json").read_text()) for run in runs]
    assert [values["config"]["seed"] for values in configs] == [0, 1]
    assert configs[0]["config"]["options"] == ["stages=4", "blocks=1"]

    written = {run: (path.parent / run / "model.keras").stat().st_mtime_ns for run in runs}
    (path.parent / "res4-1" / "report.json").unlink()
    assert ablate(ablation).read_text().splitlines() == lines
    again = {run: (path.parent / run / "model.keras").stat().st_mtime_ns for run in runs}
    assert written == again


def test_means_and_standard_deviations():
    row = Row("CTM", "ctm", (), (78.94,))
    assert mean_and_deviation(Result(row, (0.5, 0.6, 0.7))) == "60.0 ± 10.0 | 50.0, 60.0, 70.0"
    assert mean_and_deviation(Result(row, (0.5,))) == "50.0 | 50.0"
    lines = list(in_markdown(TABLES["stm-5"], [], AblateConfig(table="stm-5")))
    assert lines[-2] == (
        "| network | here | each seed | paper: Something-Something v1, ResNet-50 |"
    )


def test_an_unknown_table_names_the_nearest(ablation):
    with pytest.raises(ValueError, match="Did you mean 'ctm-1'"):
        ablate(dataclasses.replace(ablation, table="ctm1"))


def test_the_model_is_the_tables(ablation):
    with pytest.raises(ValueError, match="trains the models of its table"):
        ablate(dataclasses.replace(ablation, model="tsm"))
