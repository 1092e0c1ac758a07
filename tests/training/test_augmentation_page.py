"""docs/augmentation.md: a picture for each augmentation, with the command that made it."""

import dataclasses
import inspect
import runpy
from pathlib import Path

import cv2

from tfrecords import Augment

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_has_every_picture_and_its_command():
    made = runpy.run_path(str(DOCS / "augment" / "make.py"))
    page = (DOCS / "augmentation.md").read_text(encoding="utf-8")
    assert f"`{made['COMMON']}`" in page
    assert {path.stem for path in (DOCS / "augment").glob("*.png")} == set(made["PICTURES"])
    for name, options in made["PICTURES"].items():
        assert f"    ctm show DIR {options}\n" in page
        assert f"](augment/{name}.png)" in page
        assert (DOCS / "augment" / f"{name}.png").stat().st_size <= 150_000
        assert cv2.imread(str(DOCS / "augment" / f"{name}.png")) is not None


def test_the_page_names_every_option():
    page = (DOCS / "augmentation.md").read_text(encoding="utf-8")
    names = [field.name for field in dataclasses.fields(Augment)]
    for name in [*names, "augment", "class_weights", "flip_pairs", "scale"]:
        assert f"`--{name.replace('_', '-')} " in page, name


def test_the_docstring_describes_every_option():
    described = inspect.getdoc(Augment).partition("\nRaises:")[0]
    for field in dataclasses.fields(Augment):
        assert f"\n    {field.name}: " in described, field.name
