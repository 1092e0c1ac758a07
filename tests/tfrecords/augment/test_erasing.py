"""Random erasing: one box for all frames, with the papers' areas and noise."""

import numpy as np
import pytest

from tfrecords.augment.clip import change_clip
from tfrecords.augment.erasing import erase, erased_box
from tfrecords.augment.options import Augment


def test_one_box_of_all_frames_is_noise_and_nothing_else_changes():
    clip = np.full((4, 60, 60, 3), 7, np.uint8)
    before = clip.copy()
    for seed in range(20):
        top, left, height, width = erased_box(60, 60, np.random.default_rng(seed))
        found = erase(clip, np.random.default_rng(seed))
        outside = np.ones((60, 60), bool)
        outside[top : top + height, left : left + width] = False
        assert (found[:, outside] == 7).all()
        inside = found[:, ~outside].astype(float)
        assert 0.015 < height * width / 3600 < 0.35
        assert inside.mean() == pytest.approx(114.75, abs=8)
        assert 45 < inside.std() < 62  # 57.4, reduced by clipping at 0 and 255
        assert (inside[0] != inside[1]).mean() > 0.9
    np.testing.assert_array_equal(clip, before)


def test_boxes_have_the_areas_and_shapes_of_the_paper():
    rng = np.random.default_rng(0)
    boxes = np.array([erased_box(224, 224, rng) for _ in range(3000)])
    top, left, height, width = boxes.T
    assert (top + height).max() <= 224
    assert (left + width).max() <= 224
    area, shape = height * width / 224**2, height / width
    assert 0.018 < area.min() < 0.03
    assert 0.32 < area.max() < 0.34
    assert area.mean() == pytest.approx((0.02 + 1 / 3) / 2, abs=0.01)
    assert 0.28 < shape.min() < 0.32
    assert 3.1 < shape.max() < 3.5


def test_clips_are_erased_with_the_requested_probability(clip, keys):
    changed = [(change_clip(clip, Augment(erasing=0.25), key) != clip).any() for key in keys]
    assert np.mean(changed) == pytest.approx(0.25, abs=0.05)
    assert change_clip(clip, Augment(), keys[0]) is clip
    assert all((change_clip(clip, Augment(erasing=1.0), key) != clip).any() for key in keys[:20])


def test_an_augmentation_does_not_change_the_draws_of_others(clip, keys):
    for key in keys[:20]:
        erased = change_clip(clip, Augment(erasing=1.0), key)
        both = change_clip(clip, Augment(erasing=1.0, color_jitter=(0.4, 0, 0, 0)), key)
        noise = (erased != clip).all(axis=(0, 3))
        np.testing.assert_array_equal(both[:, noise], erased[:, noise])


def test_a_wrong_probability_is_an_error():
    with pytest.raises(ValueError, match="erasing must be a number from 0 to 1, received 25"):
        Augment(erasing=25)
