"""The graph of a served model's signature `video`: a whole video, scored as `ctm evaluate` does."""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfrecords.video import resample_evenly
from training.evaluate.settings import Settings
from training.use.serving import XP, answer, cut, decoded, resized


class ServedVideo:
    """Samples, crops and averages the views of a protocol.

    Each frame that some clip reads is decoded and cropped once. The crops are kept as uint8, so
    memory depends on the protocol, not on the length or the size of the video.

    Args:
        score: Function from clips to logits, see `with_weights_of`.
        settings: The protocol.
        rate: Frames per second to which videos are resampled, or None.
        class_names: The classes, in order.
    """

    def __init__(
        self,
        score: Callable[[tf.Tensor], tf.Tensor],
        settings: Settings,
        rate: float | None,
        class_names: tuple[str, ...],
    ):
        self.score, self.settings, self.rate = score, settings, rate
        self.class_names = class_names

    def __call__(self, frames: tf.Tensor, frame_rate: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores of the JPEG strings `(frames,)` of a video."""
        count = tf.size(frames, tf.int64)
        nested = ["frames must be the frames of one video (`inputs`, not `instances`), received"]
        checks = [
            tf.debugging.Assert(
                count > 0, ["A video must have at least one frame, received", count]
            ),
            tf.debugging.Assert(
                count == tf.shape(frames, tf.int64)[0], [*nested, tf.shape(frames)]
            ),
        ]
        with tf.control_dependencies(checks):
            clips = self.clips(tf.identity(count), tf.cast(frame_rate, tf.float64))
        distinct, places = tf.unique(tf.reshape(clips, [-1]))
        crops = self.crops(tf.gather(frames, distinct))
        views = (self.settings.num_crops, len(self.class_names))
        logits = tf.map_fn(
            lambda own: self.score(tf.cast(self.views(tf.gather(crops, own)), tf.float32)),
            tf.reshape(places, (self.settings.num_clips, self.settings.num_frames)),
            fn_output_signature=tf.TensorSpec(views, tf.float32),
            parallel_iterations=1,  # one clip's activations at a time
        )
        mean = tf.reduce_mean(logits, [0, 1])
        if self.settings.average == "logits":
            return answer(mean, tf.nn.softmax(mean), self.class_names)
        return answer(mean, tf.reduce_mean(tf.nn.softmax(logits), [0, 1]), self.class_names)

    def clips(self, count: tf.Tensor, frame_rate: tf.Tensor) -> tf.Tensor:
        """The numbers of the frames of each clip, `(num_clips, num_frames)`."""
        if self.rate is None:
            return self.settings.clips(count, XP)
        possible = (frame_rate > 1e-6) & (frame_rate < 1e6)  # not NaN either
        what = "frame_rate must be the frames per second of the video, received"
        with tf.control_dependencies([tf.debugging.Assert(possible, [what, frame_rate])]):
            frame_rate = tf.identity(frame_rate)
        count, picture_at = resample_evenly(count, frame_rate, self.rate, XP)
        return picture_at(self.settings.clips(count, XP))

    def crops(self, jpegs: tf.Tensor) -> tf.Tensor:
        """The crops of each frame, uint8 `(frames, boxes, size, size, 3)`."""
        size = self.settings.image_size
        first = tf.shape(decoded(jpegs[0]), tf.int64)
        boxes = self.settings.boxes(first[0], first[1], XP)

        def of_frame(jpeg: tf.Tensor) -> tf.Tensor:
            pixels = decoded(jpeg)
            shape = tf.shape(pixels, tf.int64)
            what = "All frames of a video must have the same height and width, received"
            same = tf.debugging.Assert(
                tf.reduce_all(shape == first), [what, first[:2], "and", shape[:2]]
            )
            with tf.control_dependencies([same]):
                own = tf.concat([cut(pixels[None], box) for box in tf.unstack(boxes)], 0)
            return tf.cast(resized(own, size), tf.uint8)

        spec = tf.TensorSpec((boxes.shape[0], size, size, 3), tf.uint8)
        return tf.map_fn(of_frame, jpegs, fn_output_signature=spec)

    def views(self, crops: tf.Tensor) -> tf.Tensor:
        """The views of a clip, `(num_crops, num_frames, size, size, 3)`, from its frames' crops."""
        views = tf.transpose(crops, [1, 0, 2, 3, 4])
        if self.settings.num_crops < 10:
            return views
        return tf.concat([views, views[..., ::-1, :]], 0)  # ten crops: five and their mirror images


def with_weights_of(model: keras.Model, fitted: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """The logits of a model that was fitted to clips of another size, without a copy of weights."""

    def score(clips: tf.Tensor) -> tf.Tensor:
        pairs = zip(fitted.weights, model.weights, strict=True)
        with keras.StatelessScope([(own, shared.value) for own, shared in pairs]):
            return fitted(clips, training=False)

    return score
