"""Resampling of evenly spaced pictures without a list equals resampling of the stream."""

from fractions import Fraction

import numpy as np
import pytest

from tfrecords.video.picture import Picture
from tfrecords.video.resample import resample, resample_evenly

RATES = [0.5, 10, 12.5, 24000 / 1001, 25, 29.97, 30, 50, 7.3, 240]


def streamed(pictures: int, rate: float, fps: float) -> list[int]:
    """The numbers of the pictures that `resample` selects."""
    times = (round(Fraction(i * 10**6) / Fraction(rate)) for i in range(pictures))
    stream = [Picture(i, time, round(1e6 / rate)) for i, time in enumerate(times)]
    return [picture.image for picture, _ in resample(stream, fps, 0, None)]


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("pictures", [1, 2, 3, 17, 100])
def test_the_same_pictures(pictures, fps):
    for rate in [*RATES, 1200]:  # at 1200, a picture is shorter than the tolerance
        count, picture_at = resample_evenly(pictures, rate, fps)
        found = picture_at(np.arange(count)).tolist()
        assert found == streamed(pictures, rate, fps), rate


def test_a_tick_in_the_middle_of_two_pictures_takes_the_later():
    count, picture_at = resample_evenly(6, 30, 20)
    assert picture_at(np.arange(count)).tolist() == [0, 2, 3, 5]
    assert streamed(6, 30, 20) == [0, 2, 3, 5]
