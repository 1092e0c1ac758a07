"""Time stamps of pictures, made to grow: containers give them in decoding order, twice, or not."""

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

Stamped = tuple[Any, Any]  # an image and its time stamp in seconds, or None
_REORDER = 16  # the most pictures that H.264 may hold back


def in_order(frames: Iterable[Stamped]) -> Iterator[Stamped]:
    """Sorts the time stamps of an AVI, which belong to decoding order, not to the pictures."""
    waiting, stamps = [], []
    for frame, stamp in frames:
        waiting.append(frame)
        heapq.heappush(stamps, stamp or 0)
        if len(waiting) > _REORDER:
            yield waiting.pop(0), heapq.heappop(stamps)
    yield from zip(waiting, sorted(stamps), strict=True)


def clock(frames: Iterable[Stamped], zero, tick: int) -> Iterator[tuple[Any, int]]:
    """Microseconds from `zero` that always grow: a clock that goes back goes on from there."""
    last, shift = -tick, 0
    for frame, stamp in frames:
        time = last + tick if stamp is None else round((stamp - zero) * 1_000_000) + shift
        if time <= last:
            shift += last + tick - time
            time = last + tick
        last = time
        yield frame, time
