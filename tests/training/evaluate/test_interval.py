"""Wilson's interval, compared with published values and with its definition."""

import math

import pytest

from training.evaluate.interval import note, wilson, with_interval


@pytest.mark.parametrize(
    ("right", "videos", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 1998, Table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (45, 50, 0.7864, 0.9565),
    ],
)
def test_published_intervals(right, videos, low, high):
    assert wilson(right / videos, videos) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("videos", [1, 7, 50, 9999])
def test_its_properties(videos):
    for right in {0, 1, videos // 3, videos - 1, videos}:
        accuracy = right / videos
        low, high = wilson(accuracy, videos)
        assert 0 <= low <= accuracy <= high <= 1
        assert wilson(1 - accuracy, videos) == pytest.approx((1 - high, 1 - low))
        narrower = wilson(accuracy, 4 * videos)
        assert low <= narrower[0]
        assert narrower[1] <= high
        for bound in (low, high):  # where a test of this true accuracy just fails to reject
            error = math.sqrt(bound * (1 - bound) / videos)
            assert abs(accuracy - bound) == pytest.approx(1.959963984540054 * error, abs=1e-9)


def test_a_perfect_and_a_failed_run_have_exact_bounds():
    assert wilson(1.0, 12)[1] == 1.0
    assert str(wilson(0.0, 12)[0]) == "0.0"
    assert wilson(0.0, 0) == (0.0, 1.0)  # without videos, nothing is known


def test_intervals_are_printed_below_ten_thousand_videos():
    assert with_interval(0.9, 50) == "0.9000 [0.7864, 0.9565]"
    assert with_interval(0.9, 50, "{:.1%}".format) == "90.0% [78.6%, 95.7%]"
    assert with_interval(0.9, 9999).startswith("0.9000 [")
    assert with_interval(0.9, 10_000) == "0.9000"
    assert note(9999) == "in brackets: 95% confidence interval for 9,999 videos (Wilson score)"
    assert note(10_000) == ""
