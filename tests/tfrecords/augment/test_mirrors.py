"""Compares the known mirror images with the official lists, by the positions in FACTS.md."""

import pytest

import tfrecords
from tfrecords.augment import MIRRORS, NOT_FLIPPED, flip_targets

SSV1 = [(2, 4), (30, 41), (52, 66)]
SSV2 = [(86, 87), (93, 94), (166, 167)]
JESTER = [(0, 1), (6, 7), (14, 15)]


@pytest.fixture
def lists(real_videos):
    """The folder of official lists."""
    return real_videos / "annotations"


def lines(path):
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("data_set", "file", "pairs"),
    [
        ("jester", "jester/label_map.txt", JESTER),
        ("something-something-v1", "something/sthv1_label_map.txt", SSV1),
        ("something-something-v2", "something/sthv2_label_map.txt", SSV2),
    ],
)
def test_the_pairs_of_the_official_lists(lists, data_set, file, pairs):
    names = lines(lists / file)
    expected = list(range(len(names)))
    for first, second in pairs:
        expected[first], expected[second] = second, first
    assert flip_targets(names, data_set).tolist() == expected
    by_hand = [(names[first], names[second]) for first, second in pairs]
    swapped = tfrecords.flip_report(names, flip_pairs=data_set)[1]
    assert all(f"{a} <-> {b}" in swapped for a, b in by_hand)


def test_names_match_in_any_spelling(lists):
    """The gesrec list spells it Swiping_Left and counts from 1."""
    names = [line.split()[1] for line in lines(lists / "jester/gesrec_classInd.txt")]
    targets = flip_targets(names, "jester")
    for left, right in [
        ("Swiping_Left", "Swiping_Right"),
        ("Sliding_Two_Fingers_Left", "Sliding_Two_Fingers_Right"),
        ("Turning_Hand_Clockwise", "Turning_Hand_Counterclockwise"),
    ]:
        assert targets[names.index(left)] == names.index(right)
        assert targets[names.index(right)] == names.index(left)
    assert NOT_FLIPPED not in targets


def test_half_a_pair_is_never_flipped(lists):
    names = lines(lists / "something/ibm_mini_ssv2_classes.txt")
    alone = {name for name in names if {"left", "right"} & set(name.split())}
    assert len(alone) == 3
    with pytest.raises(ValueError, match="has no pair of them"):
        flip_targets(names, "something-something-v2")
    swipes = ["Swiping Left", "Swiping Right", "Sliding Two Fingers Left", "Stop Sign"]
    assert flip_targets(swipes, "jester").tolist() == [1, 0, NOT_FLIPPED, 3]


def test_the_report_suggests_the_data_set_with_known_pairs(lists):
    names = lines(lists / "jester/label_map.txt")
    hint = "to flip classes with a known mirror image: flip_pairs='jester'"
    assert tfrecords.flip_report(names)[2] == hint
    assert hint not in tfrecords.flip_report(names, flip_pairs="jester")
    assert hint not in tfrecords.flip_report(["Swiping Left", "Stop Sign"])


def test_wrong_names_are_errors():
    known = "jester, something-something-v1, something-something-v2"
    assert ", ".join(MIRRORS) == known
    with pytest.raises(
        ValueError, match=f"must be one of {known} or pairs .*, received 'kinetics'"
    ):
        flip_targets(["wave"], "kinetics")
    with pytest.raises(
        ValueError, match=r"received 'jester', which has no pair .* The classes are wave"
    ):
        flip_targets(["wave"], "jester")
