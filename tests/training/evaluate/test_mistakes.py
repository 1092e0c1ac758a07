"""The most confident mistakes: which videos, in which order, in which words."""

import numpy as np

from training.evaluate.mistakes import mistakes_in_words, worst_mistakes

IDS = np.array(["a", "b", "c", "d", "e"])
LABELS = np.array([0, 0, 1, 2, 1])
PROBABILITIES = np.array(
    [[0.99, 0.01, 0.0], [0.1, 0.2, 0.7], [0.97, 0.02, 0.01], [0.25, 0.35, 0.4], [0.5, 0.5, 0.0]]
)


def test_the_most_confident_mistakes_come_first():
    expected = [("c", 1, 0, 0.97), ("b", 0, 2, 0.7), ("e", 1, 0, 0.5)]  # e ties with its label
    assert worst_mistakes(IDS, LABELS, PROBABILITIES) == expected
    assert worst_mistakes(IDS, LABELS, PROBABILITIES, most=2) == expected[:2]
    assert PROBABILITIES[0, 0] == 0.99  # unchanged


def test_equally_confident_mistakes_keep_their_order():
    same = np.tile([0.2, 0.8], (9, 1))
    ids = np.array([f"v{i}" for i in range(9)])
    found = worst_mistakes(ids, np.zeros(9, int), same)
    assert [video for video, *_ in found] == ["v0", "v1", "v2", "v3", "v4"]


def test_a_model_without_mistakes_has_none():
    assert worst_mistakes(IDS, PROBABILITIES.argmax(axis=1), np.eye(3)[[0, 2, 0, 2, 0]]) == []


def test_the_words_of_a_mistake_are_safe_to_print():
    mistakes = [("jump/a\x1b[31m", 0, 1, 0.9984)]
    _, line, command = mistakes_in_words(mistakes, ["jump", "run\n"], "data", "val")
    assert line == r"  jump/a\x1b[31m: labeled jump, predicted run\n (0.998)"
    assert "\x1b" not in command
