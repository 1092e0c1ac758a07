"""`ctm export`: a SavedModel for TF Serving, from pixels to class names."""

import json
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from tfrecords.storage import full_disk_in_words
from training.evaluate.evaluate import fitted
from training.evaluate.settings import Settings, settings_for
from training.machines.devices import require_tensorflow
from training.open_model import open_model
from training.use.config import ExportConfig
from training.use.metadata import FILE, metadata
from training.use.serving import Serving
from training.use.serving_video import ServedVideo, with_weights_of
from training.use.warmup import write_warmup
from training.view import View


def export(config: ExportConfig) -> Path:
    """Writes a model as TO/VERSION for TF Serving.

    The signature `serving_default` takes `clips`, uint8 `(batch, frames, height, width, 3)`
    of any height and width; `jpeg` takes `frames`, JPEG strings `(batch, frames)`. Both resize
    the short side and crop the center as evaluation does. `video` takes all `frames` of a video,
    JPEG strings `(frames,)`, and its `frame_rate`; it scores and averages the views of the
    evaluation protocol. All return `logits`, `probabilities`, and the names and probabilities of
    the top classes. `metadata` takes any string and returns the metadata as JSON.

    Args:
        config: The model to export, the protocol, and the folder and version to write.

    Returns:
        The folder of the version.

    Raises:
        ValueError: If that version exists already, or the model cannot read the protocol's clips.
    """
    require_tensorflow()
    config.check()
    version = config.version or _next_version(config.to)
    folder = config.to / str(version)
    if folder.exists():
        raise ValueError(f"{folder} exists already. Give another --version or --to.")
    opened = open_model(config.model, config.which)
    settings = settings_for(config, opened.view)
    part = config.to / f".{version}.part"
    shutil.rmtree(part, ignore_errors=True)  # left by an interrupted export
    with full_disk_in_words(config.to, "export again"):
        view = opened.view.changed(**config.changes)
        export_model(opened.model, view, settings, opened.class_names, part)
        part.rename(folder)
    return folder


def _next_version(folder: Path) -> int:
    """The number after the highest version in a folder."""
    numbers = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
    return max(numbers, default=0) + 1


def export_model(
    model: keras.Model, view: View, settings: Settings, class_names: tuple[str, ...], folder: Path
) -> None:
    """Writes a video model with its signatures, its metadata and a warm-up file.

    Args:
        model: A video model.
        view: How the model's clips are made from videos.
        settings: The evaluation protocol.
        class_names: The classes, in order.
        folder: The SavedModel's folder.

    Raises:
        ValueError: If the model cannot read the protocol's clips.
    """
    _, frames, size, *_ = model.input_shape
    for_video, settings = fitted(model, settings)
    notes = json.dumps(metadata(model, view, settings, class_names), indent=1)
    serving = Serving(model, view.clips, class_names)
    video = ServedVideo(with_weights_of(model, for_video), settings, view.rate, class_names)
    clips = tf.TensorSpec((None, frames, None, None, 3), tf.uint8, name="clips")
    jpegs = tf.TensorSpec((None, frames), tf.string, name="frames")
    whole = [tf.TensorSpec((None,), tf.string, "frames"), tf.TensorSpec((), name="frame_rate")]
    archive = keras.export.ExportArchive()  # `track` would store the weights a second time
    archive.add_endpoint("serving_default", serving.clips, [clips])
    archive.add_endpoint("jpeg", serving.jpeg, [jpegs])
    archive.add_endpoint("video", video, whole)
    archive.add_endpoint(
        "metadata",
        lambda request: {"metadata": tf.constant(notes)},
        [tf.TensorSpec((), tf.string, "request")],
    )
    archive.write_out(str(folder), verbose=False)
    extra = folder / "assets.extra"  # for TensorFlow, this folder has no meaning
    extra.mkdir()
    (extra / FILE).write_text(notes, encoding="utf-8")
    write_warmup(extra, frames, size)
