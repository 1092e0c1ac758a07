"""Clips keep their borders, however many frames a batch turns out to have."""

import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
from ctm_keras.engine.folding import Fold, Unfold


@pytest.fixture(scope="module")
def model():
    return ctm_keras.build_video_model("tsn", "tiny", 3, num_frames=4, image_size=32, weights=None)


def batches(*shapes):
    """A data set that does not say how many frames its clips have."""
    spec = tf.TensorSpec((None, None, 32, 32, 3), tf.uint8)
    clips = [np.zeros((*shape, 32, 32, 3), np.uint8) for shape in shapes]
    data = tf.data.Dataset.from_generator(lambda: iter(clips), output_signature=spec)
    return data.apply(tf.data.experimental.assert_cardinality(len(shapes)))


@pytest.mark.parametrize("later", [(1, 8), (4, 3), (4, 5)])  # clips, frames
def test_a_later_batch_with_other_frames_is_an_error(model, later):
    assert model.predict(batches((2, 4), (1, 4)), verbose=0).shape == (3, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="fold"):
        model.predict(batches((2, 4), later), verbose=0)


def test_folding_goes_there_and_back():
    clips = np.arange(2 * 4 * 3).reshape(2, 4, 3)
    fold = Fold()
    images = fold(clips)
    assert images.shape == (8, 3)
    np.testing.assert_array_equal(Unfold(4)(images), clips)
    with pytest.raises(tf.errors.InvalidArgumentError):
        fold(clips.reshape(4, 2, 3))


def test_what_keras_exports_refuses_other_frames(model, tmp_path):
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served").signatures["serving_default"]
    (scores,) = served(tf.zeros((2, 4, 32, 32, 3))).values()
    assert scores.shape == (2, 3)
    for clips, frames in [(1, 8), (4, 3), (1, 0)]:
        with pytest.raises(tf.errors.InvalidArgumentError):
            served(tf.zeros((clips, frames, 32, 32, 3)))
