"""Who may import whom: the layout of the design, checked on the syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "ctm_keras": {"tensorflow", "tfrecords", "training", "cv2", "av"},
    "tfrecords": {"ctm_keras", "training"},
    "training": set(),
}


def imported_packages(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_stay_within_the_layout(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        breach = imported_packages(path) & FORBIDDEN[package]
        assert not breach, f"{path.relative_to(ROOT)} must not import {sorted(breach)}"


def test_only_augment_imports_keras_in_tfrecords():
    for path in (ROOT / "tfrecords").rglob("*.py"):
        assert path.name == "augment.py" or "keras" not in imported_packages(path)


def test_temporal_files_import_neither_surgery_nor_their_siblings():
    methods = {path.stem for path in (ROOT / "ctm_keras" / "temporal").glob("[!_]*.py")}
    for path in (ROOT / "ctm_keras" / "temporal").glob("[!_]*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                names = {module.split(".")[-1]} | {alias.name for alias in node.names}
                assert "surgery" not in names, path.name
                if "temporal" in module or node.level == 1:
                    assert not names & (methods - {path.stem}), path.name


def test_pytorch_is_imported_where_a_checkpoint_is_read_and_nowhere_else():
    readers = {
        path.relative_to(ROOT).as_posix()
        for package in FORBIDDEN
        for path in (ROOT / package).rglob("*.py")
        if "torch" in imported_packages(path)
    }
    assert readers == {"ctm_keras/checkpoints/read.py"}
    top = ast.parse((ROOT / readers.pop()).read_text()).body
    assert not any("torch" in ast.unparse(n) for n in top if isinstance(n, ast.Import))
