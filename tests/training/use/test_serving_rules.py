"""What the rules of views and resampling give for tensors equals what they give for numbers."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfrecords.sampling.rules import RULES
from tfrecords.video import resample_evenly
from training.use.serving import XP

SAMPLINGS = [(rule, sampling) for rule in RULES for sampling in RULES[rule].samplings]
MOST = {("mmaction2", "segments"): 2, ("tsm", "segments"): 2, ("tsn", "segments"): 1}  # clips
VIDEOS = [*range(1, 12), 24, 25, 26, 63, 64, 65, 249, 300, 108_000]
SIZES = [(240, 320), (320, 240), (240, 240), (256, 341), (37, 50), (1, 3), (181, 240), (239, 321)]
INT64 = tf.TensorSpec((), tf.int64)


@pytest.mark.parametrize(("rule", "sampling"), SAMPLINGS)
def test_clips(rule, sampling):
    clips = [n for n in (1, 2, 3, 10) if n <= MOST.get((rule, sampling), 10)]
    options = [*itertools.product((1, 8), (1, 8), clips), (25, 3, clips[-1])]

    def of(video_frames, **xp):
        return [RULES[rule].clips(sampling, video_frames, *own, **xp) for own in options]

    traced = tf.function(lambda n: of(n, xp=XP), [INT64], autograph=False)
    for frames in VIDEOS:
        for own, found, expected in zip(options, traced(frames), of(frames), strict=True):
            assert found.dtype == tf.int64
            np.testing.assert_array_equal(found, expected, f"{frames} frames, {own}")


@pytest.mark.parametrize("rule", RULES)
def test_boxes(rule):
    options = [*itertools.product((1, 3, 5, 10), (224, 256, 299))]

    def of(height, width, **xp):
        return [RULES[rule].boxes(height, width, *own, **xp) for own in options]

    traced = tf.function(lambda h, w: of(h, w, xp=XP), [INT64, INT64], autograph=False)
    free = [(240, 240 + extra) for extra in range(1, 12)]  # all ways to round
    for size in [*SIZES, *free, *((w, h) for h, w in free)]:
        for own, found, expected in zip(options, traced(*size), of(*size), strict=True):
            np.testing.assert_array_equal(found, expected, f"{size}, {own}")


def test_resampling():
    rates = [10.0, 23.976, 25.0, 29.97, 30.0, 60.0]

    def of(pictures, rate, fps, **xp):
        count, picture_at = resample_evenly(pictures, rate, fps, **xp)
        return count, picture_at(np.arange(40))

    signature = [INT64, tf.TensorSpec((), tf.float64)]
    for fps in (10.0, 20.0, 24.0):
        traced = tf.function(lambda *n, fps=fps: of(*n, fps, xp=XP), signature, autograph=False)
        for pictures, rate in itertools.product((1, 2, 29, 100, 108_000), rates):
            found, expected = traced(pictures, rate), of(pictures, rate, fps)
            assert found[0] == expected[0]
            np.testing.assert_array_equal(found[1], expected[1])
