"""The warm-up file of TF Serving: requests that it runs before it reports ready."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# tensorflow-serving-api pins an old TensorFlow, so the few messages needed are described here:
# message name to its fields (name, number, type); types are scalars or message names.
MESSAGES = {
    "ModelSpec": [("name", 1, "string"), ("signature_name", 3, "string")],
    "Input": [("key", 1, "string"), ("value", 2, ".tensorflow.TensorProto")],
    "PredictRequest": [("model_spec", 1, "ModelSpec"), ("inputs", 2, "Input*")],
    "PredictLog": [("request", 1, "PredictRequest")],
    "PredictionLog": [("predict_log", 6, "PredictLog")],
}


def write_warmup(folder: Path, frames: int, size: int) -> None:
    """Writes assets.extra/tf_serving_warmup_requests with a request for each signature.

    Args:
        folder: A SavedModel's folder.
        frames: Frames of a clip.
        size: Side of a frame in pixels.
    """
    clip = np.zeros((1, frames, size, size, 3), np.uint8)
    jpeg = tf.io.encode_jpeg(clip[0, 0]).numpy()
    requests = [
        prediction_log("serving_default", "clips", tf.make_tensor_proto(clip)),
        prediction_log("jpeg", "frames", tf.make_tensor_proto([[jpeg] * frames])),
    ]
    assets = folder / "assets.extra"
    assets.mkdir()
    with tf.io.TFRecordWriter(str(assets / "tf_serving_warmup_requests")) as writer:
        for request in requests:
            writer.write(request)


def prediction_log(signature: str, name: str, value) -> bytes:
    """One serialised tensorflow.serving.PredictionLog."""
    log = message_class("PredictionLog")()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    request.inputs.add(key=name, value=value)
    return log.SerializeToString(deterministic=True)


def message_class(name: str) -> type:
    """The class of a message of `MESSAGES`."""
    pool = descriptor_pool.Default()
    file = "ctm_keras/warmup.proto"
    try:
        pool.FindFileByName(file)
    except KeyError:
        pool.Add(describe(file))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"ctm_keras.warmup.{name}"))


def describe(file: str) -> descriptor_pb2.FileDescriptorProto:
    """`MESSAGES` as a file descriptor; a map is on the wire a list of key and value."""
    described = descriptor_pb2.FileDescriptorProto(
        name=file,
        package="ctm_keras.warmup",
        syntax="proto3",
        dependency=["tensorflow/core/framework/tensor.proto"],
    )
    for message, fields in MESSAGES.items():
        added = described.message_type.add(name=message)
        for field, number, kind in fields:
            add_field(added, field, number, kind)
    return described


def add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    """Adds a string field, a message field, or with `*` a list of messages."""
    types = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=number)
    field.label = types.LABEL_REPEATED if kind.endswith("*") else types.LABEL_OPTIONAL
    if kind == "string":
        field.type = types.TYPE_STRING
    else:
        field.type = types.TYPE_MESSAGE
        field.type_name = (
            kind.rstrip("*") if "." in kind else ".ctm_keras.warmup." + kind.rstrip("*")
        )
