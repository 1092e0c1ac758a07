"""What all options share: how they are checked, spelled and parsed."""

import ast
from typing import Any

SPELT = {"true": True, "false": False, "none": None}


class Options:
    """A group of a command's options."""

    def check(self) -> None:
        """Raises ValueError for invalid values."""


def check_counts(config: object, *names: str) -> None:
    """Raises ValueError if one of the named fields of a config is below 1."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ValueError(f"{flag(name)} must be 1 or more, received {value}.")


def flag(name: str) -> str:
    """A field's name as an option of the command line."""
    return "--" + name.replace("_", "-")


def parse_option(option: str) -> tuple[str, Any]:
    """`"blocks=1,3"` as `("blocks", (1, 3))`; a value that is not a Python literal is a string."""
    name, equals, value = option.partition("=")
    if not (name and equals and value):
        raise ValueError(f"--options must be name=value, received {option!r}.")
    if value.lower() in SPELT:
        return name, SPELT[value.lower()]
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, tuple(value.split(",")) if "," in value else value
