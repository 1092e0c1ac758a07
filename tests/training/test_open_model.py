"""A run and a file are opened by one function, which says what it must assume."""

import dataclasses

import keras
import pytest

from tfrecords import ClipOptions
from training.open_model import open_model, results_folder
from training.run_folder import Run
from training.view import View


def test_a_file_of_a_run_is_opened_as_the_run(trained, capsys):
    run, file = open_model(trained.path), open_model(trained.model)
    assert (run.which, run.folder) == ("model", trained.path)
    assert (file.which, file.folder) == ("file", trained.path / "model-results")
    assert run.class_names == file.class_names == ("down", "left", "right", "up")
    assert run.view == file.view == trained.view
    assert capsys.readouterr().err == ""


def test_a_file_without_a_view_has_the_defaults_and_says_so(imported, capsys):
    opened = open_model(imported)
    assert opened.view == View(ClipOptions(num_frames=4, image_size=32))
    assert opened.class_names == ("0", "1", "2", "3")
    assert capsys.readouterr().err == (
        f"{imported} does not store how its clips are made: 4 frames of 32 x 32, as its input; by "
        "default dense, 8 apart, from a short side of 256. Change it with --sampling, --interval "
        "or --short-side.\n"
    )


def test_a_run_of_an_older_version_opens(trained, tmp_path):
    values = trained.read()
    for name in ("seconds", "fps", "protocol"):
        del values[name]
    run = Run(tmp_path)
    run.write(values)
    assert run.view == dataclasses.replace(trained.view, seconds=None, fps=None)
    assert results_folder(tmp_path) == tmp_path


@pytest.fixture
def wrong(tmp_path, trained, imported):
    """Paths that are no model, by what they are."""
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "video.mp4").touch()
    content = bytearray(imported.read_bytes())
    (tmp_path / "cut.keras").write_bytes(content[: len(content) // 2])
    content[len(content) // 2] ^= 1
    (tmp_path / "flipped.keras").write_bytes(content)
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.keras", "folder of a run or a .keras file, .* which does not exist"),
        ("missing", "which does not exist"),
        ("folder.keras", "is not a run: config.json is missing"),
        ("video.mp4", "another file"),
        ("cut.keras", "is damaged: it is not a complete .keras file"),
        ("flipped.keras", "cannot be read as a Keras model"),
        ("other.keras", "must be a video model of this project, received another Keras model"),
    ],
)
def test_what_is_no_model_is_one_sentence(wrong, name, words):
    with pytest.raises(ValueError, match=words) as error:
        open_model(wrong / name)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_has_no_other_models(imported):
    with pytest.raises(ValueError, match=r"received 'best' for the file .*tsn\.keras"):
        open_model(imported, "best")
