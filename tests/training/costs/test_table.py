"""The tables of models: their costs, and compatible backbones."""

import re
from pathlib import Path

import numpy as np
import pytest

import ctm_keras
from ctm_keras.assembly import image_anatomy
from ctm_keras.engine.families import FAMILIES
from ctm_keras.methods import METHODS, NETWORKS, grafts_of
from training.costs import table
from training.costs.table import compatibility, cost_table, why_not

PAGE = Path(__file__).parents[3] / "docs" / "models.md"
BACKBONES = [family.members[0].lower() for family in FAMILIES]
SOME = ("tsn", "ctm", "i3d")


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize(
    "methods",
    [SOME, pytest.param(tuple(METHODS), marks=pytest.mark.long)],
    ids=["some", "all"],
)
def test_the_table_of_costs_has_a_row_for_each_method(monkeypatch, methods):
    monkeypatch.setattr(table, "METHODS", methods)
    monkeypatch.setattr(table, "clips_per_second", lambda model: 12.5)
    lines = list(cost_table("tiny", 4, 32, 5))
    assert set(ctm_keras.list_models()) == {*METHODS, *NETWORKS}
    for method in (*methods, *NETWORKS):
        assert any(line.split()[0] == method for line in lines), method
    assert sum(line.endswith(" 12.50") for line in lines) == len(methods)
    assert any(line.startswith("slowfast") and "not on tiny" in line for line in lines)


@pytest.mark.parametrize(
    ("backbone", "frames", "message"),
    [("nope", 4, "received 'nope'"), ("tiny", 0, "num_frames")],
)
def test_invalid_options_of_the_cost_table_are_errors(backbone, frames, message):
    with pytest.raises(ValueError, match=message):
        list(cost_table(backbone, frames, 32, 5))


def test_the_page_has_the_line_of_each_method():
    page = PAGE.read_text(encoding="utf-8")
    for name, line in ctm_keras.list_models().items():
        row = f"| `{name}` | {line} |"
        assert row in page, f"{PAGE.name} is old: run benchmarks/models_page.py --quick"


@pytest.mark.long
@pytest.mark.usefixtures("no_random_start")
def test_the_page_shows_which_backbones_support_each_method():
    page = PAGE.read_text(encoding="utf-8")
    for line in compatibility():
        assert line in page, f"{PAGE.name} is old: run benchmarks/models_page.py --quick"


@pytest.mark.usefixtures("no_random_start")
def test_the_page_shows_which_methods_support_small_backbones(monkeypatch):
    families = [family for family in FAMILIES if family.members[0] in ("Tiny", "VGG16")]
    monkeypatch.setattr(table, "FAMILIES", families)
    page = by_backbone(PAGE.read_text(encoding="utf-8").splitlines())
    assert by_backbone(compatibility()).items() <= page.items()


def by_backbone(lines):
    """The second cell of table rows, by the backbones in the first."""
    rows = [line.strip("| ").split(" | ") for line in lines if line.count(" | ") == 1]
    return {name: refused for names, refused in rows for name in names.split(", ")}


@pytest.mark.long
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("method", METHODS)
def test_the_compatible_methods_on_the_page_can_be_built(method, backbone):
    reason = why_not(image_anatomy(backbone, 96, None)).get(method)
    if reason is not None:
        with pytest.raises(ValueError, match=re.escape(reason)):
            ctm_keras.build_video_model(method, backbone, 3, 8, 96, weights=None)
        return
    model = ctm_keras.build_video_model(method, backbone, 3, 8, 96, weights=None)
    assert np.isfinite(model(np.full((1, 8, 96, 96, 3), 90.0, "float32"))).all()


@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize(
    "method", [m if m in SOME else pytest.param(m, marks=pytest.mark.long) for m in METHODS]
)
def test_every_method_supports_temporal_pooling(method):
    grafts = grafts_of(method, image_anatomy("tv_resnet18", 64, None), True, {})
    model = ctm_keras.build_video_model(
        method, "tv_resnet18", 3, 8, 32, weights=None, temporal_pooling=True
    )
    assert grafts
    assert model.get_layer("scores_unfold").num_frames == 1
