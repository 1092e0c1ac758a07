"""File names for the pictures of several runs in one folder."""

from collections.abc import Sequence
from pathlib import Path


def picture_names(runs: Sequence[Path]) -> list[str]:
    """The folder names of runs, which prefix the names of their pictures.

    Raises:
        ValueError: If two names are the same.
    """
    names: dict[str, Path] = {}
    for path in runs:
        name = path.resolve().name
        if name in names:
            raise ValueError(
                f"{names[name]} and {path} would both write pictures named {name}. Analyze one "
                "after the other, each with its own --out."
            )
        names[name] = path
    return list(names)
