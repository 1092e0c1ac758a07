"""Compares training boxes with a list made by hand and with the papers' rules."""

import numpy as np
import pytest

from tfrecords.augment.clip import training_box
from tfrecords.augment.crops import corner_crop_box, resized_crop_box


def test_corner_crops_are_the_ten_shapes_at_the_thirteen_places():
    """TSN's list for 256 x 340: sides 256, 224, 192 and 168, at most one step apart."""
    shapes = [(256, 256), (256, 224), (224, 256), (224, 224), (224, 192)]
    shapes += [(192, 224), (192, 192), (192, 168), (168, 192), (168, 168)]
    boxes = set()
    for height, width in shapes:
        down, right = (256 - height) // 4, (340 - width) // 4
        for y, x in [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2), (0, 2), (4, 2), (2, 0), (2, 4)]:
            boxes.add((y * down, x * right, height, width))
        for y, x in [(1, 1), (1, 3), (3, 1), (3, 3)]:
            boxes.add((y * down, x * right, height, width))
    rng = np.random.default_rng(0)
    drawn = [tuple(corner_crop_box(256, 340, rng).tolist()) for _ in range(4000)]
    assert set(drawn) == boxes
    squares = np.mean([height == width for _, _, height, width in drawn])
    assert squares == pytest.approx(0.4, abs=0.04)


def test_resized_crops_have_the_areas_and_shapes_of_inception():
    rng = np.random.default_rng(0)
    boxes = np.array([resized_crop_box(240, 320, rng) for _ in range(3000)])
    top, left, height, width = boxes.T
    assert top.min() >= 0
    assert left.min() >= 0
    assert (top + height).max() <= 240
    assert (left + width).max() <= 320
    area, shape = height * width / (240 * 320), width / height
    assert 0.075 < area.min() < 0.1
    assert 0.9 < area.max() <= 1
    assert 0.72 < shape.min() < 0.78
    assert 1.28 < shape.max() < 1.38
    assert np.median(shape) == pytest.approx(1, abs=0.05)


def test_a_picture_that_fits_no_box_gives_its_center_square():
    assert resized_crop_box(10, 1000, np.random.default_rng(0)).tolist() == [0, 495, 10, 10]


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (3, 2)])
@pytest.mark.parametrize("crop", ["corners", "resized"])
def test_boxes_of_tiny_pictures_are_inside(size, crop, keys):
    for key in keys[:50]:
        top, left, height, width = training_box(crop, *size, (256, 320), np.zeros(3), key)
        assert min(top, left) >= 0
        assert min(height, width) >= 1
        assert top + height <= size[0]
        assert left + width <= size[1]
