"""Messages about class names in a different order."""

import pytest

from ctm_keras import names
from ctm_keras.names import class_difference
from tfrecords.sources import class_order


def test_a_number_is_the_same_here_and_where_classes_are_sorted():
    assert names._NUMBER == class_order._NUMBER


@pytest.mark.parametrize(
    ("one", "by_text"),
    [(["10", "9"], True), (["-1.5", "-3"], True), (["1e1", "9"], False), (["10", "nan"], False)],
)
def test_only_numbers_were_sorted_as_text(one, by_text):
    found = class_difference(one, one[::-1], "the file", "the model")
    assert ("sorted numeric class names as text for the file" in found) == by_text
