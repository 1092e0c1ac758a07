"""Whether stored media decodes, as a reader will decode it, to the pictures of the original."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import av

from tfrecords.video.packets import Piece, Pieces, decode, planes_of
from tfrecords.video.picture import matrix_of
from tfrecords.video.renderer import transposes

TRIES = 3  # key pictures to go back from a picture until it decodes exactly
SPARSE = 8  # of so many frames one is decoded once more, without those that nothing refers to


class NotFaithful(ValueError):  # noqa: N818
    """A video whose pictures the reader would not get from the stored media; says why."""


def look_of(frame: av.VideoFrame, matrix: tuple | None) -> tuple:
    """What turns the planes of a picture into pixels: format, size, colors, rotation."""
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
    """Finds from which key picture each frame decodes to the very picture of the original.

    Args:
        pieces: `Pieces` of the stored media.
        keys: The packets that the container calls key pictures.
        digests: Mapping from the packet of a frame to the digest of its picture.
        look: What `look_of` gave for all of them.
        alive: Called with every picture.

    Returns:
        A mapping from the packet of a frame to the packet to start from.

    Raises:
        NotFaithful: If there is none for a frame.
    """

    def exact(start: int, end: int, wanted: set[int]) -> set[int]:
        run, found = (Piece(number, pieces[number]) for number in range(start, end)), set()
        try:
            for number, frame in decode(pieces[0], run, wanted) if wanted else ():
                alive()
                if number in wanted and look_of(frame, matrix_of(frame)) == look:
                    found |= {number} if digest_of(frame) == digests[number] else set()
        except av.FFmpegError:
            pass  # what is missing tells
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
            raise NotFaithful("the stored media decodes to other pictures than the original")
    return starts
