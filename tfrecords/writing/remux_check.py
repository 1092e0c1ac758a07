"""Verifies that stored media decodes to the pictures of the original, bit for bit."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import av

from tfrecords.video.packets import Piece, Pieces, decode, planes_of
from tfrecords.video.picture import matrix_of
from tfrecords.video.renderer import transposes

TRIES = 3  # keyframes to go back from a picture until it decodes exactly
SPARSE = 8  # one of so many frames is decoded again without non-reference pictures


class NotFaithful(ValueError):  # noqa: N818
    """The stored media does not decode to the original pictures. The message is the reason."""


def look_of(frame: av.VideoFrame, matrix: tuple | None) -> tuple:
    """The properties that convert planes to pixels: format, size, colors, rotation."""
    turn = None
    if matrix:
        a, b, c, d = matrix
        turn = (0, b > 0, c > 0) if transposes(matrix) else (1, a > 0, d > 0)
    size = frame.width, frame.height
    return frame.format.name, *size, int(frame.colorspace), int(frame.color_range), turn


def digest_of(frame: av.VideoFrame) -> bytes:
    """A hash of the planes of a picture."""
    return hashlib.sha256(planes_of(frame)).digest()


def prove(
    pieces: Pieces,
    keys: Sequence[int],
    digests: Mapping[int, bytes],
    look: tuple,
    alive: Callable[[], None],
) -> dict[int, int]:
    """Finds the keyframe from which each frame decodes exactly to the picture of the original.

    Args:
        pieces: The pieces of the stored media.
        keys: The packets that the container marks as keyframes.
        digests: Mapping from the packet of a frame to the digest of its picture.
        look: The result of `look_of` for all of them.
        alive: Called with every picture.

    Returns:
        A mapping from the packet of a frame to the packet where decoding starts.

    Raises:
        NotFaithful: If there is no such keyframe for a frame.
    """

    def exact(start: int, end: int, wanted: set[int]) -> set[int]:
        run, found = (Piece(number, pieces[number]) for number in range(start, end)), set()
        try:
            for number, frame in decode(pieces[0], run, wanted) if wanted else ():
                alive()
                if number in wanted and look_of(frame, matrix_of(frame)) == look:
                    found |= {number} if digest_of(frame) == digests[number] else set()
        except av.FFmpegError:
            pass  # the missing pictures show it
        return found

    starts: dict[int, int] = {}
    bounds = [1, *[key for key in keys if key > 1], len(pieces)]
    for place, end in enumerate(bounds[1:]):
        own = {number for number in digests if bounds[place] <= number < end}
        for start in reversed(bounds[: place + 1][-TRIES:]):
            starts |= dict.fromkeys(exact(start, end, own - starts.keys()), start)
        sparse = set(
            sorted(n for n in own if starts.get(n) == bounds[place])[SPARSE // 2 :: SPARSE]
        )
        if own - starts.keys() or sparse - exact(bounds[place], end, sparse):
            raise NotFaithful("the stored media does not decode to the pictures of the original")
    return starts
