"""Opens a trained model: the folder of a run, a `.keras` file, or published weights by name."""

import sys
from dataclasses import dataclass
from pathlib import Path

import keras

import ctm_keras
from ctm_keras.checkpoints import open_weights
from ctm_keras.weights import is_published, nearest_names
from tfrecords.text import printable
from training.run_folder import CONFIG, Run, folds_of
from training.view import View


@dataclass(frozen=True)
class OpenedModel:
    """A trained model, with what is needed to use it.

    Args:
        path: The folder of a run, a `.keras` file, or a name of `ctm weights`.
        model: The video model.
        view: How its clips are made from videos.
        which: `"model"` (the last of a run), `"best"` (on the validation split) or `"file"`.
        folder: The folder for results, see `results_folder`.
    """

    path: Path
    model: keras.Model
    view: View
    which: str
    folder: Path

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in order; their numbers if the model stores no names."""
        names = ctm_keras.class_names(self.model)
        return tuple(map(str, range(self.model.output_shape[-1])) if names is None else names)


def open_model(path: Path, which: str | None = None) -> OpenedModel:
    """Opens a trained model.

    Args:
        path: The folder of a run, a `.keras` file, or a name of `ctm weights`.
        which: Which of a run's models to open: `"model"` (the last) or `"best"` (the best on the
            validation split). Defaults to `"model"`.

    Raises:
        ValueError: If the path is none of them or does not exist, the file is damaged or not of
            this project, or the run has no such model.
    """
    folder = results_folder(path)
    if is_run(path):
        run, which = Run.open(path), which or "model"
        model = run.load_model(which)
        which = "best" if run.config.patience else which  # model.keras is the best, too
        return OpenedModel(path, model, run.view, which, folder)
    if which is not None:
        raise ValueError(
            f"--which selects one of a run's models, received {which!r} for the file {path}. "
            "Remove --which."
        )
    model = open_weights(path)
    view = View.of_model(model)
    if ctm_keras.view_options(model) is None:
        print(printable(_assumed(path, view)), file=sys.stderr)
    return OpenedModel(path, model, view, "file", folder)


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a run."""
    return (path / CONFIG).is_file()


def results_folder(path: Path) -> Path:
    """The folder for the results of a model: that of the run, or NAME-results.

    NAME-results is next to NAME.keras, or in the working directory for published weights.

    Raises:
        ValueError: If the path is no run, cross-validation, `.keras` file or published weights.
    """
    if is_published(path):
        return Path(f"{path}-results")
    if folds_of(path):
        return path
    if path.is_dir():
        return Run.open(path).path
    if path.suffix == ".keras" and path.is_file():
        return path.with_name(f"{path.stem}-results")
    what = "another file" if path.exists() else "which does not exist"
    raise ValueError(
        f"The model must be the folder of a run or a .keras file, received {path}, {what}. Give a "
        "folder that `ctm train` wrote, a file of `ctm train` or `ctm import-weights`, or a name "
        f"of `ctm weights`.{nearest_names(path)}"
    )


def _assumed(path: Path, view: View) -> str:
    """Says how clips are made for a model that does not store it, and how to change that."""
    clips = view.clips
    return (
        f"{path} does not store how its clips are made: {clips.num_frames} frames of "
        f"{clips.image_size} x {clips.image_size}, as its input; by default {clips.sampling}, "
        f"{clips.interval} apart, from a short side of {clips.scale[0]}. Change it with --sampling,"
        " --interval or --short-side."
    )
