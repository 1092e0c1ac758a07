"""Who may import whom: the layout of the design, checked on the syntax trees."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "ctm_keras": {"tensorflow", "tfrecords", "training", "cv2", "av", "unittest"},
    "tfrecords": {"keras", "ctm_keras", "training", "unittest"},
    "training": {"unittest"},
}
ROOMS = {  # a folder, or a file beside folders: those of its package that it may import
    "ctm_keras": {
        "initializers": "types",
        "loss": "types",
        "optimizer": "types",
        "engine": "names types",
        "temporal": "engine arguments initializers names types",
        "backbones": "initializers types",
        "metadata": "engine names",
        "methods": "engine temporal names",
        "weights": "engine temporal methods names",
        "assembly": "engine backbones metadata methods weights arguments types",
        "checkpoints": "assembly engine methods weights",
        "models": "assembly checkpoints engine",
        "tools": "assembly engine methods temporal types weights",
        "__init__": "checkpoints loss metadata methods models optimizer temporal tools weights",
    },
    "tfrecords": {
        "format": "storage text",
        "video": "text",
        "sources": "format video text",
        "writing": "sources video format storage text",
        "augment": "sampling arguments",
        "reading": "sources video format sampling augment storage arguments",
        "checks": "sources video format reading storage text",
        "foreign": "sources video format writing storage text",
        "__init__": "augment checks foreign format reading sampling sources video writing",
    },
    "training": {
        "run_folder": "config view",
        "open_model": "run_folder view",
        "batches": "config",
        "recipes": "config",
        "evaluate": "config machines pictures open_model run_folder view",
        "fit": "config machines pictures costs recipes evaluate batches run_folder",
        "use": "config machines pictures evaluate batches open_model view",
        "ablate": "config evaluate fit",
        "analysis": "config machines pictures evaluate run_folder",
        "report": "analysis config evaluate pictures run_folder",
        "quickstart": "config machines pictures evaluate fit use run_folder",
        "commands": "ablate analysis config costs evaluate fit machines open_model pictures "
        "recipes run_folder use",
        "cli": "ablate commands recipes",
        "__main__": "cli",
        "__init__": "config fit quickstart use",
    },
}


def module_of(path: Path) -> str:
    """The name by which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for package in FORBIDDEN for path in (ROOT / package).rglob("*.py")}


def imports_of(source: str, module: str, is_package: bool = False) -> Iterator[str]:
    """What a file imports anywhere in it, by full names."""
    parents = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else []
            name = ".".join([*base, *filter(None, [node.module])])
            inner = (f"{name}.{alias.name}" for alias in node.names)
            yield from (full if full in FILES else name for full in inner)


def source_of(path: Path) -> str:
    """A file, with the stub that says what its package imports when it is asked for."""
    stub = path.with_suffix(".pyi")
    return path.read_text(encoding="utf-8") + (stub.read_text("utf-8") if stub.exists() else "")


IMPORTS = {
    module: sorted(set(imports_of(source_of(path), module, path.name == "__init__.py")))
    for module, path in FILES.items()
}


# Beyond rooms, what another package may import: modules that are public as a whole.
PUBLIC_MODULES = {"tfrecords.sampling.rules"}


def room_of(module: str) -> tuple[str, str]:
    package, _, rest = module.partition(".")
    return package, rest.partition(".")[0] or "__init__"


def check_import(module: str, imported: str) -> None:
    """Fails where the layout has no such arrow."""
    (package, room), top = room_of(module), imported.partition(".")[0]
    assert top not in FORBIDDEN[package], f"{module} must not import {imported}"
    if top not in FORBIDDEN or imported == top == package:
        return
    private = [part for part in imported.split(".") if part[0] == "_" and part[1] != "_"]
    same_folder = imported.rpartition(".")[0] == module.rpartition(".")[0]
    assert not private or same_folder, f"{module} reaches into {imported}"
    deep = imported.count(".") > 1 and imported not in PUBLIC_MODULES
    assert top == package or not deep, f"{module} imports from inside a room: {imported}"
    other = room_of(imported)
    allowed = {room, *ROOMS[package].get(room, "").split()}
    assert other[0] != package or other[1] in allowed, f"{module} must not import {imported}"


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_stay_within_the_layout(package):
    for module, imported in IMPORTS.items():
        if room_of(module)[0] == package:
            for name in imported:
                check_import(module, name)


def test_the_table_has_no_room_and_no_arrow_that_is_not_there():
    there = {(*room_of(m), room_of(i)[1]) for m, own in IMPORTS.items() for i in own if i in FILES}
    table = {
        (p, room, o) for p, rooms in ROOMS.items() for room in rooms for o in rooms[room].split()
    }
    assert table - there == set()


@pytest.mark.parametrize("package", ROOMS)
@pytest.mark.parametrize("folder", ["*", "*/*"])
def test_a_wrong_import_in_any_folder_is_seen(package, folder):
    rooms = {path.parent for path in FILES.values() if path.match(f"{package}/{folder}/*.py")}
    for room in sorted(rooms):
        module = f"{module_of(room / '__init__.py')}.new"
        wrong = "training.cli" if package == "training" else "tensorflow"
        if package == "tfrecords":
            wrong = "keras"
        (name,) = imports_of(f"import {wrong}", module)
        with pytest.raises(AssertionError):
            check_import(module, name)


@pytest.mark.parametrize("inner", ["tfrecords.storage.files", "ctm_keras.engine.anatomy"])
def test_an_import_from_inside_another_packages_room_is_seen(inner):
    (name,) = imports_of(f"from {inner} import x", "training.fit.new")
    with pytest.raises(AssertionError, match="from inside a room"):
        check_import("training.fit.new", name)


def graph(module_name) -> dict[str, set[str]]:
    """Who imports whom, of files or of rooms."""
    found: dict[str, set[str]] = {}
    for module, imported in IMPORTS.items():
        own = {module_name(name) for name in imported if name in FILES}
        found.setdefault(module_name(module), set()).update(own - {module_name(module)})
    return found


@pytest.mark.parametrize("module_name", [str, room_of], ids=["files", "rooms"])
def test_nothing_imports_in_a_circle(module_name):
    try:
        TopologicalSorter(graph(module_name)).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {error.args[1]}")


def test_a_circle_is_seen(monkeypatch):
    monkeypatch.setitem(IMPORTS, "tfrecords.text", ["tfrecords.writing.build"])
    with pytest.raises(CycleError):
        TopologicalSorter(graph(str)).prepare()


PARTS = {"inflate", "pooling"}  # of methods: blocks that several are made of


def test_temporal_files_import_neither_surgery_nor_their_siblings():
    for module, imported in IMPORTS.items():
        *folder, name = module.split(".")
        if folder == ["ctm_keras", "temporal"] and name[0] != "_":
            assert "ctm_keras.engine.surgery" not in imported
            siblings = {
                i.rpartition(".")[2] for i in imported if i.startswith("ctm_keras.temporal")
            }
            assert not {s for s in siblings if s[0] != "_"} - PARTS, module


EXECUTES = {"eval", "exec", "compile", "__import__"}  # as bare names: `re.compile` is another
UNSAFE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_nothing_that_is_read_can_run(package):
    """No pickle, no eval; what could load one is told not to."""
    for path in (ROOT / package).rglob("*.py"):
        tops = {name.partition(".")[0] for name in IMPORTS[module_of(path)]}
        assert not tops & {*UNSAFE, "yaml"}, path.name
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
    (reader,) = (module for module, names in IMPORTS.items() if "torch" in names)
    assert reader == "ctm_keras.checkpoints.read"
    top = ast.parse(FILES[reader].read_text(encoding="utf-8")).body
    assert not any("torch" in ast.unparse(n) for n in top if isinstance(n, ast.Import))
