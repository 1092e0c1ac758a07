"""Files of weights: `.keras` files of this project, and ImageNet weights that Keras downloads."""

import re
import zipfile
from pathlib import Path

import keras

from ..engine.head import AverageScores
from .fetch import keras_home
from .registry import nearest_names


def read_video_model(path: str | Path) -> keras.Model:
    """Loads a video model of this project from a `.keras` file.

    Raises:
        ValueError: If the file is missing or not a video model of this project.
    """
    path = Path(path)
    if why := no_file(path):
        raise ValueError(
            f"weights must be 'imagenet', None, a .keras file of this project (RUN/model.keras) or "
            f"a name of `ctm weights`, received {path}, which {why}.{nearest_names(path)}"
        )
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is damaged: it is not a complete .keras file.")
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} cannot be read as a Keras model: {reason}") from error
    if not any(isinstance(layer, AverageScores) for layer in model.layers[-1:]):
        raise ValueError(
            f"{path} must be a video model of this project, received another Keras model."
        )
    return model


def no_file(path: Path) -> str:
    """Explains why a path is not a `.keras` file, or returns an empty string."""
    if path.suffix != ".keras":
        return "is not a .keras file"
    if path.is_dir():
        return "is a folder, not a .keras file"
    return "" if path.is_file() else "is missing"


def explain_download(error: Exception, backbone: str) -> ValueError | None:
    """Returns the error for ImageNet weights that could not be downloaded, or None."""
    text = str(error)
    if not (isinstance(error, OSError) or "URL fetch failure" in text):
        return None
    url = next(iter(re.findall(r"https?://\S+?(?=:?\s|$)", text)), None)
    cache = keras_home() / "models"
    name = url.rsplit("/", 1)[-1] if url else f"ImageNet weights of {backbone}"
    return ValueError(
        f"The ImageNet weights of {backbone} could not be downloaded from {url or 'the network'} "
        f"({text}). Download {name} on another machine and put it into {cache}, or use "
        "weights=None (--weights none) or a .keras file."
    )
