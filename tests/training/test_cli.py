"""The command line from a user's point of view."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

import ctm_keras
import tfrecords
from training.cli import main
from training.quickstart.videos import write_direction_videos

COMMANDS = ["quickstart", "build", "verify", "train", "evaluate", "predict", "export"]
COMMANDS += ["import-records", "import-weights", "models", "show", "stats"]
COMMANDS += ["ablate", "analyze", "explain", "features", "report", "weights"]


@pytest.fixture
def ctm(monkeypatch, capsys):
    """Runs a command line; returns its exit code or error message, and its output."""

    def ctm(*arguments):
        monkeypatch.setattr("sys.argv", ["ctm", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        return code, "".join(capsys.readouterr())

    return ctm


def test_help_imports_neither_keras_nor_tensorflow():
    code = (
        "import sys; sys.argv = ['ctm', '--help']\n"
        "from training.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules), 'heavy import'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(ctm, command):
    code, printed = ctm(command, "--help")
    assert code == 0
    description = printed.split("╭─")[0].split("\n\n", 1)[1]
    assert f"ctm {command}" in description
    assert not description.split()[0].endswith("s"), "an imperative: Train, not Trains"


def test_a_long_help_has_groups(ctm):
    _, printed = ctm("train", "--help")
    _, *parts = re.split(r"\n\W*(\w[\w ]*) options\W*\n", printed)
    groups = dict(zip(parts[::2], parts[1::2], strict=True))
    options = {
        "data and run": "--data",
        "model": "--backbone",
        "clip": "--num-frames",
        "augmentation": "--mixup",
        "optimization": "--learning-rate",
        "freezing": "--cached-clips",
        "machine": "--devices",
    }
    assert list(groups) == list(options)
    for title, option in options.items():
        assert [name for name, group in groups.items() if f" {option} " in group] == [title]


def test_arguments_for_python_only_are_not_options(ctm):
    _, printed = ctm("build", "--help")
    assert "--dask" in printed
    assert "--estimate" in printed
    assert "--executor" not in printed


def test_verify_takes_a_folder_and_a_sample(ctm):
    _, printed = ctm("verify", "--help")
    assert "ctm verify [-h] DIR [--sample INT]\n" in printed


def test_the_formats_of_data_sets_are_explained(ctm):
    code, printed = ctm("build", "--format", "help")
    assert code == 0
    assert "\nkinetics\n    Kinetics-400, -600, -700: CSV files" in printed
    assert "ctm build k400 --format kinetics --annotations" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "nowhere", "--out", "x", "--format", "jest"], "received 'jest'"),
        (["verify", "nowhere"], "nowhere"),
        (["stats", "nowhere"], "nowhere is not a folder"),
        (["build", "nowhere", "--out", "x"], "nowhere"),
        (["train", "--data", "nowhere"], "nowhere"),
        (["evaluate", "nowhere"], "received nowhere, which does not exist"),
        (["predict", "nowhere", "x.mp4"], "received nowhere, which does not exist"),
        (["predict", "nowhere"], "requires at least one video"),
        (["export", "nowhere", "--to", "x"], "received nowhere, which does not exist"),
        (["ablate", "ctm-1", "--data", "nowhere"], "nowhere"),
        (["ablate", "ctm-9", "--data", "nowhere"], "received 'ctm-9'. Did you mean 'ctm-"),
        (["analyze", "nowhere"], "nowhere is not a run"),
        (["analyze", "nowhere", "--orders", "--views"], "Give only one"),
        (["analyze", "nowhere", "--kernels", "--top", "3"], "Give only one"),
        (["analyze"], "ctm analyze requires at least one run"),
        (
            ["explain", "nowhere", "x.mp4", "--to", "x.gif"],
            "received nowhere, which does not exist",
        ),
        (["report", "nowhere", "--to", "x.html"], "nowhere is not a run"),
        (["import-records", "nowhere", "--out", "x"], "received nowhere, which is missing"),
        (["import-weights", "nowhere", "--to", "x.keras"], "nowhere is missing"),
        (
            ["import-weights", "x", "--to", "x.keras", "--options", "num_classes=3"],
            "received 'num_classes'",
        ),
    ],
)
def test_a_user_error_is_one_sentence_and_exit_code(ctm, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _ = ctm(*arguments)
    assert words in code  # printed by Python, with exit code 1
    assert code.startswith("ctm: ")
    assert not list(tmp_path.iterdir())


def test_a_user_error_prints_no_traceback(tmp_path):
    command = [sys.executable, "-m", "training", "verify", "nowhere"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("ctm: ")
    assert "Traceback" not in done.stderr


def test_a_misspelled_option_suggests_the_nearest_one(ctm):
    code, printed = ctm("train", "--bakbone", "tiny")
    assert code == 2
    assert "--backbone" in printed


def test_the_version_is_the_packages(ctm):
    assert ctm("--version") == (0, f"ctm-keras {ctm_keras.__version__}\n")
    assert version("ctm-keras") == ctm_keras.__version__


@pytest.fixture(scope="module")
def foreign(small, untrained, tmp_path_factory):
    """A run whose class names few terminals can print, and its videos."""
    folder = tmp_path_factory.mktemp("foreign")
    write_direction_videos(folder / "videos", 4)
    for plain, name in {"left": "Füße", "right": "行走 🙂"}.items():
        (folder / "videos" / plain).rename(folder / "videos" / name)
    tfrecords.build(folder / "videos", folder / "data", short_side=32)
    own = {"data": folder / "data", "out": folder / "run", "model": "tsn", "epochs": 1}
    untrained(replace(small, **own))
    return folder


def test_characters_that_the_terminal_does_not_support_are_escaped(foreign, monkeypatch):
    monkeypatch.chdir(foreign)
    videos = sorted(map(str, Path("videos").rglob("*.mp4")))[:3]
    printed = {}
    for options in ((), ("--json",)):
        screen = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
        monkeypatch.setattr("sys.stdout", screen)
        monkeypatch.setattr("sys.argv", ["ctm", "predict", "run", *videos, *options])
        main()
        screen.flush()
        printed[options] = screen.buffer.getvalue().decode("cp1252")
    assert [line for line in printed[()].splitlines() if line[:1] not in " "] == videos
    assert r"\u884c\u8d70 \U0001f642" in printed[()]
    assert "Füße" in printed[()]
    found = json.loads(printed[("--json",)])
    names = {"Füße", "行走 🙂", "up", "down"}
    assert [{row["class"] for row in own["classes"]} for own in found] == [names] * 3


@pytest.mark.long
def test_a_run_can_be_read_in_every_locale(foreign):
    commands = [
        ["evaluate", "run", "--num-clips", "1", "--num-crops", "1"],
        ["predict", "run", "videos/up/0000.mp4"],
        ["report", "run", "--to", "report.html"],
        ["stats", "data"],
        ["train", "--resume", "run"],
    ]
    code = (
        "import sys\nfrom training.cli import main\n"
        f"for sys.argv in {[['ctm', *command] for command in commands]!r}: main()"
    )
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-X", "warn_default_encoding", "-c", code]
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=foreign, env={**os.environ, **locale}
    )
    assert done.returncode == 0, done.stderr.decode()
    ours = ("ctm_keras", "tfrecords", "training")
    warned = [w for w in done.stderr.decode().splitlines() if "EncodingWarning" in w]
    assert not [w for w in warned if any(f"/{package}/" in w for package in ours)]
    assert rb"F\xfc\xdfe" in done.stdout
    assert "行走 🙂" in (foreign / "report.html").read_text(encoding="utf-8")


def test_models_lists_the_methods(ctm):
    code, printed = ctm("models")
    assert code == 0
    assert {"tsn", "ctm"} <= {line.split()[0] for line in printed.splitlines()}
