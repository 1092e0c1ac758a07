"""TF Serving's warm-up file: requests that it runs before it reports a model as ready.

A request is a `tensorflow.serving.PredictionLog`. This module encodes its few fields itself, to
avoid a dependency on tensorflow-serving-api for this one message.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


def write_warmup(folder: Path, frames: int, size: int) -> None:
    """Writes the warm-up file, with one request per signature that scores.

    Args:
        folder: The folder `assets.extra` of a SavedModel.
        frames: Frames per clip.
        size: Side of a frame in pixels.
    """
    clip = np.zeros((1, frames, size, size, 3), np.uint8)
    jpeg = tf.io.encode_jpeg(clip[0, 0]).numpy()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        writer.write(prediction_log("serving_default", clips=clip))
        writer.write(prediction_log("jpeg", frames=[[jpeg] * frames]))
        writer.write(prediction_log("video", frames=[jpeg], frame_rate=np.float32(25)))


def prediction_log(signature: str, **inputs: Any) -> bytes:
    """A serialized PredictionLog: a request to a signature.

    Args:
        signature: Name of the signature.
        **inputs: Its inputs by name, in any form that `tf.make_tensor_proto` accepts.
    """
    model_spec = _field(3, signature.encode())  # signature_name
    entries = [_field(2, _entry(*item)) for item in sorted(inputs.items())]  # the map `inputs`
    request = _field(1, model_spec) + b"".join(entries)
    return _field(6, _field(1, request))  # predict_log.request


def _entry(name: str, value: Any) -> bytes:
    """An entry of a map from names to tensors."""
    tensor = tf.make_tensor_proto(value).SerializeToString(deterministic=True)
    return _field(1, name.encode()) + _field(2, tensor)


def _field(number: int, content: bytes) -> bytes:
    """A field in protobuf's wire format: tag, length, content."""
    length, rest = bytearray(), len(content)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content
