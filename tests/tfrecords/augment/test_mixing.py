"""Compares MixUp and CutMix with plain NumPy; soft labels match the fractions of the pixels."""

import numpy as np
import pytest

from tfrecords.augment.mixing import draw, mix_batch
from tfrecords.augment.options import Augment

LABELS = np.array([2, 0, 1, 3, 0])


@pytest.fixture
def batch(keys):
    """Five clips of noise `(5, 3, 32, 32, 3)` with their labels and keys."""
    clips = np.random.default_rng(2).integers(0, 256, (5, 3, 32, 32, 3), np.uint8)
    return clips, LABELS, keys[:5]


@pytest.mark.parametrize("mix_per", ["batch", "clip"])
def test_mixup_is_the_sum_weighted_by_the_labels(batch, mix_per):
    clips, labels, _ = batch
    mixed, soft = mix_batch(*batch, Augment(mixup=0.8, mix_per=mix_per), 4)
    shares = [soft[i, labels[i]] for i in (0, 1, 3, 4)]
    assert soft.dtype == np.float32
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-6)
    for i, share in zip((0, 1, 3, 4), shares, strict=True):
        expected = share * clips[i].astype(float) + (1 - share) * clips[4 - i]
        assert np.abs(mixed[i] - expected).max() <= 0.51
        assert soft[i, labels[4 - i]] == pytest.approx(1 - share, abs=1e-6)
    assert np.abs(mixed[2].astype(int) - clips[2]).max() <= 1  # its own partner
    assert soft[2].tolist() == pytest.approx([0, 1, 0, 0])
    assert len({round(float(share), 6) for share in shares}) == (1 if mix_per == "batch" else 4)


@pytest.mark.parametrize("mix_per", ["batch", "clip"])
def test_cutmix_pastes_one_box_of_the_partner_into_all_frames(keys, mix_per):
    augment, boxes = Augment(cutmix=1.0, mix_per=mix_per), set()
    values = np.array([10, 60, 110, 160, 210], np.uint8)
    clips = np.ones((5, 3, 32, 32, 3), np.uint8) * values[:, None, None, None, None]
    for first in range(0, 100, 5):
        mixed, soft = mix_batch(clips, LABELS, keys[first : first + 5], augment, 4)
        for i in (0, 1, 3, 4):
            other = mixed[i] == values[4 - i]
            assert (other | (mixed[i] == values[i])).all()
            assert (other == other[:1, :, :, :1]).all()
            rows, columns = (np.flatnonzero(other[0, ..., 0].any(axis=axis)) for axis in (1, 0))
            assert other[0, ..., 0].sum() == len(rows) * len(columns)  # a rectangle
            expected = np.zeros(4)
            expected[LABELS[i]] += 1 - other.mean()
            expected[LABELS[4 - i]] += other.mean()
            np.testing.assert_allclose(soft[i], expected, atol=1e-6)
            boxes.add((i, *rows[:1], *columns[:1]))
    assert len(boxes) > 40


def test_mixing_ratios_have_the_distributions_of_the_papers():
    rng = np.random.default_rng(0)
    mixup = [draw(Augment(mixup=0.8), 32, rng).own for _ in range(4000)]
    assert np.mean(mixup) == pytest.approx(0.5, abs=0.02)
    assert np.var(mixup) == pytest.approx(1 / (4 * 2.6), abs=0.005)  # of Beta(a, a): 1 / (8a + 4)
    cut = [draw(Augment(cutmix=1.0), 224, rng) for _ in range(4000)]
    whole = [m for m in cut if min(m.box[:2]) > 0 and max(m.box[2:]) < 224]
    areas = [(m.box[2] - m.box[0]) * (m.box[3] - m.box[1]) for m in whole]
    assert all((m.box[2] - m.box[0]) == (m.box[3] - m.box[1]) for m in whole)
    np.testing.assert_allclose([m.own for m in whole], 1 - np.array(areas) / 224**2)


def test_probability_and_switch():
    rng = np.random.default_rng(0)
    both = Augment(mixup=0.8, cutmix=1.0, mix_prob=0.6, mix_switch=0.25)
    mixes = [draw(both, 32, rng) for _ in range(4000)]
    cut = np.mean([mix.box is not None for mix in mixes])
    none = np.mean([mix.box is None and mix.own == 1 for mix in mixes])
    assert cut == pytest.approx(0.6 * 0.25, abs=0.02)
    assert none == pytest.approx(0.4, abs=0.02)


def test_unmixed_batches_are_unchanged_and_inputs_are_not_modified(batch):
    before = batch[0].copy()
    mixed, soft = mix_batch(*batch, Augment(mixup=0.8, mix_prob=0.0), 4)
    np.testing.assert_array_equal(mixed, before)
    np.testing.assert_array_equal(soft, np.eye(4)[LABELS])
    mix_batch(*batch, Augment(mixup=0.8, cutmix=1.0, mix_per="clip"), 4)
    np.testing.assert_array_equal(batch[0], before)
    alone, label = mix_batch(*(part[:1] for part in batch), Augment(cutmix=1.0), 4)
    np.testing.assert_array_equal(alone, before[:1])
    assert label[0].tolist() == pytest.approx([0, 0, 1, 0])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"mixup": -1}, "mixup must be a number of at least 0, received -1"),
        ({"cutmix": "1"}, "cutmix must be a number of at least 0, received '1'"),
        ({"mix_prob": 2}, "mix_prob must be a number from 0 to 1, received 2"),
        ({"mix_switch": float("nan")}, "mix_switch must be a number from 0 to 1, received nan"),
        ({"mix_per": "pair"}, "mix_per must be one of batch, clip, received 'pair'"),
        ({"crop": "center"}, "crop must be one of scale, corners, resized, received 'center'"),
        ({"repeats": 0}, "repeats must be an integer from 1 to 64, received 0"),
        ({"repeats": 1.5}, "repeats must be an integer from 1 to 64, received 1.5"),
        ({"repeats": 2.0}, "repeats must be an integer from 1 to 64, received 2.0"),
        ({"repeats": True}, "repeats must be an integer from 1 to 64, received True"),
    ],
)
def test_wrong_options_are_errors(option, message):
    with pytest.raises(ValueError, match=message):
        Augment(**option)


def test_an_unknown_preset_is_an_error():
    with pytest.raises(
        ValueError, match="augment must be one of slowfast, tsn, mvit, received 'timm'"
    ):
        Augment.preset("timm")
