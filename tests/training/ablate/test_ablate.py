"""`ctm ablate`: each network of a table is trained and evaluated; finished runs are reused."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

import ctm_keras
import tfrecords
from training import recipes
from training.ablate.ablate import ablate, for_training
from training.ablate.config import AblateConfig
from training.ablate.markdown import Result, in_markdown, mean_and_deviation
from training.ablate.tables import TABLES
from training.quickstart.videos import write_direction_videos


@pytest.fixture
def ablation(directions, small, tmp_path):
    """Two runs of one epoch, on the directions data set and a copy of it."""
    copy = shutil.copytree(directions, tmp_path / "copy")
    taken = {field.name for field in dataclasses.fields(AblateConfig)}
    values = {name: value for name, value in vars(small).items() if name in taken}
    values |= {"data": (directions, copy), "out": tmp_path / "out", "epochs": 1}
    tables = ("ctm-1", "ctm-2")
    return AblateConfig(tables=tables, **values, seeds=2, num_clips=1, num_crops=1)


@pytest.mark.parametrize(("data", "runs"), [(["0"], 3), (["0", "1"], 2), (list("01234"), 5)])
def test_every_data_set_is_used(data, runs):
    assert AblateConfig(tables=("ctm-1",), data=tuple(data)).runs == runs
    assert AblateConfig(tables=("ctm-1",), data=tuple(data), seeds=1).runs == 1


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_every_table_can_be_built_on_resnets(table):
    for row in TABLES[table].rows:
        assert len(row.published) == len(TABLES[table].columns)
        options = dataclasses.replace(
            AblateConfig(tables=(table,)), options=row.options
        ).method_options
        ctm_keras.methods.check_method(row.model, options)


@pytest.mark.parametrize("training", ["none", pytest.param("real", marks=pytest.mark.long)])
def test_tables_are_trained_evaluated_and_written(ablation, untrained, monkeypatch, training):
    if training == "none":
        monkeypatch.setattr("training.fit.measure.train", untrained)
    rows = {"ctm-1": (3,), "ctm-2": (3, 4)}  # CTM is the row of Res4; tiny has no Res5
    for name, kept in rows.items():
        own = tuple(TABLES[name].rows[i] for i in kept)
        monkeypatch.setitem(TABLES, name, dataclasses.replace(TABLES[name], rows=own))
    ctm_1, ctm_2 = ablate(ablation)
    lines = ctm_2.read_text(encoding="utf-8").splitlines()
    assert "tiny at 32" in lines[2]
    assert "1 clip x 1 crop of 32" in lines[3]
    assert "12 of 12 videos" in lines[3]
    res4, res5 = lines[-2:]
    assert res4.startswith("| Res4 | ")
    assert res4.endswith("| 78.94 |")
    assert " ± " in res4
    assert res5.startswith("| Res5 | - | The stage of a block_output site of tiny must be one of")
    assert ctm_1.read_text(encoding="utf-8").splitlines()[-1] == res4.replace("Res4", "CTM")
    found = json.loads(ctm_2.with_suffix(".json").read_text(encoding="utf-8"))["rows"]
    assert [len(row["top1"]) for row in found] == [2, 0]
    assert [row["videos"] for row in found] == [[12, 12], []]
    runs = sorted(folder.name for folder in ctm_2.parent.iterdir() if folder.is_dir())
    assert runs == ["ctm-blocks-1-0", "ctm-blocks-1-1"]
    configs = [
        json.loads((ctm_2.parent / run / "config.json").read_text(encoding="utf-8")) for run in runs
    ]
    assert [values["config"]["seed"] for values in configs] == [0, 1]
    assert configs[0]["config"]["options"] == ["blocks=1"]
    folders = [Path(values["config"]["data"]).name for values in configs]
    assert folders == [folder.name for folder in ablation.data]

    written = {run: (ctm_2.parent / run / "model.keras").stat().st_mtime_ns for run in runs}
    (ctm_2.parent / runs[1] / "report.json").unlink()
    assert ablate(ablation)[1].read_text(encoding="utf-8").splitlines() == lines
    again = {run: (ctm_2.parent / run / "model.keras").stat().st_mtime_ns for run in runs}
    assert written == again
    with pytest.raises(ValueError, match="is not empty"):
        ablate(dataclasses.replace(ablation, dropout=0.1))
    rebuilt = ablation.out.parent / "rebuilt"
    tfrecords.build(ablation.data[0].parent / "videos", rebuilt, short_side=32, val_fraction=0.4)
    with pytest.raises(ValueError, match="blocks-1-0 was trained on other data than"):
        ablate(dataclasses.replace(ablation, data=(rebuilt,)))


def test_means_and_standard_deviations():
    words = mean_and_deviation(Result((0.5, 0.6, 0.7), (10_000, 20, 10)))
    assert words == "60.0 ± 10.0 | 50.0, 60.0 [38.7, 78.1], 70.0 [39.7, 89.2]"
    assert mean_and_deviation(Result((0.5,), (10_000,))) == "50.0 | 50.0"
    results = [Result()] * len(TABLES["stm-5"].rows)
    lines = list(in_markdown(TABLES["stm-5"], results, AblateConfig(tables=("stm-5",))))
    assert "| network | here | each run | paper: Something-Something v1, ResNet-50 |" in lines


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"options": ("blocks=2",)}, "--options blocks: the rows .*Res4.* set it themselves"),
        ({"options": ("modules=cmm",)}, "--options modules: no method of these tables has it"),
        ({"num_crops": 2}, "num_crops must be 1, 3, 5 or 10"),
        ({"data": ("nowhere",)}, "nowhere is not a folder"),
        ({"val_split": "vol"}, "has no split 'vol'"),
        ({"backbone": "tony"}, "tiny"),
    ],
)
def test_invalid_tables_are_errors_before_training_starts(ablation, values, words):
    with pytest.raises(ValueError, match=words):
        ablate(dataclasses.replace(ablation, **values))
    assert not ablation.out.exists()


def test_data_sets_of_a_table_have_the_same_classes(ablation, other_classes):
    with pytest.raises(ValueError, match="has other classes than"):
        ablate(dataclasses.replace(ablation, data=(ablation.data[0], other_classes)))


@pytest.fixture
def other_classes(tmp_path):
    videos = tmp_path / "videos"
    write_direction_videos(videos, 4)
    (videos / "left").rename(videos / "west")
    tfrecords.build(videos, tmp_path / "other", short_side=32, val_fraction=0.25)
    return tmp_path / "other"


def test_options_apply_to_the_methods_that_have_them(ablation):
    given = dataclasses.replace(ablation, options=("reduction=8", "temporal_pooling=True"))
    tsn, *_, ctm = TABLES["ctm-1"].rows
    assert for_training(tsn, given, 0).options == ("temporal_pooling=True",)
    assert for_training(ctm, given, 0).options == ("blocks=1", *given.options)


def test_a_recipe_sets_the_values_but_not_the_model():
    config = AblateConfig.by_recipe(recipes.read("stm_something_v1"))
    assert (config.epochs, config.sampling, config.recipe) == (50, "segments", "stm_something_v1")
    assert (config.model, config.options, config.data) == ("ctm", (), ())


def test_an_unknown_table_is_an_error_with_the_nearest_name(ablation):
    with pytest.raises(ValueError, match="Did you mean 'ctm-1'"):
        ablate(dataclasses.replace(ablation, tables=("ctm1",)))


def test_an_explicit_model_is_refused(ablation):
    with pytest.raises(ValueError, match="trains the models of its table"):
        ablate(dataclasses.replace(ablation, model="tsm"))


def test_choosing_models_by_their_score_is_refused(ablation):
    with pytest.raises(ValueError, match="ctm ablate cannot be combined with --patience"):
        ablate(dataclasses.replace(ablation, patience=3))


def test_a_table_requires_data():
    with pytest.raises(ValueError, match="requires at least one table and --data"):
        AblateConfig(tables=("ctm-1",)).check()
