"""One way to answer a name that does not exist."""

import difflib
from collections.abc import Iterable


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> ValueError:
    """The error for a wrong name: the nearest valid one, and all of them.

    Args:
        kind: what the name is of, as in `"backbone"`.
        name: what was received.
        valid: the names that exist.
    """
    valid = [str(item) for item in valid]
    nearest = difflib.get_close_matches(str(name).lower(), valid, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return ValueError(f"There is no {kind} {name!r}.{hint} There are: {', '.join(valid)}.")
