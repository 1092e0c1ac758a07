"""How the pictures of several runs in one folder are called."""

from collections.abc import Sequence
from pathlib import Path


def picture_names(runs: Sequence[Path]) -> list[str]:
    """The names of runs' folders, with which the names of their pictures begin.

    Raises:
        ValueError: If two are the same.
    """
    names: dict[str, Path] = {}
    for path in runs:
        name = path.resolve().name
        if name in names:
            raise ValueError(
                f"{names[name]} and {path} would both write pictures named {name}: analyze one "
                "after the other, each with an --out of its own."
            )
        names[name] = path
    return list(names)
