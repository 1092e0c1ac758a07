"""The words that name a split, in folders, names of lists and columns of CSV files."""

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
    "eval": "val",  # evaluates during training, as in TensorFlow and Hugging Face
    "evaluation": "val",
    "test": "test",
    "testing": "test",
}
_WORD = rf"(?:{'|'.join(SPLIT_WORDS)}|trn|tst)"
_PART = r"(?:(?:sub)?sets?|splits?|folds?|data|videos?|clips?|frames?|list)"
_LIKE_SPLIT = rf"{_WORD}+{_PART}*|(?:sub)?sets?|splits?|k?folds?|(?:un)?seen|(?:hold|held)out"


def words_of(name: str) -> list[str]:
    """The words of a name in lower case, e.g. `["ucf", "train"]` for `"UCFTrain_256"`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.split(r"[\W\d_]+", spaced) if word]


def split_of(name: str) -> str | None:
    """The first split in a name, e.g. `"val"` for `"kinetics_600_validate"`, or None."""
    return next(iter(_splits_in(name)), None)


def splits_in(name: str) -> set[str]:
    """All splits in a name, e.g. two for `"train_val"`."""
    return set(_splits_in(name))


def without_split(name: str) -> list[str]:
    """The words of a name without those of splits, sorted."""
    return sorted(word for word in words_of(name) if word not in SPLIT_WORDS)


def is_like_split(name: str) -> bool:
    """Whether a name may be that of a split: `"trainset"`, `"fold_1"`, `"unseen"`."""
    return _has(_LIKE_SPLIT, name)


def ends_like_split(name: str) -> bool:
    """Whether a name ends like that of a split: `"ucftrain"`, but also `"festival"`."""
    return _has(rf"\w*{_WORD}", name)


def _splits_in(name: str) -> list[str]:
    """The splits of words. `eval` counts only alone: `eval_test` is test."""
    found = [word for word in words_of(name) if word in SPLIT_WORDS]
    exact = [word for word in found if not word.startswith("eval")]
    return [SPLIT_WORDS[word] for word in exact or found]


def _has(pattern: str, name: str) -> bool:
    words = words_of(name)
    return any(re.fullmatch(pattern, word) for word in [*words, "".join(words)])
