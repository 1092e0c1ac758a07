"""Makes time stamps of pictures increase: in files they may be unordered, repeated or missing."""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

Stamped = tuple[Any, Any]  # an image and its time stamp in seconds, or None
PAUSE = 10_000_000  # microseconds; a longer pause is a jump if clocks may jump
NOTED = 1_000_000  # microseconds; a smaller jump is an inexact time stamp
_REORDER = 16  # the maximum number of pictures that H.264 may delay


def in_order(frames: Iterable[Stamped]) -> Iterator[Stamped]:
    """Sorts the time stamps of an AVI, which are in decoding order and not in display order."""
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
    """Converts time stamps to strictly increasing microseconds from `zero`.

    A clock that jumps back or ahead means that recordings were joined. The time then continues one
    frame later. A single time stamp that is not between its neighbors shifts nothing.

    Args:
        frames: Frames with their time stamps, in display order.
        zero: The time stamp of time 0 in seconds.
        tick: Microseconds between frames without time stamps.
        longest: The longest pause in microseconds; a longer one is a jump. None keeps all pauses.
        jumps: List to which the time of each jump in seconds is added.
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
    """Pairs of consecutive frames, with time stamps in microseconds from `zero`."""
    exact = ((f, None if s is None else round((s - zero) * 1_000_000)) for f, s in frames)
    return itertools.pairwise(itertools.chain(exact, [(None, None)]))


def runs_on(stamps: Iterable, until: Any, longest: int) -> bool:
    """Whether time stamps in seconds increase by at most `longest` up to a time."""
    last = None
    for stamp in stamps:
        if last is not None and not 0 <= stamp - last <= longest / 1_000_000:
            return False
        if stamp > until:
            break
        last = stamp
    return True
