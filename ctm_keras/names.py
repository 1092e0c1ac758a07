"""Error messages about names: unknown names, and class names that differ."""

import difflib
import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)  # as in tfrecords.sources.class_order


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> ValueError:
    """Returns the error for an unknown name; it suggests the closest name and lists all.

    Args:
        kind: Kind of object, such as `"backbone"`.
        name: The unknown name.
        valid: The valid names.
    """
    valid = [str(item) for item in valid]
    nearest = difflib.get_close_matches(str(name).lower(), valid, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return ValueError(f"The {kind} must be one of {', '.join(valid)}, received {name!r}.{hint}")


def class_difference(one: Sequence[str], other: Sequence[str], of_one: str, of_other: str) -> str:
    """Describes how two lists of class names differ, or returns an empty string.

    Args:
        one: Class names in order.
        other: Class names in order.
        of_one: Owner of `one`, such as `"the model"`.
        of_other: Owner of `other`.
    """
    one, other = list(one), list(other)
    only = [
        f"only {owner} has {_first_of(sorted({*names} - {*others}))}"
        for owner, names, others in ((of_one, one, other), (of_other, other, one))
        if {*names} - {*others}
    ]
    if only or one == other:
        return "; ".join(only)
    places = (i for i, names in enumerate(zip(one, other, strict=False)) if len({*names}) > 1)
    place = next(places, 0)
    found = f"output {place} is {one[place]} in {of_one} and {other[place]} in {of_other}"
    by_text = {tuple(one): of_one, tuple(other): of_other}.get(tuple(sorted(one)))
    if by_text and all(map(_NUMBER.fullmatch, one)):
        found += (
            f", because an older build sorted numeric class names as text for {by_text}; they are "
            "now sorted by value"
        )
    return found


def _first_of(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
