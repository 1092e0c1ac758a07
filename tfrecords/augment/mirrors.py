"""Pairs of classes of published data sets that are each other's mirror image.

A name paired with itself is its own mirror image, although it contains the word left or right.
"""

_SOMETHING = (
    ("Pulling something from left to right", "Pulling something from right to left"),
    ("Pushing something from left to right", "Pushing something from right to left"),
    (
        "Turning the camera left while filming something",
        "Turning the camera right while filming something",
    ),
    ("Plugging something into something but pulling it right out as you remove your hand",) * 2,
)
_JESTER = (
    ("Swiping Left", "Swiping Right"),
    ("Sliding Two Fingers Left", "Sliding Two Fingers Right"),
    ("Turning Hand Clockwise", "Turning Hand Counterclockwise"),
)

MIRRORS = {
    "jester": _JESTER,
    "something-something-v1": _SOMETHING,
    "something-something-v2": _SOMETHING,
}
