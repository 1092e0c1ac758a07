"""The words that name a split: in folders, in the names of lists, in a CSV file's column."""

import re

SPLITS = ("train", "val", "test")
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def words_of(name: str) -> list[str]:
    """The words of a name, lower case, without numbers: `["train", "set"]` of `"TrainSet_256"`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[\W\d_]+", spaced) if word]


def split_of(name: str) -> str | None:
    """The split that the first such word of a name gives: `"val"` of `"kinetics_600_validate"`."""
    return next((SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS), None)


def splits_in(name: str) -> set[str]:
    """All splits that words of a name give: two of `"train_val"`."""
    return {SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS}


def without_split(name: str) -> list[str]:
    """The other words of a name: those that the folders of two splits share."""
    return sorted(word for word in words_of(name) if word not in SPLIT_WORDS)
