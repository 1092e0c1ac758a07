"""Checks of arguments."""


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raises ValueError if `value` is not an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, received {value!r}.")
