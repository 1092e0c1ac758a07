"""The graph of a served model, from pixels or JPEGs of a clip to class names."""

from types import SimpleNamespace

import keras
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

import tfrecords
from tfrecords.reading import mean, total, weights
from tfrecords.sampling import crop_boxes

# The functions of NumPy that sampling uses, for tensors; tnp.round needs a global switch.
XP = SimpleNamespace(
    asarray=tnp.asarray,
    floor=tnp.floor,
    maximum=tnp.maximum,
    minimum=tnp.minimum,
    round=tf.round,
    take=tnp.take,
    where=tnp.where,
)


class Serving:
    """The signatures of a served video model that take clips.

    Args:
        model: A video model.
        options: How its clips are viewed.
        class_names: The classes, in order.
    """

    def __init__(
        self, model: keras.Model, options: tfrecords.ClipOptions, class_names: tuple[str, ...]
    ):
        self.model = model
        _, self.frames, self.size, *_ = model.input_shape
        self.scale = options.scale[0]
        self.class_names = class_names

    def clips(self, clips: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores of uint8 clips `(batch, frames, height, width, 3)`."""
        return self.scores(self.fit_frames(self.fold(clips)))

    def jpeg(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores of JPEG strings `(batch, frames)`; the frames may differ in size."""

        def read(jpeg: tf.Tensor) -> tf.Tensor:
            return self.fit_frames(decoded(jpeg)[None])[0]

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
        height, width = tf.unstack(tf.shape(frames, tf.int64)[1:3])
        (box,) = tf.unstack(crop_boxes(height, width, 1, self.scale, xp=XP))
        return resized(cut(frames, box), self.size)

    def scores(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits, probabilities and top classes of folded frames."""
        clips = tf.reshape(frames, (-1, *self.model.input_shape[1:]))
        logits = self.model(clips, training=False)
        return answer(logits, tf.nn.softmax(logits), self.class_names)


def answer(
    logits: tf.Tensor, probabilities: tf.Tensor, class_names: tuple[str, ...]
) -> dict[str, tf.Tensor]:
    """What every signature returns: scores `(..., num_classes)` and the top classes."""
    best = tf.math.top_k(probabilities, min(5, len(class_names)))
    return {
        "logits": logits,
        "probabilities": probabilities,
        "classes": tf.gather(tf.constant(class_names), best.indices),
        "scores": best.values,
    }


def decoded(jpeg: tf.Tensor) -> tf.Tensor:
    """The pixels of a JPEG, the same as evaluation's."""
    return tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")


def cut(frames: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """The pixels in a box of `crop_boxes`, `(n, box height, box width, 3)`."""
    top, left, *sides = tf.unstack(box)
    return frames[:, top : top + sides[0], left : left + sides[-1]]


def resized(frames: tf.Tensor, size: int) -> tf.Tensor:
    """Resizes frames `(n, height, width, 3)` to squares exactly like `tfrecords.reading.resize`.

    Sums over one axis are exact in float32, the fastest type; sums over both axes are not.
    """
    height, width = tf.unstack(tf.cast(tf.shape(frames)[1:3], tf.float64))
    rows, columns = tf.cast(weights(height, size, tf), tf.float32), weights(width, size, tf)
    lines = tf.einsum("ih,nhwc->niwc", rows, tf.cast(frames, tf.float32))
    sums = tf.einsum("jw,niwc->nijc", columns, tf.cast(lines, tf.float64))
    pixels = mean(sums, total(height, size, tf) * total(width, size, tf))
    return tf.ensure_shape(tf.cast(tf.cast(pixels, tf.uint8), tf.float32), (None, size, size, 3))
