"""Checks of arguments."""

from collections.abc import Collection


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raises ValueError if `value` is not an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, received {value!r}.")


def check_choice(name: str, value: object, choices: Collection[object]) -> None:
    """Raises ValueError if `value` is not one of `choices`."""
    if value not in choices:
        valid = ", ".join(map(str, choices))
        raise ValueError(f"{name} must be one of {valid}, received {value!r}.")
