"""The pages of the Python API name what the packages offer; the site itself is built in .ci/run."""

import importlib
import inspect
import re
from pathlib import Path

import keras
import pytest

from ctm_keras.methods import METHODS, NETWORKS

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.MULTILINE | re.DOTALL
PACKAGES = ("ctm_keras", "tfrecords", "training")
LAYERS = [
    name
    for name, thing in inspect.getmembers(importlib.import_module("ctm_keras"), inspect.isclass)
    if issubclass(thing, keras.layers.Layer)
]


def documented(page: str) -> list[str]:
    """The names whose docstrings a page shows."""
    text = (ROOT / "docs" / "api" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"^::: (\S+)$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_a_page_with_each_public_name_once(package):
    public = importlib.import_module(package).__all__
    assert sorted(documented(package)) == sorted(f"{package}.{name}" for name in public)


def test_the_page_of_methods_shows_each_recipe_under_its_name():
    text = (ROOT / "docs" / "api" / "methods.md").read_text(encoding="utf-8")
    names = re.findall(r"heading: (\w+)", text)
    recipes = METHODS | NETWORKS
    assert sorted(names) == sorted(recipes)
    targets = [f"{recipes[name].__module__}.{recipes[name].__name__}" for name in names]
    assert documented("methods") == targets


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_describes_its_shapes(name):
    doc = inspect.getdoc(getattr(importlib.import_module("ctm_keras"), name))
    assert re.search(r"^Input shape:\n    \S", doc, flags=re.MULTILINE)
    assert re.search(r"^Output shape:\n    \S", doc, flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_list_starts_after_an_empty_line(page):
    """GitHub shows a list without one; the site shows a paragraph."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=CODE)
    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.strip().splitlines()
        is_list = [bool(re.match(r" *([-*]|\d+\.) ", line)) for line in lines]
        assert not any(is_list) or is_list[0], lines[0]
