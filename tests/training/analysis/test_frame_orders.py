"""Reordered frames: the position of each frame, and that nothing else changes."""

import keras
import numpy as np
import pytest

import ctm_keras
from training.analysis.shuffle_frames import ORDERS, reordered
from training.evaluate.predictions import predict_views


def batch(clips=6, frames=5):
    """Clips whose pixels equal their frame's number."""
    pixels = np.arange(frames, dtype=np.uint8)[None, :, None, None, None]
    return {
        "clip": np.tile(pixels, (clips, 1, 2, 2, 3)),
        "id": np.array([b"v%d" % i for i in range(clips)]),
        "view": np.zeros(clips, np.int32),
        "label": np.arange(clips) % 2,
    }


def frames_of(order, seed=0, **size):
    """The frame numbers of each clip."""
    (found,) = reordered([batch(**size)], order, seed)
    return found["clip"][:, :, 0, 0, 0]


def test_reversed_clips_run_backwards():
    np.testing.assert_array_equal(frames_of("reversed"), np.tile([4, 3, 2, 1, 0], (6, 1)))


def test_repeated_clips_are_their_middle_frame():
    np.testing.assert_array_equal(frames_of("repeated"), np.full((6, 5), 2))


def test_each_clip_is_shuffled_separately():
    found = frames_of("shuffled", clips=60)
    assert (np.sort(found, axis=1) == np.arange(5)).all()
    assert len(np.unique(found, axis=0)) > 20
    np.testing.assert_array_equal(found, frames_of("shuffled", clips=60))
    assert (found != frames_of("shuffled", seed=1, clips=60)).any()


def test_no_shuffled_clip_is_in_its_true_order():
    found = frames_of("shuffled", clips=60, frames=2)  # by chance, half would be
    np.testing.assert_array_equal(found, np.tile([1, 0], (60, 1)))


@pytest.mark.parametrize("order", ORDERS)
def test_ids_views_and_labels_are_unchanged(order):
    before = batch()
    (after,) = reordered([before], order)
    for name in ("id", "view", "label"):
        np.testing.assert_array_equal(after[name], before[name])


def test_tsn_does_not_see_the_order_and_conv_does():
    clips = np.random.default_rng(0).integers(0, 256, (4, 8, 32, 32, 3), np.uint8)
    data = {**batch(4), "clip": clips}

    def scores(method, batches):
        keras.utils.set_random_seed(0)
        model = ctm_keras.build_video_model(method, "tiny", 3, image_size=32, weights=None)
        return predict_views(model, batches, 1).logits

    for method, sees in (("tsn", False), ("conv", True)):
        change = scores(method, [data]) - scores(method, reordered([data], "reversed"))
        assert (np.abs(change).max() > 1e-4) == sees


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="order must be one of shuffled, reversed, repeated"):
        list(reordered([batch()], "sorted"))
