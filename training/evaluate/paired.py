"""The paired sign test: whether a run is better than another on the same videos."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.evaluate.predictions import Predictions, hits, join_views
from training.evaluate.scores import Report, first_difference

LEAST = 1e-5  # smaller p-values are not printed


@dataclass(frozen=True)
class SignTest:
    """How two runs differ on the same videos; `str` is one line.

    Args:
        better: Number of videos that only the second run classifies correctly.
        worse: Number of videos that only the first run classifies correctly.
        videos: Number of all videos.
    """

    better: int
    worse: int
    videos: int

    @property
    def p(self) -> float:
        """The exact two-sided p-value.

        If the runs were equally good, each of the videos on which they differ would favor either
        run with probability 1/2. This is the probability of a difference at least as large.
        """
        differing, fewer = self.better + self.worse, min(self.better, self.worse)
        ways = tail = 1  # the tail of the binomial distribution, times 2 ** differing
        for k in range(fewer):
            ways = ways * (differing - k) // (k + 1)
            tail += ways
        return min(1.0, 2 * tail / 2**differing)

    @property
    def p_in_words(self) -> str:
        """`"p = 0.035"` or `"p < 1e-5"`."""
        return f"p = {self.p:.2g}" if self.p >= LEAST else "p < 1e-5"

    def __str__(self) -> str:
        return (
            f"better on {self.better:,}, worse on {self.worse:,} of {self.videos:,} videos "
            f"(paired sign test {self.p_in_words})"
        )

    def to_dict(self) -> dict[str, Any]:
        """The test as values that JSON supports."""
        return {**asdict(self), "p": self.p}


def sign_test(first: Predictions, second: Predictions) -> SignTest:
    """Compares two predictions for the same videos by top-1.

    Args:
        first: Predictions of one model.
        second: Predictions of another model, or of the same model for other clips.

    Raises:
        ValueError: If videos or labels differ.

    Reference:
        Dixon and Mood, The Statistical Sign Test, JASA 1946.
    """
    (ids, labels, scores), (others, other_labels, other_scores) = map(join_views, (first, second))
    if not (np.array_equal(ids, others) and np.array_equal(labels, other_labels)):
        raise ValueError(
            "A paired test must be of the same videos with the same labels, received different "
            "ones. Evaluate both runs on the same split."
        )
    one, other = hits(labels, scores, 1), hits(labels, other_scores, 1)
    return SignTest(int((other & ~one).sum()), int((one & ~other).sum()), len(ids))


def against_the_first(runs: Mapping[str, tuple[Predictions, Report]]) -> dict[str, SignTest]:
    """Compares each run with the first one.

    Args:
        runs: Predictions and report of each run, by name.

    Raises:
        ValueError: If the runs were not scored alike. Only the sizes of the networks' clips may
            differ.
    """
    results = list(runs.values())
    what = first_difference(
        {
            "classes": [report.class_names for _, report in results],
            "splits": [report.split for _, report in results],
            "checkpoints": [report.model for _, report in results],
            "protocols": [report.views for _, report in results],
            "videos": [sorted(set(own.ids.tolist())) for own, _ in results],
        }
    )
    if what:
        raise ValueError(
            f"No paired sign test of the {len(runs)} runs: they were scored with different {what}."
        )
    first, *others = runs
    return {name: sign_test(runs[first][0], runs[name][0]) for name in others}


def in_words(tests: Mapping[str, SignTest], first: str) -> list[str]:
    """A line for each comparison with the first run."""
    return [f"{name} against {first}: {test}" for name, test in tests.items()]
