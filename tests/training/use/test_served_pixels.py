"""The pixels of a served model equal evaluation's exactly, in both signatures."""

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from ctm_keras.engine.head import AverageScores
from tfrecords.reading.clip_options import ClipOptions
from tfrecords.reading.crops import decode
from training.evaluate.config import ProtocolConfig
from training.evaluate.settings import settings_for
from training.use.export import export_model
from training.view import View

FRAMES = [  # height and width
    *[(240, 320), (320, 240), (480, 640), (256, 340), (181, 241)],  # shrink
    *[(128, 171), (60, 80), (37, 50), (1, 3)],  # unchanged, or enlarge
]


@pytest.fixture(scope="module", params=[112, 160])
def size(request):
    return request.param


@pytest.fixture(scope="module")
def signatures(size, tmp_path_factory):
    """A served model whose logits are the pixels that it sees."""
    clip = keras.Input((2, size, size, 3))
    pixels = keras.layers.Reshape((1, -1))(clip)
    folder = tmp_path_factory.mktemp("pixels") / "1"
    model = keras.Model(clip, AverageScores(name="logits")(pixels))
    view = View(ClipOptions(num_frames=2, image_size=size))
    names = tuple(map(str, range(model.output_shape[-1])))
    export_model(model, view, settings_for(ProtocolConfig(), view), names, folder)
    return tf.saved_model.load(str(folder)).signatures


def jpegs(height: int, width: int, channels: int = 3) -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (2, height, width, channels), np.uint8)
    return [cv2.imencode(".jpg", cv2.GaussianBlur(n, (5, 5), 1))[1].tobytes() for n in noise]


@pytest.mark.parametrize(("height", "width"), FRAMES)
def test_both_signatures_see_what_evaluation_sees(signatures, size, height, width):
    encoded = jpegs(height, width)
    frames = [decode(jpeg) for jpeg in encoded]
    expected = ClipOptions(num_frames=2, image_size=size).crops(frames)
    for name, request in (("jpeg", [encoded]), ("serving_default", np.stack(frames)[None])):
        seen = signatures[name](tf.constant(request))["logits"]
        np.testing.assert_array_equal(np.reshape(seen, expected.shape), expected, name)


def test_gray_and_rotated_jpegs_are_decoded_as_in_evaluation(signatures, size):
    (gray, _), (color, _) = jpegs(240, 320, 1), jpegs(240, 320)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = color[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + color[2:]
    assert decode(turned).shape == (240, 320, 3)
    crops = ClipOptions(num_frames=2, image_size=size).crops([decode(gray), decode(turned)])
    seen = signatures["jpeg"](tf.constant([[gray, turned]]))["logits"]
    np.testing.assert_array_equal(np.reshape(seen, crops.shape), crops)
