"""Compares the frames and crops of each rule with tables that the projects' own code computed.

The clip tables have 8 frames with an interval of 8 (25 single frames for TSN). The boxes are those
of a landscape and a portrait frame, at sizes and odd numbers of free pixels where projects differ.
"""

import numpy as np
import pytest

from tfrecords.reading.clip_options import ClipOptions, views
from tfrecords.sampling.rules import RULES

EIGHT = [0, 8, 16, 24, 32, 40, 48, 56]


def clips(rule, video_frames, num_clips=10, sampling="dense", num_frames=8, interval=8):
    return RULES[rule].clips(sampling, video_frames, num_frames, interval, num_clips).tolist()


# The last start in 300 frames is 236 for a clip of 64 frames and 243 for one of 57.
STARTS = {
    "ctm": [0, 26, 52, 78, 104, 131, 157, 183, 209, 236],
    "nonlocal": [0, 30, 60, 90, 120, 150, 180, 210, 240, 270],
    "slowfast": [0, 23, 47, 70, 94, 118, 141, 165, 188, 212],
    "mmaction2": [0, 27, 54, 81, 108, 135, 162, 189, 216, 243],
    "tsm": [0, 26, 52, 78, 104, 131, 157, 183, 209, 236],
    "analysis": [0, 26, 52, 78, 104, 131, 157, 183, 209, 236],
}


@pytest.mark.parametrize("rule", STARTS)
def test_starts_of_ten_dense_clips_match_the_project(rule):
    found = clips(rule, 300)
    assert [clip[0] for clip in found] == STARTS[rule]
    assert all(0 <= frame < 300 for clip in found for frame in clip)


# The last of ten clips.
LAST = {
    "ctm": [236, 244, 252, 260, 268, 276, 284, 292],
    "nonlocal": [270, 278, 286, 294, 2, 10, 18, 26],
    "slowfast": [212, 221, 230, 239, 248, 257, 266, 275],
    "mmaction2": [243, 251, 259, 267, 275, 283, 291, 299],
    "tsm": [236, 244, 252, 260, 268, 276, 284, 292],
    "analysis": [236, 244, 252, 260, 268, 276, 284, 292],
}


@pytest.mark.parametrize("rule", LAST)
def test_the_last_clip_matches_the_project(rule):
    assert clips(rule, 300)[-1] == LAST[rule]


# A video of 20 frames, shorter than a clip, is looped, or its last frame is repeated.
SHORT = {
    "ctm": [[0, 8, 16, 4, 12, 0, 8, 16]] * 2,
    "nonlocal": [[0, 8, 16, 4, 12, 0, 8, 16], [10, 18, 6, 14, 2, 10, 18, 6]],
    "slowfast": [[0, 9, 18, 19, 19, 19, 19, 19]] * 2,
    "mmaction2": [[0, 8, 16, 4, 12, 0, 8, 16]] * 2,
    "tsm": [[0, 8, 16, 4, 12, 0, 8, 16]] * 2,
    "analysis": [[0, 8, 16, 4, 12, 0, 8, 16]] * 2,
}


@pytest.mark.parametrize("rule", SHORT)
def test_a_video_shorter_than_a_clip(rule):
    assert clips(rule, 20, num_clips=2) == SHORT[rule]


@pytest.mark.parametrize(
    ("rule", "first"),
    [("ctm", 118), ("nonlocal", 0), ("slowfast", 0), ("mmaction2", 121), ("tsm", 0)],
)
def test_a_single_clip_is_in_the_middle_or_at_the_start(rule, first):
    assert clips(rule, 300, num_clips=1)[0][0] == first


def test_slowfast_spreads_its_frames_to_the_end_of_the_clip():
    assert clips("slowfast", 300, 10)[1] == [23, 32, 41, 50, 59, 68, 77, 86]
    dense = clips("slowfast", 65, 2, num_frames=32, interval=2)
    assert dense[0] == [*range(0, 62, 2), 63]
    assert dense[1] == [*range(0, 32, 2), *range(33, 65, 2)]


def test_mmaction2_rounds_half_to_even():
    assert [clip[0] for clip in clips("mmaction2", 62, 3)] == [0, 2, 5]  # 5 / 2 is 2
    assert [clip[0] for clip in clips("mmaction2", 64, 3)] == [0, 4, 7]  # 7 / 2 is 4


@pytest.mark.parametrize("rule", ["tsm", "mmaction2"])
def test_two_clips_of_segments_are_their_middles_and_their_starts(rule):
    expected = [[5, 15, 25, 35, 45, 55, 65, 75], [0, 10, 20, 30, 40, 50, 60, 70]]
    assert clips(rule, 80, 2, "segments") == expected
    assert clips(rule, 80, 1, "segments") == expected[:1]
    assert clips(rule, 37, 1, "segments") == [[2, 6, 11, 16, 20, 25, 30, 34]]
    assert clips(rule, 3, 1, "segments") == [[0, 0, 0, 1, 1, 2, 2, 2]]


@pytest.mark.parametrize(
    ("video_frames", "frames"),
    [
        (300, [12 * i for i in range(25)]),
        (250, [10 * i for i in range(25)]),
        (25, list(range(25))),
        (24, [0] * 25),
        (7, [0] * 25),
    ],
)
def test_tsn_samples_25_frames_in_equal_steps(video_frames, frames):
    assert clips("tsn", video_frames, 1, "segments", num_frames=25, interval=1) == [frames]


def test_the_analysis_shifts_the_middles_within_their_segments():
    middles = [5, 15, 25, 35, 45, 55, 65, 75]
    assert clips("analysis", 80, 1, "segments") == [middles]
    shifted = clips("analysis", 80, 10, "segments")
    assert [clip[0] for clip in shifted] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert [clip[7] for clip in shifted] == [71, 72, 73, 74, 75, 76, 77, 78, 79, 79]
    narrow = clips("analysis", 20, 10, "segments")  # segments of 2.5 frames
    assert narrow[0] == narrow[2] == [0, 2, 5, 7, 10, 12, 15, 17]
    assert narrow[4] == [1, 3, 6, 8, 11, 13, 16, 18]
    assert narrow[9] == [2, 4, 7, 9, 12, 14, 17, 19]


def test_the_analysis_draws_frames_of_a_video_that_is_too_short():
    assert clips("analysis", 5, 2, "segments") == [
        [0, 1, 2, 3, 3, 3, 3, 4],
        [0, 0, 0, 1, 1, 3, 3, 4],
    ]


# Positions of a crop of 256 in a frame of 256 x 341 and its transpose, with 85 free pixels.
FULL = {
    "ctm": [0, 42, 85],
    "nonlocal": [0, 42, 84],
    "slowfast": [0, 43, 85],
    "mmaction2": [0, 42, 84],
    "analysis": [0, 42, 84],
}


@pytest.mark.parametrize("rule", FULL)
def test_three_crops_of_the_full_short_side(rule):
    landscape = RULES[rule].boxes(256, 341, 3, 224).tolist()
    portrait = RULES[rule].boxes(341, 256, 3, 224).tolist()
    assert landscape == [[0, place, 256] for place in FULL[rule]]
    assert portrait == [[place, 0, 256] for place in FULL[rule]]


def test_tsm_takes_three_crops_from_left_to_right_for_every_shape():
    assert RULES["tsm"].boxes(256, 341, 3, 224).tolist() == [[0, x, 256] for x in (0, 42, 84)]
    assert RULES["tsm"].boxes(341, 256, 3, 224).tolist() == [[42, 0, 256]] * 3


@pytest.mark.parametrize(
    ("rule", "bottom", "right", "center"),
    [
        ("ctm", 32, 117, (16, 58)),
        ("tsm", 32, 116, (16, 58)),
        ("analysis", 32, 116, (16, 58)),
        ("mmaction2", 32, 116, (16, 58)),
    ],
)
def test_five_crops_are_the_corners_and_the_center(rule, bottom, right, center):
    expected = [(0, 0), (0, right), (bottom, 0), (bottom, right), center]
    boxes = [[top, left, 224] for top, left in expected]
    assert RULES[rule].boxes(256, 341, 5, 256).tolist() == boxes
    assert RULES[rule].boxes(256, 341, 10, 256).tolist() == boxes


@pytest.mark.parametrize(
    ("rule", "left"),
    [("ctm", 59), ("nonlocal", 59), ("slowfast", 60), ("mmaction2", 59), ("tsm", 60)],
)
def test_one_crop_is_the_center_rounded_as_in_the_project(rule, left):
    assert RULES[rule].boxes(256, 343, 1, 256).tolist() == [[16, left, 224]]


def test_tsn_stretches_every_frame_to_the_same_shape():
    corners = [[0, 0], [0, 116], [32, 0], [32, 116], [16, 58]]
    assert RULES["tsn"].boxes(256, 340, 10, 256).tolist() == [[*c, 224, 224] for c in corners]
    wide = RULES["tsn"].boxes(512, 1360, 10, 256).tolist()
    assert wide == [[2 * top, 4 * left, 448, 896] for top, left in corners]


def test_crops_at_another_size_are_in_proportion():
    for rule in ("nonlocal", "slowfast", "tsm"):
        boxes = RULES[rule].boxes(128, 170, 3, 256).tolist()
        assert boxes == [[8, 0, 112], [8, 29 if rule != "tsm" else 28, 112], [8, boxes[2][1], 112]]
        assert boxes[2][1] in (56, 58)


def test_ten_crops_are_five_and_their_mirror_images():
    frames = np.random.default_rng(0).integers(0, 256, (4, 32, 44, 3), np.uint8)
    ten = views(frames, num_frames=4, interval=1, image_size=28, num_crops=10)
    five = views(frames, num_frames=4, interval=1, image_size=28, num_crops=5)
    np.testing.assert_array_equal(ten[:5], five)
    np.testing.assert_array_equal(ten[5:], five[:, :, :, ::-1])
    np.testing.assert_array_equal(ten[1, 0], frames[0, :28, 16:])


def test_tsn_crops_are_cut_from_the_stretched_picture():
    ramp = np.broadcast_to(np.arange(136, dtype=np.uint8)[:, None], (64, 136, 3))
    options = ClipOptions(1, 56, "segments", 1, 1, 5, rule="tsn")
    crops = options.crops([ramp])
    expected = [[0, 46, 0, 46, 23]]  # a crop covers 90 of 136 columns
    assert np.abs(crops[:, 0, 0, 0, 0] - np.array(expected[0])).max() <= 1
    assert np.abs(crops[:, 0, 0, -1, 0] - np.array(expected[0]) - 89).max() <= 1
