"""Compares color jitter with Pillow's enhancers and Python's colorsys."""

import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tfrecords.augment.clip import change_clip
from tfrecords.augment.jitter import jitter
from tfrecords.augment.options import Augment


class Fixed:
    """A stub of a generator with fixed draws."""

    def __init__(self, draws, order):
        self.draws, self.order = np.array(draws, float), np.array(order)

    def uniform(self, low, high, size):
        return self.draws

    def permutation(self, count):
        return self.order


@pytest.mark.parametrize(
    ("kind", "enhancer"),
    [(0, ImageEnhance.Brightness), (1, ImageEnhance.Contrast), (2, ImageEnhance.Color)],
)
@pytest.mark.parametrize(("draw", "factor"), [(1, 1.4), (-0.5, 0.8)])
def test_each_change_matches_pillow(clip, kind, enhancer, draw, factor):
    strengths = [0.4 * (place == kind) for place in range(4)]
    found = jitter(clip, strengths, Fixed([draw] * 4, range(4)))
    wide = np.asarray(enhancer(Image.fromarray(np.concatenate(clip, axis=1))).enhance(factor))
    difference = found.astype(int) - np.stack(np.split(wide, 3, axis=1))
    assert np.abs(difference).max() <= (enhancer is ImageEnhance.Color)  # Pillow truncates


@pytest.mark.parametrize(("draw", "turn"), [(1, 0.1), (-1, -0.1), (0.5, 0.05)])
def test_the_hue_rotates_by_a_fraction_of_the_circle(clip, draw, turn):
    found = jitter(clip, (0, 0, 0, 0.1), Fixed([draw] * 4, range(4)))
    for frame, row, column in [(0, 2, 2), (1, 30, 14), (2, 44, 40), (0, 44, 2)]:
        hue, saturation, value = colorsys.rgb_to_hsv(*clip[frame, row, column] / 255.0)
        expected = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
        assert np.abs(found[frame, row, column] - 255.0 * np.array(expected)).max() <= 6


def test_changes_follow_the_drawn_order(clip):
    strengths, draws = (0.9, 0.9, 0.0, 0.0), [-1, -1, 0, 0]
    orders = [(0, 1, 2, 3), (1, 0, 2, 3)]
    first, second = (jitter(clip, strengths, Fixed(draws, order)) for order in orders)
    assert (first != second).any()
    one = jitter(clip, (0.9, 0, 0, 0), Fixed(draws, range(4)))
    np.testing.assert_array_equal(first, jitter(one, (0, 0.9, 0, 0), Fixed(draws, range(4))))


def test_factors_fill_the_range_and_frames_change_alike(keys):
    gray = np.full((2, 8, 8, 3), 100, np.uint8)
    augment = Augment(color_jitter=(0.4, 0.0, 0.0, 0.0))
    found = np.array([change_clip(gray, augment, key) for key in keys])
    assert (found == found[:, :1, :1, :1]).all()
    values = found[:, 0, 0, 0, 0]
    assert values.min() in (60, 61)
    assert values.max() in (139, 140)
    assert values.mean() == pytest.approx(100, abs=3)


@pytest.mark.parametrize(
    ("strengths", "message"),
    [
        ((0.4, 0.4, 0.4), "four numbers for brightness, contrast, saturation and hue"),
        (0.4, "four numbers .*, received 0.4"),
        (
            (0.4, 1.5, 0.4, 0.1),
            "color_jitter's contrast must be a number from 0 to 1, received 1.5",
        ),
        ((0.4, 0.4, 0.4, 0.6), "color_jitter's hue must be a number from 0 to 0.5, received 0.6"),
    ],
)
def test_wrong_strengths_are_errors(strengths, message):
    with pytest.raises(ValueError, match=message):
        Augment(color_jitter=strengths)
