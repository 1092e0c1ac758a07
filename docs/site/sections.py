"""Sections of Keras' docstrings that the Google style lacks, in terms that it has."""

import re
from textwrap import dedent
from typing import Any

import griffe

EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
SECTION = re.compile(r"^(Input shape|Output shape|Reference):\n((?:    .*\n?|\n)+)", re.MULTILINE)


class Sections(griffe.Extension):
    """Makes examples of `Example:`, and titled text of the sections that griffe does not know."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            text = EXAMPLE.sub("Examples:", obj.docstring.value)
            obj.docstring.value = SECTION.sub(_titled, text)


def _titled(section: re.Match[str]) -> str:
    return f"**{section[1]}:**\n\n{dedent(section[2])}"
