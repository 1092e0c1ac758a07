"""Horizontal flips that keep labels correct.

A flip swaps left and right, so classes with left or right in their names are not flipped by
default. Pairs of classes that are each other's mirror image are flipped and their labels swapped.
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
        class_names: Class names, in label order.
        flip_pairs: Pairs of class names that are each other's mirror image; or the name of a data
            set with known pairs: `"jester"`, `"something-something-v1"` or `"-v2"`.

    Returns:
        An int32 array of shape `(classes,)`. It is `NOT_FLIPPED` (-1) for classes that are not
        flipped: those with the word left or right in their names and no pair.

    Raises:
        ValueError: If a pair is not two different names, a name is unknown or in two pairs, or
            none of the named data set's pairs are classes.

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
            raise ValueError(
                f"flip_pairs must have each class once, received {sorted(twice)[0]!r} twice."
            )
        paired |= set(pair)
        targets[first], targets[second] = second, first
    return targets


def flip_report(class_names: Sequence[str], flip: bool = True, flip_pairs: Pairs = ()) -> list[str]:
    """Describes the effect of horizontal flips on each class.

    Args:
        class_names: Class names, in label order.
        flip: Whether training flips clips.
        flip_pairs: As in `flip_targets`.

    Returns:
        A list of str, one line for each group of classes.

    Raises:
        ValueError: As `flip_targets` does.

    Example:
        >>> tfrecords.flip_report(["wave", "left"])
        ['flips 1 of 2 classes', 'never flips (left or right in the name, no flip pair): left']
    """
    targets = flip_targets(class_names, flip_pairs).tolist()
    if not flip:
        return ["flips no clips"]
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
            lines.append(f"to flip classes with a known mirror image: flip_pairs={known!r}")
    turning = [class_names[i] for i in labels if targets[i] == i and _turns(class_names[i])]
    if turning:
        lines.append(
            "flips, although the direction of rotation reverses; add a flip pair if that is wrong: "
            + ", ".join(turning)
        )
    return lines


def _known_pairs(class_names: Sequence[str], data_set: str) -> list[tuple[int, int]]:
    """The labels of a known data set's pairs, matched by the words of the names."""
    if data_set not in MIRRORS:
        raise ValueError(
            f"flip_pairs must be one of {', '.join(MIRRORS)} or pairs of class names, received "
            f"{data_set!r}."
        )
    labels = {_words(name): label for label, name in enumerate(class_names)}
    pairs = [(_words(first), _words(second)) for first, second in MIRRORS[data_set]]
    if found := [(labels[a], labels[b]) for a, b in pairs if a in labels and b in labels]:
        return found
    raise ValueError(
        f"flip_pairs must match the classes, received {data_set!r}, which has no pair of them. The "
        f"classes are {', '.join(class_names)}."
    )


def _mirrored_in(class_names: Sequence[str]) -> str | None:
    """The known data set with a pair among these classes."""
    words = {_words(name) for name in class_names}
    for data_set, pairs in MIRRORS.items():
        if any({_words(a), _words(b)} <= words for a, b in pairs if a != b):
            return data_set
    return None


def _words(name: str) -> tuple[str, ...]:
    """The lowercase words of a class name in snake_case, CamelCase, or with dashes or spaces."""
    return tuple(word.lower() for word in _WORD.findall(_CASE_CHANGE.sub(" ", name)))


def _turns(name: str) -> bool:
    return bool(_TURNS & {*_words(name)})


def _checked_pairs(flip_pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for pair in flip_pairs:
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(
                f"flip_pairs must be pairs of two different class names, received {pair!r}."
            )
        yield pair[0], pair[1]


def _label(name: str, class_names: Sequence[str]) -> int:
    if name not in class_names:
        near = difflib.get_close_matches(name, class_names, n=1, cutoff=0)
        raise ValueError(
            f"flip_pairs must be class names, received {name!r}."
            + (f" Did you mean {near[0]!r}?" if near else "")
            + f" The classes are {', '.join(class_names)}."
        )
    return list(class_names).index(name)
