"""Every example in a docstring runs, and every public name has one."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import shutil
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
import tfrecords
import training

PACKAGES = (ctm_keras, tfrecords, training)
PUBLIC = {
    f"{package.__name__}.{name}": getattr(package, name)
    for package in PACKAGES
    for name in package.__all__
    if not inspect.ismodule(getattr(package, name))
}
COMMANDS = {"training.TrainConfig"}  # docstrings are the help of commands
MODULES = sorted(
    found.name
    for package in PACKAGES
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if ">>>" in (importlib.util.find_spec(found.name).loader.get_source(found.name) or "")
)


class OnEveryBackend(doctest.OutputChecker):
    """Treats TensorFlow's format of a shape as equal to the tuple that JAX and PyTorch print."""

    def check_output(self, want, got, optionflags):
        got = re.sub(r"^TensorShape\(\[(.*)\]\)$", r"(\1)", got) if "Tensor" not in want else got
        return super().check_output(want, got, optionflags)


@pytest.fixture(scope="module")
def workplace(directions, trained, tmp_path_factory):
    """A user's folder: videos, a data set, a run."""
    folder = tmp_path_factory.mktemp("workplace")
    shutil.copytree(directions.parent / "videos", folder / "videos")
    shutil.copytree(directions, folder / "data" / "mine")
    shutil.copytree(trained.path, folder / "runs" / "mine")
    shutil.copy(next((folder / "videos").rglob("*.mp4")), folder / "holiday.mp4")
    return folder


@pytest.fixture(scope="module")
def model():
    """A small model that some examples train."""
    model = ctm_keras.build_video_model("tsn", "tiny", 4, 4, 32, weights=None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, jit_compile=False)  # XLA takes seconds
    return model


# Keras warns of its own default whenever it is given a tf.data.Dataset.
@pytest.mark.filterwarnings("ignore:.shuffle=True. was passed:UserWarning")
@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, workplace, model, monkeypatch):
    monkeypatch.chdir(workplace)
    module = importlib.import_module(name)
    names = {"np": np, "keras": keras, "tf": tf, "Path": Path, "model": model}
    names |= {package.__name__: package for package in PACKAGES}
    names |= {name: getattr(ctm_keras, name) for name in ctm_keras.__all__} | vars(module)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(OnEveryBackend(), optionflags=options)
    lines = []
    for test in doctest.DocTestFinder().find(module, extraglobs=names):
        runner.run(test, out=lines.append)
    assert not runner.failures, "".join(lines)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example_its_arguments_and_errors(name):
    thing = PUBLIC[name]
    doc = inspect.getdoc(thing) or ""
    if name in COMMANDS:
        assert "For example:\n" in doc
        return
    assert "\nExample:\n    " in doc
    if arguments(thing):
        assert "\nArgs:\n" in doc
    if raises(thing):
        assert "\nRaises:\n" in doc


def arguments(thing) -> list[str]:
    """The arguments of a function or class, other than those that Keras' own classes take."""
    names = inspect.signature(thing).parameters
    return [name for name in names if name not in ("args", "kwargs")]


def raises(thing) -> bool:
    """Whether its own code raises an error for its arguments."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    return any(isinstance(node, ast.Raise) for node in ast.walk(tree))
