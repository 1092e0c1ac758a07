"""Time stamps of pictures, made to grow: containers give them in decoding order, twice, or not."""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

Stamped = tuple[Any, Any]  # an image and its time stamp in seconds, or None
PAUSE = 10_000_000  # microseconds; where clocks may jump, a longer pause is a jump
NOTED = 1_000_000  # microseconds; a smaller jump is a stamp that is not exact
_REORDER = 16  # the most pictures that H.264 may hold back


def in_order(frames: Iterable[Stamped]) -> Iterator[Stamped]:
    """Sorts the time stamps of an AVI, which belong to decoding order, not to the pictures."""
    waiting: list[Any] = []
    stamps: list[Any] = []
    for frame, stamp in frames:
        waiting.append(frame)
        heapq.heappush(stamps, stamp or 0)
        if len(waiting) > _REORDER:
            yield waiting.pop(0), heapq.heappop(stamps)
    yield from zip(waiting, sorted(stamps), strict=True)


def clock(
    frames: Iterable[Stamped],
    zero: Any,
    tick: int,
    longest: int | None = None,
    jumps: list[float] | None = None,
) -> Iterator[tuple[Any, int]]:
    """Microseconds from `zero` that always grow.

    A clock that jumps, back or ahead, is where recordings were joined: the time continues one
    frame later. A single stamp that does not fit between its neighbors shifts nothing.

    Args:
        frames: Frames with their stamps, in display order.
        zero: The stamp that is time 0, seconds.
        tick: Microseconds from a frame to the next where no stamp tells.
        longest: Microseconds of the longest pause; a longer one is a jump. None takes
            every pause as it is.
        jumps: List that is given the time of each jump, seconds.
    """
    last, shift = None, 0

    def fits(time: int) -> bool:
        return last is None or (last < time and (longest is None or time - last <= longest))

    for (frame, stamp), (_, following) in _with_next(frames, zero):
        expected = 0 if last is None else last + tick
        time = None if stamp is None else stamp + shift
        after = None if following is None else following + shift
        if time is None:
            time = expected
        elif last is not None and after is not None and fits(after):
            if not fits(time) or after < time:  # an outlier
                time = max(last + 1, min(expected, (last + after) // 2))
        elif not fits(time):
            if jumps is not None and abs(expected - time) >= NOTED:
                jumps.append(expected / 1e6)
            shift += expected - time
            time = expected
        last = time
        yield frame, time


def _with_next(frames: Iterable[Stamped], zero: Any) -> Iterator[tuple[Stamped, Stamped]]:
    """Each frame and the one after it, their stamps in microseconds from `zero`."""
    exact = ((f, None if s is None else round((s - zero) * 1_000_000)) for f, s in frames)
    return itertools.pairwise(itertools.chain(exact, [(None, None)]))


def runs_on(stamps: Iterable, until: Any, longest: int) -> bool:
    """Whether stamps, in seconds, only grow and never by more than `longest`, up to a time."""
    last = None
    for stamp in stamps:
        if last is not None and not 0 <= stamp - last <= longest / 1_000_000:
            return False
        if stamp > until:
            break
        last = stamp
    return True
