"""The warm-up file, equal byte for byte to tensorflow-serving-api's PredictionLog."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from training.use.warmup import prediction_log, write_warmup

# Serialized by tensorflow-serving-api 2.21's `prediction_log_pb2.PredictionLog`, deterministic.
CLIPS = (
    "32460a440a111a0f73657276696e675f64656661756c74122f0a05636c697073122608041214120208011202"
    "0801120208021202080212020803220c000102030405060708090a0b"
)
FRAMES = (
    "322c0a2a0a061a046a70656712200a066672616d6573121608071208120208011202080242036f6e65420374776f"
)
SIZES = {  # side of a frame of 8: bytes of the message, whose lengths take 2 and 3 bytes, and hash
    6: (929, "4aab883f43ab016ef5591a99de764628ac9b65ddf9dcf424d79b5a278213b7a6"),
    60: (86470, "8c7214803796349585157aa548d74c690bdd3cb7d75da56f927f581659bfa042"),
    224: (1204296, "8856e9648303ed94ff0c8969d5a2bcc7b9915ab6d326fc2b480fa5ca10ca96b3"),
}


def test_a_request_of_pixels():
    clip = np.arange(12, dtype=np.uint8).reshape(1, 1, 2, 2, 3)
    assert prediction_log("serving_default", clips=clip).hex() == CLIPS


def test_a_request_of_strings():
    assert prediction_log("jpeg", frames=[[b"one", b"two"]]).hex() == FRAMES


@pytest.mark.parametrize("size", SIZES)
def test_requests_of_every_length(size):
    found = prediction_log("serving_default", clips=np.zeros((1, 8, size, size, 3), np.uint8))
    assert (len(found), hashlib.sha256(found).hexdigest()) == SIZES[size]


def test_the_file_has_a_request_for_each_signature(tmp_path, warmup_requests):
    write_warmup(tmp_path, frames=4, size=32)
    found = warmup_requests(tmp_path)
    assert {name: set(inputs) for name, inputs in found.items()} == {
        "serving_default": {"clips"},
        "jpeg": {"frames"},
        "video": {"frames", "frame_rate"},
    }
    clips = found["serving_default"]["clips"]
    assert (clips.shape, clips.dtype) == ((1, 4, 32, 32, 3), np.uint8)
    frames, whole = found["jpeg"]["frames"], found["video"]["frames"]
    assert (frames.shape, whole.shape) == ((1, 4), (1,))
    assert [tf.io.decode_jpeg(jpeg).shape for jpeg in [*frames[0], *whole]] == [(32, 32, 3)] * 5
    rate = found["video"]["frame_rate"]
    assert (rate.shape, rate.dtype, rate) == ((), np.float32, 25)
