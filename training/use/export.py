"""`ctm export`: a SavedModel for TF Serving, from pixels to class names."""

import dataclasses
import shutil
from pathlib import Path

import keras
import tensorflow as tf

import ctm_keras
import tfrecords
from tfrecords.reading import mean, total, weights
from tfrecords.sampling import CROP
from tfrecords.storage import full_disk_in_words
from training.config.use import ExportConfig
from training.machines.devices import require_tensorflow
from training.open_model import open_model
from training.use.warmup import write_warmup


def export(config: ExportConfig) -> Path:
    """Writes a model as TO/VERSION for TF Serving.

    The signature `serving_default` takes `clips`, uint8 `(batch, frames, height, width, 3)`
    of any height and width; `jpeg` takes `frames`, JPEG strings `(batch, frames)`. Both resize
    the short side and crop the center as evaluation does, and return `logits`,
    `probabilities`, and the names and probabilities of the top classes.

    Args:
        config: The model to export, and the folder and version to write.

    Returns:
        The folder of the version.

    Raises:
        ValueError: If that version exists already.
    """
    require_tensorflow()
    folder = config.to / str(config.version)
    if folder.exists():
        raise ValueError(f"{folder} exists already. Give another --version or --to.")
    opened = open_model(config.model, config.which)
    options = dataclasses.replace(opened.view.clips, **config.changes)
    part = config.to / f".{config.version}.part"
    shutil.rmtree(part, ignore_errors=True)  # left by an interrupted export
    with full_disk_in_words(config.to, "export again"):
        export_model(opened.model, options, part)
        part.rename(folder)
    return folder


def export_model(model: keras.Model, options: tfrecords.ClipOptions, folder: Path) -> None:
    """Writes a video model with its two signatures and a warm-up file.

    Args:
        model: A video model.
        options: How the model's clips are viewed.
        folder: The SavedModel's folder.
    """
    serving = Serving(model, options)
    frames = model.input_shape[1]
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serving_default",
        serving.clips,
        [tf.TensorSpec((None, frames, None, None, 3), tf.uint8, name="clips")],
    )
    archive.add_endpoint(
        "jpeg", serving.jpeg, [tf.TensorSpec((None, frames), tf.string, name="frames")]
    )
    archive.write_out(str(folder), verbose=False)
    write_warmup(folder, frames, model.input_shape[2])


class Serving:
    """The two signatures of a served video model.

    Args:
        model: A video model.
        options: How its clips are viewed.
    """

    def __init__(self, model: keras.Model, options: tfrecords.ClipOptions):
        self.model = model
        _, self.frames, self.size, *_ = model.input_shape
        self.scale = options.scale[0]
        self.class_names = ctm_keras.class_names(model) or [
            str(index) for index in range(model.output_shape[-1])
        ]

    def clips(self, clips: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores of uint8 clips `(batch, frames, height, width, 3)`."""
        return self.scores(self.fit_frames(self.fold(clips)))

    def jpeg(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores of JPEG strings `(batch, frames)`; the frames may differ in size."""

        def read(jpeg: tf.Tensor) -> tf.Tensor:
            pixels = tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")
            return self.fit_frames(pixels[None])[0]

        pixels = tf.TensorSpec((self.size, self.size, 3), tf.float32)
        return self.scores(tf.map_fn(read, self.fold(frames), fn_output_signature=pixels))

    def fold(self, clips: tf.Tensor) -> tf.Tensor:
        """Folds clips into one batch of frames; checks the numbers of clips and frames.

        Neither TF Serving nor `saved_model.load` enforces the declared shape.
        """
        shape, frames = tf.shape(clips), self.frames
        none = ["The batch must have at least one clip, received", shape[0]]
        other = ["A clip must have", frames, "frames, received", shape[1]]
        checks = [
            tf.debugging.Assert(shape[0] > 0, none),
            tf.debugging.Assert(shape[1] == frames, other),
        ]
        with tf.control_dependencies(checks):
            return tf.reshape(clips, tf.concat([shape[:1] * frames, shape[2:]], 0))

    def fit_frames(self, frames: tf.Tensor) -> tf.Tensor:
        """Center crops of frames, resized as evaluation does, `(n, size, size, 3)`."""
        height_width = tf.shape(frames)[1:3]
        side = tf.maximum(1, (tf.reduce_min(height_width) * CROP + self.scale // 2) // self.scale)
        begin = tf.concat([[0], (height_width - side) // 2, [0]], 0)
        center = tf.slice(frames, begin, tf.stack([-1, side, side, 3]))
        return _resized(center, self.size)

    def scores(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits, probabilities and top classes of folded frames."""
        clips = tf.reshape(frames, (-1, *self.model.input_shape[1:]))
        logits = self.model(clips, training=False)
        probabilities = tf.nn.softmax(logits)
        best = tf.math.top_k(probabilities, min(5, len(self.class_names)))
        return {
            "logits": logits,
            "probabilities": probabilities,
            "classes": tf.gather(tf.constant(self.class_names), best.indices),
            "scores": best.values,
        }


def _resized(frames: tf.Tensor, size: int) -> tf.Tensor:
    """Resizes square frames `(n, side, side, 3)` exactly like `tfrecords.reading.resize`.

    Sums over one axis are exact in float32, the fastest type; sums over both axes are not.
    """
    side = tf.cast(tf.shape(frames)[1], tf.float64)
    matrix, count = weights(side, size, tf), total(side, size, tf) ** 2
    lines = tf.einsum("ih,nhwc->niwc", *(tf.cast(x, tf.float32) for x in (matrix, frames)))
    sums = tf.einsum("jw,niwc->nijc", matrix, tf.cast(lines, tf.float64))
    pixels = tf.cast(tf.cast(mean(sums, count), tf.uint8), tf.float32)
    return tf.ensure_shape(pixels, (None, size, size, 3))
