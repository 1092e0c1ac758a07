"""Names in error messages: one that does not exist, and classes in another order."""

import difflib
import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)  # as in tfrecords.sources.class_order


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> ValueError:
    """The error for a wrong name: the nearest valid one, and all of them.

    Args:
        kind: Kind of thing that has the name, as in `"backbone"`.
        name: Name that was received.
        valid: The names that exist.
    """
    valid = [str(item) for item in valid]
    nearest = difflib.get_close_matches(str(name).lower(), valid, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return ValueError(f"There is no {kind} {name!r}.{hint} There are: {', '.join(valid)}.")


def class_difference(one: Sequence[str], other: Sequence[str], of_one: str, of_other: str) -> str:
    """In what class names or their order differ, or an empty string.

    Args:
        one: Class names in order.
        other: Class names in order.
        of_one: Owner of the first, as in `"the model"`.
        of_other: Owner of the others.
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
            f", since class names that are numbers were sorted as text for {by_text}, by an older "
            "build, and are sorted by value now"
        )
    return found


def _first_of(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
