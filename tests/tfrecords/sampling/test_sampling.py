"""Compares frame numbers and crops with tables made by hand, and checks many sizes."""

import itertools

import numpy as np
import pytest

from tfrecords.sampling import clip_indices, crop_boxes, random_clip_indices, random_crop_box

EIGHT = np.arange(8) * 8


@pytest.mark.parametrize(
    ("video_frames", "num_clips", "starts"),
    [
        (64, 1, [0]),
        (65, 1, [0]),
        (65, 2, [0, 1]),
        (100, 1, [18]),
        (100, 2, [0, 36]),
        (100, 3, [0, 18, 36]),
        (100, 10, [0, 4, 8, 12, 16, 20, 24, 28, 32, 36]),
        (300, 10, [0, 26, 52, 78, 104, 131, 157, 183, 209, 236]),
        (70, 4, [0, 2, 4, 6]),
        (66, 4, [0, 0, 1, 2]),
    ],
)
def test_dense_clips_start_evenly_and_reach_the_end(video_frames, num_clips, starts):
    expected = np.array(starts)[:, None] + EIGHT
    np.testing.assert_array_equal(clip_indices(video_frames, num_clips=num_clips), expected)
    if num_clips > 1:
        assert starts[-1] + 64 == video_frames


@pytest.mark.parametrize(
    ("video_frames", "indices"),
    [
        (63, [0, 8, 16, 24, 32, 40, 48, 56]),
        (20, [0, 8, 16, 4, 12, 0, 8, 16]),
        (3, [0, 2, 1, 0, 2, 1, 0, 2]),
        (1, [0] * 8),
    ],
)
def test_a_short_video_is_looped(video_frames, indices):
    assert clip_indices(video_frames, num_clips=2).tolist() == [indices, indices]
    draws = np.full(8, 0.999)
    assert random_clip_indices(video_frames, 8, 8, "dense", draws).tolist() == indices


@pytest.mark.parametrize(
    ("video_frames", "num_frames", "num_clips", "indices"),
    [
        (80, 8, 1, [[5, 15, 25, 35, 45, 55, 65, 75]]),
        (80, 8, 2, [[2, 12, 22, 32, 42, 52, 62, 72], [7, 17, 27, 37, 47, 57, 67, 77]]),
        (10, 4, 1, [[1, 3, 6, 8]]),
        (9, 3, 3, [[0, 3, 6], [1, 4, 7], [2, 5, 8]]),
        (8, 8, 1, [[0, 1, 2, 3, 4, 5, 6, 7]]),
        (3, 8, 1, [[0, 1, 2, 0, 1, 2, 0, 1]]),
    ],
)
def test_segment_clips_are_the_middles_of_the_pieces(video_frames, num_frames, num_clips, indices):
    found = clip_indices(video_frames, num_frames, num_clips=num_clips, sampling="segments")
    assert found.tolist() == indices


@pytest.mark.parametrize(
    ("draw", "start"), [(0.0, 0), (0.026, 0), (0.028, 1), (0.5, 18), (0.9999999, 36)]
)
def test_random_dense_clips_use_every_start(draw, start):
    found = random_clip_indices(100, 8, 8, "dense", np.array([draw] + [0.3] * 7))
    np.testing.assert_array_equal(found, start + EIGHT)


def test_random_segments_draw_within_each_segment():
    draws = np.array([0.0, 0.5, 0.999, 0.25])
    assert random_clip_indices(10, 4, 8, "segments", draws).tolist() == [0, 3, 6, 7]
    assert random_clip_indices(40, 4, 8, "segments", draws).tolist() == [0, 15, 29, 32]
    assert random_clip_indices(3, 4, 8, "segments", draws).tolist() == [0, 1, 2, 0]


def test_every_frame_number_exists():
    draws = np.random.default_rng(0).random((20, 8))
    for video_frames, interval, sampling in itertools.product(
        [1, 2, 7, 8, 9, 63, 64, 65, 301], [1, 4, 8], ["dense", "segments"]
    ):
        found = [clip_indices(video_frames, 8, interval, 5, sampling).ravel()]
        found += [random_clip_indices(video_frames, 8, interval, sampling, d) for d in draws]
        found = np.concatenate(found)
        assert found.min() >= 0
        assert found.max() < video_frames


@pytest.mark.parametrize(
    ("height", "width", "scale", "boxes"),
    [
        (256, 340, 256, [(16, 0, 224), (16, 58, 224), (16, 116, 224)]),
        (340, 256, 256, [(0, 16, 224), (58, 16, 224), (116, 16, 224)]),
        (256, 256, 256, [(16, 0, 224), (16, 16, 224), (16, 32, 224)]),
        (256, 340, 320, [(38, 0, 179), (38, 80, 179), (38, 161, 179)]),
        (256, 340, 224, [(0, 0, 256), (0, 42, 256), (0, 84, 256)]),
        (128, 170, 256, [(8, 0, 112), (8, 29, 112), (8, 58, 112)]),
        (1, 1, 256, [(0, 0, 1)] * 3),
    ],
)
def test_crops_are_left_center_right_or_top_center_bottom(height, width, scale, boxes):
    assert crop_boxes(height, width, 3, scale).tolist() == [list(box) for box in boxes]
    assert crop_boxes(height, width, 1, scale).tolist() == [list(boxes[1])]


@pytest.mark.parametrize(
    ("draws", "box"),
    [
        ((0.0, 0.0, 0.0), [0, 0, 224]),  # scale 256
        ((0.0, 0.999, 0.999), [32, 116, 224]),
        ((0.0, 0.5, 0.5), [16, 58, 224]),
        ((0.999, 0.0, 0.999), [0, 161, 179]),  # scale 320
        ((0.5, 0.0, 0.0), [0, 0, 199]),  # scale 288
    ],
)
def test_random_crops_vary_in_size_and_position(draws, box):
    assert random_crop_box(256, 340, (256, 320), np.array(draws)).tolist() == box


def test_crops_are_inside_the_frame():
    draws = np.random.default_rng(0).random((50, 3))
    for height, width in [(1, 1), (2, 300), (64, 96), (255, 341), (720, 405)]:
        boxes = [crop_boxes(height, width, 3, scale) for scale in (224, 256, 333)]
        boxes += [random_crop_box(height, width, (224, 400), d)[None] for d in draws]
        top, left, side = np.concatenate(boxes).T
        assert side.min() > 0
        assert top.min() >= 0
        assert left.min() >= 0
        assert (top + side).max() <= height
        assert (left + side).max() <= width
