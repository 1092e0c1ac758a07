"""The names of splits, of several splits, and of folds."""

import pytest

from tfrecords.format.split_name import SplitName


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("train", SplitName(("train",))),
        ("val+train", SplitName(("val", "train"))),
        ("train:fold-1-of-2", SplitName(("train",), folds=2, fold=1)),
        ("train+val:all-but-9-of-10", SplitName(("train", "val"), 10, 9, others=True)),
    ],
)
def test_a_name_is_taken_apart(name, parsed):
    assert SplitName.parse(name) == parsed
    assert parsed.base == name.partition(":")[0]
    assert parsed.is_one_split == (name == "train")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train+train", "split must name each split once, received 'train\\+train'"),
        ("train:first", "split must be like train, train\\+val, .*, received 'train:first'"),
        ("train:fold-0-of-5:fold-1-of-5", "split must be like"),
        ("train:fold--1-of-5", "split must be like"),
        ("train:fold-0-of-1", "split must have at least 2 folds, received"),
        ("train:all-but-0-of-0", "split must have at least 2 folds, received"),
        ("train:fold-5-of-5", "split must have a fold from 0 to 4, received 'train:fold-5-of-5'"),
    ],
)
def test_a_name_of_another_form_is_refused(name, words):
    with pytest.raises(ValueError, match=words):
        SplitName.parse(name)
