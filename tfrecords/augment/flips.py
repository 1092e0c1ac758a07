"""Horizontal flips that keep the label true.

A mirror image swaps left and right, so classes named after a side are not flipped on their own;
pairs of classes that are each other's mirror image are flipped with their labels swapped.
"""

import difflib
import re
from collections.abc import Iterable, Sequence

import numpy as np

from tfrecords.augment.mirrors import MIRRORS

NOT_FLIPPED = -1
_SIDES = {"left", "right", "leftward", "rightward", "leftwards", "rightwards"}
_TURNS = {"clockwise", "counterclockwise", "anticlockwise", "cw", "ccw"}
_CASE_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+")

Pairs = str | Iterable[tuple[str, str]]


def flip_targets(class_names: Sequence[str], flip_pairs: Pairs = ()) -> np.ndarray:
    """The label that each class has after a horizontal flip.

    Args:
        class_names: The classes in order.
        flip_pairs: Pairs of class names that are each other's mirror image; or the name of a data
            set whose pairs are known: `"jester"`, `"something-something-v1"` or `"-v2"`.

    Returns:
        An int32 array of shape `(classes,)`; `NOT_FLIPPED` (-1) for a class that is not flipped,
        because the word left or right is in its name and no pair holds it.

    Raises:
        ValueError: If a pair is not two different names, or a name is unknown or in two pairs; or
            the classes are not those of the data set that is named.

    Example:

    >>> flip_targets(["wave", "swipe_left", "swipe_right", "TurnLeft"],
    ...              [("swipe_left", "swipe_right")])
    array([ 0,  2,  1, -1], dtype=int32)
    """
    targets = np.arange(len(class_names), dtype=np.int32)
    targets[[bool(_SIDES & {*_words(name)}) for name in class_names]] = NOT_FLIPPED
    if isinstance(flip_pairs, str):
        for first, second in _known_pairs(class_names, flip_pairs):
            targets[first], targets[second] = second, first
        return targets
    paired: set[str] = set()
    for pair in _checked_pairs(flip_pairs):
        first, second = (_label(name, class_names) for name in pair)
        if twice := paired & set(pair):
            raise ValueError(f"flip_pairs holds {sorted(twice)[0]!r} twice; a class has one mirror")
        paired |= set(pair)
        targets[first], targets[second] = second, first
    return targets


def flip_report(class_names: Sequence[str], flip: bool = True, flip_pairs: Pairs = ()) -> list[str]:
    """What horizontal flips do to each class, in lines for people.

    Args:
        class_names: The classes in order.
        flip: Whether there are flips at all.
        flip_pairs: As in `flip_targets`.

    Returns:
        A list of str, a line for each kind of class that there is.

    Raises:
        ValueError: As `flip_targets` does.

    Example:

    >>> tfrecords.flip_report(["wave", "swipe left"])
    ['flips 1 of 2 classes', 'never flips (left or right in the name, no flip pair): swipe left']
    """
    targets = flip_targets(class_names, flip_pairs).tolist()
    if not flip:
        return ["flips no clip"]
    labels = range(len(targets))
    lines = [f"flips {sum(map(int.__eq__, targets, labels))} of {len(labels)} classes"]
    swapped = [
        f"{class_names[a]} <-> {class_names[b]}"
        for a, b in zip(labels, targets, strict=True)
        if a < b
    ]
    if swapped:
        lines.append("flips and swaps the labels of " + ", ".join(swapped))
    if alone := [class_names[i] for i in labels if targets[i] == NOT_FLIPPED]:
        lines.append("never flips (left or right in the name, no flip pair): " + ", ".join(alone))
        if not swapped and (known := _mirrored_in(class_names)):
            lines.append(f"knows the mirror images of these classes: flip_pairs={known!r}")
    turning = [class_names[i] for i in labels if targets[i] == i and _turns(class_names[i])]
    if turning:
        lines.append(
            "flips although a mirror image turns the other way; name a flip pair if that is wrong: "
            + ", ".join(turning)
        )
    return lines


def _known_pairs(class_names: Sequence[str], data_set: str) -> list[tuple[int, int]]:
    """The pairs of a known data set, found by the words of their names; both must be classes."""
    if data_set not in MIRRORS:
        raise ValueError(
            f"flip_pairs knows the mirror images of {', '.join(MIRRORS)}, not of {data_set!r}; for "
            "other classes give pairs of names"
        )
    labels = {_words(name): label for label, name in enumerate(class_names)}
    pairs = [(_words(first), _words(second)) for first, second in MIRRORS[data_set]]
    if found := [(labels[a], labels[b]) for a, b in pairs if a in labels and b in labels]:
        return found
    raise ValueError(
        f"flip_pairs={data_set!r} names none of the classes, which are {', '.join(class_names)}"
    )


def _mirrored_in(class_names: Sequence[str]) -> str | None:
    """The known data set that has a pair of these classes."""
    words = {_words(name) for name in class_names}
    for data_set, pairs in MIRRORS.items():
        if any({_words(a), _words(b)} <= words for a, b in pairs if a != b):
            return data_set
    return None


def _words(name: str) -> tuple[str, ...]:
    """The words of a class name, lower case: of snake_case, CamelCase, dashes and spaces."""
    return tuple(word.lower() for word in _WORD.findall(_CASE_CHANGE.sub(" ", name)))


def _turns(name: str) -> bool:
    return bool(_TURNS & {*_words(name)})


def _checked_pairs(flip_pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for pair in flip_pairs:
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(f"flip_pairs expects pairs of two different class names, got {pair!r}")
        yield pair[0], pair[1]


def _label(name: str, class_names: Sequence[str]) -> int:
    if name not in class_names:
        near = difflib.get_close_matches(name, class_names, n=1, cutoff=0)
        raise ValueError(
            f"flip_pairs names {name!r}, which is not a class"
            + (f"; did you mean {near[0]!r}? " if near else ". ")
            + f"The classes are {', '.join(class_names)}"
        )
    return list(class_names).index(name)
