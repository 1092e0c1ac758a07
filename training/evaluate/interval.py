"""The confidence interval of an accuracy, which is wide when it comes from few videos."""

import math
from collections.abc import Callable
from statistics import NormalDist

FEW = 10_000  # videos; with more, the interval is narrower than two points
Z = NormalDist().inv_cdf(0.975)


def wilson(accuracy: float, videos: int) -> tuple[float, float]:
    """The 95% interval of an accuracy: Wilson's score interval of a proportion.

    Unlike accuracy ± 2 standard errors, it stays between 0 and 1, and it is right for few videos
    and for accuracies near 0 and 1. The videos count as independent; clips of one recording are
    not, so that their true interval is wider.

    Args:
        accuracy: Fraction of the videos that are classified correctly.
        videos: Number of videos.

    Example:
        >>> low, high = wilson(45 / 50, 50)
        >>> f"{low:.3f} {high:.3f}"
        '0.786 0.957'

    Reference:
        Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 1927.
    """
    middle = accuracy * videos + Z**2 / 2
    half = Z * math.sqrt(videos * accuracy * (1 - accuracy) + Z**2 / 4)
    total = videos + Z**2
    low, high = (middle - half) / total, (middle + half) / total
    return max(0.0, min(low, accuracy)), min(1.0, max(high, accuracy))  # rounding at 0 and 1


def with_interval(
    accuracy: float, videos: int, shown: Callable[[float], str] = "{:.4f}".format
) -> str:
    """`"0.9000 [0.7864, 0.9565]"`; without the interval if there are many videos.

    Args:
        accuracy: Fraction of the videos that are classified correctly.
        videos: Number of videos.
        shown: Formats each number.
    """
    if videos >= FEW:
        return shown(accuracy)
    return f"{shown(accuracy)} [{', '.join(map(shown, wilson(accuracy, videos)))}]"


def note(videos: int) -> str:
    """The explanation of the brackets of `with_interval`, or "" if there are none."""
    if videos >= FEW:
        return ""
    return f"in brackets: 95% confidence interval for {videos:,} videos (Wilson score)"
