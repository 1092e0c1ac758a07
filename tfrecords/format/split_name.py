"""What the name of a part of a data set says: a split, several together, or a fold of them."""

import re
from dataclasses import dataclass

_FOLD = re.compile(r"(fold|all-but)-([0-9]{1,9})-of-([0-9]{1,9})")


@dataclass(frozen=True)
class SplitName:
    """The parts of a name such as `"train"`, `"train+val"` or `"train+val:fold-0-of-5"`.

    Args:
        splits: The splits that it names.
        folds: Number of folds into which their videos are divided; 0 for all videos.
        fold: Number of the fold, from 0.
        others: Whether it names all folds but this one.

    Example:
        >>> SplitName.parse("train+val:all-but-0-of-5")
        SplitName(splits=('train', 'val'), folds=5, fold=0, others=True)
    """

    splits: tuple[str, ...]
    folds: int = 0
    fold: int = 0
    others: bool = False

    @classmethod
    def parse(cls, name: str) -> "SplitName":
        """Takes a name apart.

        Raises:
            ValueError: If the name has another form, a split twice, or a fold that does not exist.
        """
        base, colon, part = name.partition(":")
        splits = tuple(base.split("+"))
        if len(set(splits)) < len(splits):
            raise ValueError(f"split must name each split once, received {name!r}.")
        if not colon:
            return cls(splits)
        found = _FOLD.fullmatch(part)
        if not found:
            raise ValueError(
                "split must be like train, train+val, train+val:fold-0-of-5 or "
                f"train+val:all-but-0-of-5, received {name!r}."
            )
        fold, folds = int(found[2]), int(found[3])
        if folds < 2 or fold >= folds:
            most = f"a fold from 0 to {folds - 1}" if folds >= 2 else "at least 2 folds"
            raise ValueError(f"split must have {most}, received {name!r}.")
        return cls(splits, folds, fold, others=found[1] == "all-but")

    @property
    def is_one_split(self) -> bool:
        """Whether it is all of a single split."""
        return len(self.splits) == 1 and not self.folds

    @property
    def base(self) -> str:
        """The name without the fold: `"train+val"`."""
        return "+".join(self.splits)
