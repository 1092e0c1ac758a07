"""Which classes are flipped, and the report about it."""

import pytest

import tfrecords
from tfrecords.augment import NOT_FLIPPED, flip_targets


@pytest.mark.parametrize(
    "name",
    [
        "left",
        "Swipe Left",
        "04_V_Swiping_Left",
        "swipe-right",
        "SwipeRight",
        "TURN_LEFT",
        "turnLEFTHand",
        "left2right",
        "Pushing something from left to right",
        "left-handed throw",
        "drift leftwards",
        "größer.Left",
    ],
)
def test_names_with_a_side_are_not_flipped(name):
    assert flip_targets([name]).tolist() == [NOT_FLIPPED]


@pytest.mark.parametrize(
    "name",
    [
        "brightness",
        "upright",
        "Upright Bench",
        "leftover",
        "eat_leftovers",
        "copyright",
        "cleft",
        "Brighten",
        "wave",
        "éleft",
        "",
    ],
)
def test_names_without_a_side_are_flipped(name):
    assert flip_targets([name]).tolist() == [0]


def test_pairs_swap_their_labels():
    names = ["up", "swipe_left", "swipe_right", "TurnLeft", "clockwise", "counterclockwise"]
    pairs = [("swipe_right", "swipe_left"), ["clockwise", "counterclockwise"]]
    assert flip_targets(names, pairs).tolist() == [0, 2, 1, NOT_FLIPPED, 5, 4]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("up", "swipe_lef")], "received 'swipe_lef'. Did you mean 'swipe_left'"),
        ([("up", "up")], "two different class names, received"),
        ([("up", "down", "left")], "two different class names, received"),
        ([("up",)], "two different class names, received"),
        (["up"], "two different class names, received 'up'"),
        ([("up", "down"), ("down", "swipe_left")], "received 'down' twice"),
        ([("up", "down"), ("down", "up")], "received 'down' twice"),
    ],
)
def test_wrong_pairs_are_errors(pairs, message):
    with pytest.raises(ValueError, match=message):
        flip_targets(["up", "down", "swipe_left"], pairs)


def test_the_report_names_every_kind_of_class():
    names = ["up", "swipe_left", "swipe_right", "TurnLeft", "Turning clockwise"]
    assert tfrecords.flip_report(names, flip_pairs=[("swipe_left", "swipe_right")]) == [
        "flips 2 of 5 classes",
        "flips and swaps the labels of swipe_left <-> swipe_right",
        "never flips (left or right in the name, no flip pair): TurnLeft",
        "flips, although the direction of rotation reverses; add a flip pair if that is wrong: "
        "Turning clockwise",
    ]
    assert tfrecords.flip_report(["up", "down"]) == ["flips 2 of 2 classes"]
    assert tfrecords.flip_report(names, flip=False) == ["flips no clips"]


def test_the_report_of_real_gestures(real_videos):
    names = sorted(path.name for path in (real_videos / "gestures17").iterdir() if path.is_dir())
    assert tfrecords.flip_report(names, flip_pairs=[("15_CW_Rotation", "16_CCW_Rotation")]) == [
        "flips 13 of 17 classes",
        "flips and swaps the labels of 15_CW_Rotation <-> 16_CCW_Rotation",
        "never flips (left or right in the name, no flip pair): "
        "04_V_Swiping_Left, 05_V_Swiping_Right",
    ]
    assert "15_CW_Rotation, 16_CCW_Rotation" in tfrecords.flip_report(names)[-1]
