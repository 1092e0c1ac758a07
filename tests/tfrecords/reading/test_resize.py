"""Compares resizing with sums of integers, OpenCV, and TensorFlow's weights."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tfrecords.reading.resize import Resize, mean, total, weights

SIZES = [  # height, width and the new size
    *[(240, 240, 112), (168, 168, 112), (224, 224, 112), (336, 336, 112), (241, 241, 160)],
    *[(257, 257, 256), (300, 299, 32), (945, 945, 112)],  # sums need float64
    *[(100, 100, 112), (180, 240, 256), (1, 1, 8), (2, 3, 7)],  # enlarged
    *[(56, 112, 112), (112, 180, 112), (90, 200, 112), (200, 90, 112), (1, 50, 20)],  # mixed
]


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def by_definition(pixels, size):
    """Sums of integers, rounded with halves up."""
    height, width = pixels.shape[:2]
    rows, columns = (weights(n, size).astype(np.int64) for n in (height, width))
    sums = np.tensordot(rows, pixels.astype(np.int64), (1, 0))
    sums = np.tensordot(columns, sums, (1, 1)).swapaxes(0, 1)
    count = int(total(height, size)) * int(total(width, size))
    return (2 * sums + count) // (2 * count)


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_pixels_match_the_definition_bit_for_bit(height, width, size):
    pixels = picture(height, width + 5)[:, 3:-2]  # a view of a frame, as crops are
    result = Resize(height, width, size)(pixels)
    assert (result.dtype, result.shape) == (np.uint8, (size, size, 3))
    np.testing.assert_array_equal(result, by_definition(pixels, size))


def test_weights_are_areas_where_an_axis_shrinks_and_distances_where_it_grows():
    assert weights(3, 2).tolist() == [[2, 1, 0], [0, 1, 2]]
    assert weights(4, 2).tolist() == [[2, 2, 0, 0], [0, 0, 2, 2]]
    assert weights(2, 4).tolist() == [[256, 0], [192, 64], [64, 192], [0, 256]]
    for length, size in [(240, 112), (112, 240), (7, 7), (1, 5), (5, 1)]:
        assert (weights(length, size).sum(axis=1) == total(length, size)).all()


@pytest.mark.parametrize("size", [7, 112, 224])
def test_enlarging_matches_opencv_bit_for_bit(size):
    for length in range(1, size + 1):
        column = picture(length, 1)
        sums = np.tensordot(weights(length, size), column, (1, 0))
        expected = cv2.resize(column, (1, size), interpolation=cv2.INTER_LINEAR_EXACT)
        np.testing.assert_array_equal(mean(sums, 256).astype(np.uint8), expected)


@pytest.mark.parametrize("size", [112, 160, 224])
def test_shrinking_matches_opencv_except_for_rounding_of_halves(size):
    for length in range(size + 1, 2 * size, 17):
        pixels = picture(length, length)
        expected = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
        apart = np.abs(Resize(length, length, size)(pixels).astype(int) - expected)
        assert apart.max() <= 1
        assert (apart > 0).mean() < 0.05


def test_a_resize_can_be_reused():
    resize = Resize(60, 60, 28)
    first, second = picture(60, 60), 255 - picture(60, 60)
    resize(second)
    np.testing.assert_array_equal(resize(first), by_definition(first, 28))


def test_tensorflow_computes_the_same_weights():
    in_a_graph = tf.function(lambda length: weights(length, 112, tf))
    for length in [*range(1, 300, 7), 112, 1080]:
        found = in_a_graph(tf.constant(length, tf.float64))
        np.testing.assert_array_equal(found, weights(length, 112))
