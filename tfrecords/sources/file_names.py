"""Converts between the paths of videos as text, equal in every locale, and files."""

import os
from pathlib import Path


def as_text(path: str | Path) -> str:
    """Decodes a path of the system as UTF-8 and escapes invalid bytes."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def file_of(root: Path, path: str) -> Path:
    """The file at the path of a `VideoEntry`, even if the locale cannot encode it.

    Args:
        root: The folder that relative paths start from.
        path: Path of the entry.
    """
    try:
        return root / os.fsdecode(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # a lone surrogate, which no file name contains
        return root / path
