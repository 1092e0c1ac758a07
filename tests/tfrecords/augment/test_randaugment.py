"""Compares RandAugment with Pillow called directly, with values from timm's tables."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from tfrecords.augment.clip import change_clip
from tfrecords.augment.operations import affine, rotate
from tfrecords.augment.options import Augment
from tfrecords.augment.randaugment import OPERATIONS, Policy, apply, draw, parse, randaugment

BILINEAR, AFFINE, GRAY = Image.Resampling.BILINEAR, Image.Transform.AFFINE, (128, 128, 128)


def moved(*matrix):
    return lambda image: image.transform(image.size, AFFINE, matrix, BILINEAR, fillcolor=GRAY)


def turned(degrees):
    return lambda image: image.rotate(degrees, BILINEAR, fillcolor=GRAY)


def enhanced(kind, factor):
    return lambda image: kind(image).enhance(factor)


def added(image):
    values = np.asarray(image).astype(int)
    return np.where(values < 128, np.minimum(values + 77, 255), values).astype(np.uint8)


# name, strength, sign, increasing, and the same with Pillow; the pictures are 48 pixels wide
CASES = [
    ("AutoContrast", 7, 1, True, ImageOps.autocontrast),
    ("Equalize", 7, 1, True, ImageOps.equalize),
    ("Invert", 7, 1, True, ImageOps.invert),
    ("Rotate", 5, -1, True, turned(-15)),
    ("Rotate", 10, 1, False, turned(30)),
    ("Posterize", 7, 1, True, lambda image: ImageOps.posterize(image, 2)),
    ("Posterize", 7, 1, False, lambda image: ImageOps.posterize(image, 2)),
    ("Posterize", 3, 1, True, lambda image: ImageOps.posterize(image, 3)),
    ("Solarize", 2.5, 1, True, lambda image: ImageOps.solarize(image, 192)),
    ("Solarize", 2.5, 1, False, lambda image: ImageOps.solarize(image, 64)),
    ("SolarizeAdd", 7, 1, True, added),
    ("Color", 5, 1, True, enhanced(ImageEnhance.Color, 1.45)),
    ("Color", 5, 1, False, enhanced(ImageEnhance.Color, 1.0)),
    ("Contrast", 10, -1, True, enhanced(ImageEnhance.Contrast, 0.1)),
    ("Contrast", 10, -1, False, enhanced(ImageEnhance.Contrast, 1.9)),
    ("Brightness", 2, -1, True, enhanced(ImageEnhance.Brightness, 0.82)),
    ("Sharpness", 10, 1, True, enhanced(ImageEnhance.Sharpness, 1.9)),
    ("ShearX", 10, 1, True, moved(1, 0.3, 0, 0, 1, 0)),
    ("ShearY", 5, -1, True, moved(1, 0, 0, -0.15, 1, 0)),
    ("TranslateX", 10, 1, True, moved(1, 0, 21.6, 0, 1, 0)),
    ("TranslateY", 5, -1, True, moved(1, 0, 0, 0, 1, -10.8)),
]
OF_THE_WHOLE_CLIP = {"AutoContrast", "Equalize", "Contrast"}
MOVING = {"Rotate", "ShearX", "ShearY", "TranslateX", "TranslateY"}
ROUNDED = {"Color", "Sharpness"}  # Pillow truncates


@pytest.mark.parametrize(("name", "strength", "sign", "inc", "expected"), CASES)
def test_each_operation_matches_pillow(clip, name, strength, sign, inc, expected):
    found = apply(clip, name, strength, sign, inc)
    if name in OF_THE_WHOLE_CLIP:
        wide = Image.fromarray(np.concatenate(clip, axis=1))  # side by side, not stacked
        wanted = np.stack(np.split(np.asarray(expected(wide)), len(clip), axis=1))
    else:
        wanted = np.stack([np.asarray(expected(Image.fromarray(frame))) for frame in clip])
    difference = np.abs(found.astype(int) - wanted)
    if name in MOVING:  # the edge is a line of half-gray pixels
        assert (difference > 2).mean() < 0.05
        assert np.median(difference) <= 1
    else:
        assert difference.max() <= (name in ROUNDED)


def test_pictures_move_by_exact_pixels(clip):
    """A rotation by 90 degrees and a shift by whole pixels equal NumPy's."""
    np.testing.assert_array_equal(rotate(clip, 90), np.rot90(clip, axes=(1, 2)))
    shifted = affine(clip, (1, 0, 12, 0, 1, -5))
    np.testing.assert_array_equal(shifted[:, 5:, :-12], clip[:, :-5, 12:])
    assert (shifted[:, :5] == 128).all()
    assert (shifted[:, :, -12:] == 128).all()


def test_every_operation_is_tested():
    assert {case[0] for case in CASES} == set(OPERATIONS)
    assert len(OPERATIONS) == 15


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_equal_frames_change_alike_among_different_frames(clip, name):
    clip[2] = clip[0]
    clip[1] //= 2
    found = apply(clip, name, 6, 1, True)
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("name", sorted(OF_THE_WHOLE_CLIP))
def test_a_color_changes_alike_in_every_frame(clip, name):
    """A bright object that enters the picture does not make the rest flicker."""
    still = np.full((3, 48, 48, 3), 90, np.uint8)
    still[1, :24] = 250
    still[:, 40:, 40:] = clip[0, :8, :8]
    found = apply(still, name, 8, 1, True)
    assert (found[:, 30, 10] == found[0, 30, 10]).all()


def test_policies_are_parsed_in_timms_notation():
    assert parse("rand-m7-n4-mstd0.5-inc1") == Policy(7, 4, 0.5, True)
    assert parse("rand-m9-mstd0.5") == Policy(9, 2, 0.5, False)
    assert parse("rand-n3-inc0") == Policy(10, 3, 0, False)
    assert parse("none") is None


@pytest.mark.parametrize(
    "policy", ["", "rand-9", "auto-m7", "rand-m7-m8", "rand-m7-x2", "rand-n1.5", "rand-m-7", 7]
)
def test_invalid_policies_are_errors(policy):
    with pytest.raises(ValueError, match="must be none or a policy such as rand-m7-n4-"):
        Augment(randaugment=policy)


def test_too_strong_a_policy_is_an_error():
    with pytest.raises(ValueError, match="m must be at most 10, received 'rand-m11'"):
        Augment(randaugment="rand-m11")


def test_draws_have_timms_distributions():
    rng = np.random.default_rng(0)
    drawn = [row for _ in range(3000) for row in draw(Policy(7, 4, 0.5, True), rng)]
    assert len(drawn) / 12000 == pytest.approx(0.5, abs=0.02)
    names, strengths, signs = zip(*drawn, strict=True)
    assert set(names) == set(OPERATIONS)
    assert names.count("Invert") / len(names) == pytest.approx(1 / 15, abs=0.01)
    assert np.mean(strengths) == pytest.approx(7, abs=0.05)
    assert np.std(strengths) == pytest.approx(0.5, abs=0.03)
    assert np.mean(signs) == pytest.approx(0, abs=0.04)
    assert max(row[1] for row in draw(Policy(10, 64, 2, True), rng)) == 10


def test_drawn_operations_are_applied_in_order(clip, keys):
    augment, policy = Augment(randaugment="rand-m7-n4-mstd0.5-inc1"), Policy(7, 4, 0.5, True)
    for number in range(20):
        expected = clip
        for name, strength, sign in draw(policy, np.random.default_rng(number)):
            expected = apply(expected, name, strength, sign, True)
        found = randaugment(clip, policy, np.random.default_rng(number))
        np.testing.assert_array_equal(found, expected)
    first, again, other = (change_clip(clip, augment, key) for key in keys[[0, 0, 2]])
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
