"""The paths of videos as text that is alike in every locale, and the files that they name."""

import os
from pathlib import Path


def as_text(path: str | Path) -> str:
    """A path that this system listed, its bytes read as UTF-8; what is not UTF-8 stays escaped."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def file_of(root: Path, path: str) -> Path:
    """The file that the path of a `VideoEntry` names, also where the locale cannot spell it.

    Args:
        root: The folder that relative paths start from.
        path: Path of the entry.
    """
    try:
        return root / os.fsdecode(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # half a surrogate pair, of which no file has a name
        return root / path
