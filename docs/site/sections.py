"""What the docstrings hold beyond the Google style, in terms of that style."""

import re
from collections.abc import Iterator
from textwrap import dedent, indent
from typing import Any

import griffe

EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
COMMANDS = re.compile(r" For example:\n+((?: +.*\n?)+)")
SECTION = re.compile(r"^(Input shape|Output shape|Reference):\n((?:    .*\n?|\n)+)", re.MULTILINE)


class Sections(griffe.Extension):
    """Shows the sections of Keras' docstrings, and the fields of `TrainConfig` as arguments."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            text = EXAMPLE.sub("Examples:", obj.docstring.value)
            text = SECTION.sub(_titled, text)
            obj.docstring.value = COMMANDS.sub(_commands, text)

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        if pkg.name == "training":
            config = pkg["config.train.TrainConfig"]
            config.docstring.value += "\n\nArgs:\n" + "\n".join(_fields(config))


def _titled(section: re.Match[str]) -> str:
    return f"**{section[1]}:**\n\n{dedent(section[2])}"


def _commands(example: re.Match[str]) -> str:
    return f"\n\n**Example:**\n\n```sh\n{dedent(example[1]).rstrip()}\n```\n"


def _fields(config: griffe.Class) -> Iterator[str]:
    for name, member in config.all_members.items():
        if member.is_attribute and member.docstring and "property" not in member.labels:
            yield f"    {name}: {indent(member.docstring.value, ' ' * 8).strip()}"
