"""Where weights lie: `.keras` files of this project, and the ImageNet files that Keras fetches."""

import os
import re
import zipfile
from pathlib import Path

import keras

from ..engine.head import AverageScores


def read_video_model(path: str | Path) -> keras.Model:
    """Loads a video model of this project from a `.keras` file.

    Raises:
        ValueError: If there is no such file, or it is not one of this project's.
    """
    path = Path(path)
    if why := _no_file(path):
        raise ValueError(
            f"{path} {why}: weights come from a file that a model of this project was saved to "
            "(RUN/model.keras), from 'imagenet', or are None."
        )
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is damaged: it is no whole .keras file.")
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a Keras model: {error}") from error
    if not isinstance(model.layers[-1], AverageScores):
        raise ValueError(f"{path} holds a Keras model, but not a video model of this project.")
    return model


def _no_file(path: Path) -> str:
    """Why a path cannot be a `.keras` file, or an empty string."""
    if path.suffix != ".keras":
        return "is not a .keras file"
    if path.is_dir():
        return "is a folder, not a .keras file"
    return "" if path.is_file() else "is missing"


def explain_download(error: Exception, backbone: str) -> ValueError | None:
    """The error for ImageNet weights that could not be fetched, if that is what happened."""
    text = str(error)
    if not (isinstance(error, OSError) or "URL fetch failure" in text):
        return None
    url = next(iter(re.findall(r"https?://\S+?(?=:?\s|$)", text)), None)
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    name = url.rsplit("/", 1)[-1] if url else f"ImageNet weights of {backbone}"
    return ValueError(
        f"The ImageNet weights of {backbone} could not be fetched ({text}). "
        f"Keras wanted {url or 'to download them'} and keeps such files in {cache}. Without a "
        f"network, fetch {name} elsewhere and put it there, or pass weights=None "
        "(--weights none) or a .keras file."
    )
