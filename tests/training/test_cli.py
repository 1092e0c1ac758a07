"""The command line as a person meets it."""

import subprocess
import sys

import pytest

COMMANDS = ["quickstart", "build", "verify", "train", "evaluate", "predict", "export"]
COMMANDS += ["import-records", "import-weights", "models", "show", "stats"]
COMMANDS += ["ablate", "analyze", "explain", "report"]


def ctm(*arguments, **kwargs):
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)


def test_help_imports_neither_keras_nor_tensorflow():
    code = (
        "import sys; sys.argv = ['ctm', '--help']\n"
        "from training.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules), 'heavy import'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command):
    done = ctm(command, "--help")
    assert done.returncode == 0
    assert f"ctm {command}" in done.stdout.split("╭─")[0].split("\n\n", 1)[1]


def test_what_only_python_can_say_is_no_option():
    printed = ctm("build", "--help").stdout
    assert "--dask" in printed
    assert "--estimate" in printed
    assert "--executor" not in printed


def test_the_formats_of_data_sets_are_explained():
    done = ctm("build", "--format", "help")
    assert done.returncode == 0
    assert "\nkinetics\n    Kinetics-400, -600, -700: CSV files" in done.stdout
    assert "ctm build k400 --format kinetics --annotations" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "nowhere", "--out", "x", "--format", "jest"], "there is no format 'jest'"),
        (["verify", "nowhere"], "nowhere"),
        (["stats", "nowhere"], "nowhere is no folder"),
        (["build", "nowhere", "--out", "x"], "nowhere"),
        (["train", "--data", "nowhere"], "nowhere"),
        (["evaluate", "nowhere"], "nowhere is no run"),
        (["predict", "nowhere", "x.mp4"], "nowhere is no run"),
        (["predict", "nowhere"], "needs one video"),
        (["export", "nowhere", "--to", "x"], "nowhere is no run"),
        (["ablate", "ctm-1", "--data", "nowhere"], "nowhere"),
        (["ablate", "ctm-9", "--data", "nowhere"], "There is no table 'ctm-9'"),
        (["analyze", "nowhere"], "nowhere is no run"),
        (["analyze", "nowhere", "--orders", "--views"], "give one"),
        (["analyze", "nowhere", "--kernels", "--top", "3"], "give one"),
        (["analyze"], "ctm analyze needs runs"),
        (["explain", "nowhere", "x.mp4", "--to", "x.gif"], "nowhere is no run"),
        (["report", "nowhere", "--to", "x.html"], "nowhere is no run"),
        (["import-records", "nowhere", "--out", "x"], "nowhere is not there"),
        (["import-weights", "nowhere", "--to", "x.keras"], "nowhere is not there"),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code(arguments, words, tmp_path):
    done = ctm(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_misspelt_option_gets_the_nearest_one():
    done = ctm("train", "--bakbone", "tiny")
    assert done.returncode == 2
    assert "--backbone" in done.stdout + done.stderr


def test_models_lists_the_methods():
    done = ctm("models")
    assert done.returncode == 0
    assert {"tsn", "ctm"} <= {line.split()[0] for line in done.stdout.splitlines()}
