"""Formats names and numbers for text files and for printing."""

import re
import unicodedata

LONGEST_NAME = 32  # characters of a name in a table, a sentence or a picture
_HALF_PAIR = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the others encode bytes of file names


def plain(name: str) -> str:
    """Normalizes a name to the same valid UTF-8 text on every system."""
    name = _HALF_PAIR.sub("\ufffd", name)
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", name)


def printable(name: str) -> str:
    """Escapes the control characters of a name from outside, so that it is safe to print."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def shorten(name: str) -> str:
    """Truncates a long name."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def counted(number: int, noun: str) -> str:
    """`"1 video"`, `"2 videos"`."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def timed(seconds: float) -> str:
    """`"a second"`, `"20 seconds"`, `"1.5 hours"`."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds" if seconds >= 1.5 else "a second"


def sized(number: float) -> str:
    """A number of bytes: `"12.3 MB"`, `"1.5 GB"`."""
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e6:.3g} MB"
