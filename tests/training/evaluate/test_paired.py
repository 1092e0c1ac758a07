"""The paired sign test, compared with tables and with all outcomes counted one by one."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from tfrecords import ClipOptions
from training.evaluate.config import EvaluateConfig
from training.evaluate.paired import SignTest, against_the_first, in_words, sign_test
from training.evaluate.predictions import Predictions
from training.evaluate.scores import Scored, score
from training.evaluate.settings import settings_for
from training.view import View


@pytest.mark.parametrize(
    ("better", "worse", "p"),
    # The first three are in docs/results.md; SciPy's binomtest gives the same.
    [(17, 6, 0.0347), (20, 8, 0.0357), (14, 5, 0.0636), (0, 6, 0.03125), (27, 0, 1.49e-8)],
)
def test_known_p_values(better, worse, p):
    assert SignTest(better, worse, 81).p == pytest.approx(p, rel=2e-3)
    assert SignTest(worse, better, 81).p == SignTest(better, worse, 81).p


@pytest.mark.parametrize("differing", range(9))
def test_p_is_the_share_of_outcomes_that_are_as_uneven(differing):
    outcomes = [sum(coins) for coins in itertools.product((0, 1), repeat=differing)]
    for better in range(differing + 1):
        uneven = abs(2 * better - differing)
        share = sum(abs(2 * o - differing) >= uneven for o in outcomes) / len(outcomes)
        assert SignTest(better, differing - better, 100).p == pytest.approx(share)


def test_many_videos_neither_overflow_nor_take_long():
    found = SignTest(5100, 4900, 50_000).p  # the normal approximation, continuity corrected
    assert found == pytest.approx(math.erfc(199 / 100 / math.sqrt(2)), rel=1e-3)
    assert SignTest(10_000, 0, 50_000).p == 0.0


def test_the_line_of_a_comparison():
    words = "better on 27, worse on 0 of 81 videos (paired sign test p < 1e-5)"
    assert str(SignTest(27, 0, 81)) == words
    assert str(SignTest(14, 5, 1234)).endswith("of 1,234 videos (paired sign test p = 0.064)")
    assert SignTest(0, 0, 9).p_in_words == "p = 1"
    expected = {"better": 0, "worse": 6, "videos": 9, "p": 0.03125}
    assert SignTest(0, 6, 9).to_dict() == expected


def run(answers, **changes):
    """A run that answers `"0120"` for the videos a, b, c and d; their labels are 0, 1, 2, 0."""
    own = {"ids": "abcd", "views": np.zeros(4, int), "labels": [0, 1, 2, 0], "num_frames": 8}
    own |= {"split": "val", "model": "model", "names": "xyz", "num_clips": 1} | changes
    logits = np.eye(3)[[int(answer) for answer in answers]] * 5
    predictions = Predictions(
        np.array([*own["ids"]]), own["views"], np.array(own["labels"]), logits
    )
    view = View(ClipOptions(num_frames=own["num_frames"]))
    settings = settings_for(EvaluateConfig(num_clips=own["num_clips"]), view)
    same = {"data": "d", "data_hash": "h", "protocol": str(settings), "missing": {}}
    scored = Scored(**same, split=own["split"], model=own["model"], settings=settings)
    return predictions, score(predictions, [*own["names"]], scored)


def test_each_run_is_compared_with_the_first_on_the_videos_of_the_same_id():
    turned = run("0210", ids="dcba", labels=[0, 2, 1, 0], num_frames=16)  # all right, other clips
    tests = against_the_first({"one": run("0101"), "two": run("0121"), "three": turned})
    assert tests == {"two": SignTest(1, 0, 4), "three": SignTest(2, 0, 4)}
    assert in_words(tests, "one")[0].startswith("two against one: better on 1, worse on 0 of 4")
    assert in_words(against_the_first({"one": run("0101")}), "one") == []


def test_a_tie_counts_as_wrong_as_in_top_1():
    right, _ = run("0120")
    tied = dataclasses.replace(right, logits=np.zeros((4, 3)))
    assert sign_test(right, tied) == SignTest(0, 4, 4)
    assert sign_test(tied, tied) == SignTest(0, 0, 4)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"names": "xyw"}, "classes"),
        ({"split": "test"}, "splits"),
        ({"model": "best"}, "checkpoints"),
        ({"num_clips": 3}, "protocols"),
        ({"ids": "abce"}, "videos"),
    ],
)
def test_runs_that_were_scored_differently_are_not_compared(changes, what):
    with pytest.raises(ValueError, match=f"^No paired .* of the 2 runs: .* with different {what}"):
        against_the_first({"one": run("0120"), "two": run("0120", **changes)})


def test_videos_with_other_labels_are_not_compared():
    with pytest.raises(ValueError, match="must be of the same videos with the same labels"):
        against_the_first({"one": run("0120"), "two": run("0120", labels=[0, 1, 2, 1])})
