"""Who may import whom: the layout of the design, checked on the syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "ctm_keras": {"tensorflow", "tfrecords", "training", "cv2", "av", "unittest"},
    "tfrecords": {"ctm_keras", "training", "unittest"},
    "training": {"unittest"},
}


def imported_packages(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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


def test_nothing_in_tfrecords_imports_keras():
    for path in (ROOT / "tfrecords").rglob("*.py"):
        assert "keras" not in imported_packages(path)


def test_temporal_files_import_neither_surgery_nor_their_siblings():
    methods = {path.stem for path in (ROOT / "ctm_keras" / "temporal").glob("[!_]*.py")}
    for path in (ROOT / "ctm_keras" / "temporal").glob("[!_]*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                names = {module.split(".")[-1]} | {alias.name for alias in node.names}
                assert "surgery" not in names, path.name
                if "temporal" in module or node.level == 1:
                    assert not names & (methods - {path.stem}), path.name


EXECUTES = {"eval", "exec", "compile", "__import__"}  # as bare names: `re.compile` is another
UNSAFE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_nothing_that_is_read_can_run(package):
    """No pickle, no eval; what could load one is told not to."""
    for path in (ROOT / package).rglob("*.py"):
        assert not imported_packages(path) & {*UNSAFE, "yaml"}, path.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                check_call(path.name, ast.unparse(node.func), node)


def check_call(file: str, name: str, node: ast.Call) -> None:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    assert name not in EXECUTES, f"{file} calls {name}"
    assert given.get("shell", "False") == "False", f"{file} runs a shell"
    if name in ("np.load", "numpy.load"):
        assert given.get("allow_pickle") == "False", f"{file}: {name}"
    if name == "torch.load":
        assert given.get("weights_only") == "True", f"{file}: {name}"
    if name.endswith("load_model"):
        assert given.get("safe_mode", "True") == "True", f"{file}: {name}"
    assert not name.endswith(("enable_unsafe_deserialization", "os.system")), f"{file}: {name}"


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)",
        "np.load(f)",
        "np.load(f, allow_pickle=True)",
        "torch.load(f)",
        "run(x, shell=True)",
        "keras.saving.load_model(f, safe_mode=False)",
        "os.system(x)",
    ],
)
def test_a_call_that_could_run_something_is_seen(source):
    node = ast.parse(source).body[0].value
    with pytest.raises(AssertionError):
        check_call("x.py", ast.unparse(node.func), node)


def test_pytorch_is_imported_where_a_checkpoint_is_read_and_nowhere_else():
    readers = {
        path.relative_to(ROOT).as_posix()
        for package in FORBIDDEN
        for path in (ROOT / package).rglob("*.py")
        if "torch" in imported_packages(path)
    }
    assert readers == {"ctm_keras/checkpoints/read.py"}
    top = ast.parse((ROOT / readers.pop()).read_text(encoding="utf-8")).body
    assert not any("torch" in ast.unparse(n) for n in top if isinstance(n, ast.Import))
