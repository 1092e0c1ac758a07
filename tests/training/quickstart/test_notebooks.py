"""The notebooks: their names exist, and they run on drawn videos (marked long)."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import ctm_keras
import tfrecords
from training.quickstart.videos import write_direction_videos

EXAMPLES = Path(__file__).parents[3] / "examples"
HUNDRED = EXAMPLES / "a_hundred_videos.ipynb"
PACKAGES = {"ctm_keras", "tfrecords", "training", "keras"}
SMALL = {"IMAGE_SIZE = 160": "IMAGE_SIZE = 32", "STEPS = 250": "STEPS = 4"}


def code_of(notebook: Path) -> str:
    """The code cells in a row."""
    cells = nbformat.read(notebook, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def named(node: ast.AST) -> Any:
    """What a name such as `keras.losses.Loss` stands for; None if it is not of the packages."""
    if isinstance(node, ast.Name) and node.id in PACKAGES:
        return importlib.import_module(node.id)
    owner = named(node.value) if isinstance(node, ast.Attribute) else None
    return None if owner is None else getattr(owner, node.attr)


def calls_of(tree: ast.AST) -> Iterator[tuple[Any, set[str]]]:
    """What a program calls of the packages by its full name, and the keywords that it passes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in PACKAGES:
            for name in node.names:
                getattr(importlib.import_module(node.module), name.name)
        if isinstance(node, ast.Call) and (function := named(node.func)) is not None:
            yield function, {keyword.arg for keyword in node.keywords if keyword.arg}


@pytest.mark.parametrize("notebook", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_calls_functions_and_arguments_that_exist(notebook):
    calls = list(calls_of(ast.parse(code_of(notebook))))
    assert len(calls) > 10
    for function, keywords in calls:
        parameters = inspect.signature(function).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            assert keywords <= set(parameters), function


def test_the_stored_outputs_are_small_and_name_no_absolute_path():
    cells = nbformat.read(HUNDRED, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert 10_000 < sum(len(str(output)) for output in outputs) < 400_000
    words = " ".join(output.get("text", "") for output in outputs).split()
    assert not [word for word in words if word.startswith("/")]


@pytest.mark.long
def test_ctm_in_a_notebook_runs(monkeypatch):
    monkeypatch.setenv("VIDEOS_PER_CLASS", "10")
    monkeypatch.setenv("EPOCHS", "1")
    notebook = nbformat.read(EXAMPLES / "ctm_in_a_notebook.ipynb", as_version=4)
    NotebookClient(notebook, timeout=200, kernel_name="python3").execute()
    assert "down" in str(notebook.cells[-2].outputs)


def train_tsn(path: Path) -> None:
    """Saves a `tiny` TSN that has learned two clips."""
    model = ctm_keras.build_video_model("tsn", "tiny", 3, image_size=32, weights=None)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    clips = np.random.default_rng(0).integers(0, 256, (2, 8, 32, 32, 3))
    model.train_on_batch(clips.astype("float32"), np.array([0, 1]))
    model.save(path)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The folder in which the notebook about a hundred videos ran, and its variables."""
    folder, code = tmp_path_factory.mktemp("notebook"), code_of(HUNDRED)
    write_direction_videos(folder / "videos", 4)
    train_tsn(folder / "tsn.keras")
    for number, small in SMALL.items():
        assert code.count(number) == 1
        code = code.replace(number, small)
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("VIDEOS", "videos")
        patch.setenv("WEIGHTS", "tsn.keras")
        exec(compile(code, HUNDRED.name, "exec"), found)
    plt.close("all")
    return folder, SimpleNamespace(**found)


@pytest.mark.long
def test_the_saved_model_scores_clips_as_the_notebook_did(executed):
    folder, seen = executed
    model = keras.saving.load_model(folder / "hundred" / "model.keras")
    assert ctm_keras.class_names(model) == ["down", "left", "right", "up"]
    clips = tfrecords.clips(folder / "hundred" / "data", "val", options=seen.options)
    logits = np.concatenate([model.predict_on_batch(clip) for clip, _ in clips])
    np.testing.assert_allclose(keras.ops.softmax(logits), seen.probabilities, atol=1e-4)


@pytest.mark.long
def test_the_image_model_keeps_its_weights(executed):
    folder, seen = executed
    start = keras.saving.load_model(folder / "tsn.keras")
    assert len(seen.frozen) > 10
    for name in seen.frozen:
        pairs = zip(start.get_layer(name).weights, seen.model.get_layer(name).weights, strict=True)
        for before, after in pairs:
            np.testing.assert_array_equal(before, after)


@pytest.mark.long
def test_backward_is_what_the_whole_model_says_of_reversed_clips(executed):
    _, seen = executed
    logits = seen.model.predict_on_batch(seen.val_clips[:, ::-1])
    np.testing.assert_array_equal(logits.argmax(axis=1), seen.backward)
    np.testing.assert_array_equal(seen.tsn_answers, seen.tsn_backward)


@pytest.mark.long
def test_the_mistakes_are_the_surest_wrong_answers(executed):
    _, seen = executed
    wrong = np.flatnonzero(seen.ctm_answers != seen.val_labels)
    surest = sorted(wrong, key=lambda i: -seen.probabilities[i].max())[:3]
    assert list(seen.wrong) == surest
