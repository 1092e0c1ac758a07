"""Finds the offsets of values in a serialized SequenceExample by parsing protobuf's wire format.

The index needs the offset of each JPEG in its shard, which no protobuf runtime returns. The
official runtime would also need twice the memory of a record, and 20 to 30 times for a malicious
record full of empty messages. Fields may be in any order, lists packed or not, and messages in
parts; unknown fields are skipped. An Example works too: its features are at the context's tag.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]  # start and end of a value in the record

# Tags: the number of a field times eight, plus its wire type.
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
_FIRST, _SECOND, _THIRD = (number << 3 | BYTES for number in (1, 2, 3))
_FIXED = {EIGHT_BYTES: 8, FOUR_BYTES: 4}


class NotAnExample(ValueError):  # noqa: N818
    """The bytes are not a SequenceExample. The message is the reason."""


@dataclass(frozen=True)
class Example:
    """A record and the spans of its features; `lists` has those of each time step.

    Args:
        data: The record.
        context: Mapping from a key to the spans of a Feature.
        lists: Mapping from a key to the spans of a FeatureList.
    """

    data: bytes
    context: dict[str, list[Span]]
    lists: dict[str, list[Span]]

    def values(self, key: str) -> list[Span] | list[int] | list[float]:
        """The values of a context feature: numbers, or the spans of texts and bytes."""
        return feature_values(self.data, self.context.get(key, ()))

    def texts(self, key: str) -> list[str]:
        """The texts of a context feature."""
        spans = (value for value in self.values(key) if isinstance(value, tuple))
        return [self.data[start:end].decode("utf-8", "backslashreplace") for start, end in spans]

    def steps(self, key: str) -> Iterator[list]:
        """Yields the values of each time step of a feature list."""
        for part in self.lists.get(key, ()):
            for tag, start, end in fields(self.data, *part):
                if tag == _FIRST:
                    yield feature_values(self.data, [(start, end)])


def read_example(data: bytes) -> Example:
    """Finds the features of a record.

    Raises:
        NotAnExample: If the bytes are not an Example.
    """
    context: dict[str, list[Span]] = {}
    lists: dict[str, list[Span]] = {}
    for tag, start, end in fields(data, 0, len(data)):
        if tag in (_FIRST, _SECOND):
            _read_map(data, start, end, context if tag == _FIRST else lists)
    return Example(data, context, lists)


def fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yields the tag, start and end of each field of a message; for a varint its value twice."""
    place = start
    while place < end:
        tag, place = _varint(data, place, end)
        kind = tag & 7
        if tag < 8 or kind not in (VARINT, BYTES, *_FIXED):
            raise NotAnExample(f"byte {place} is not a field of a protobuf message")
        if kind == VARINT:
            value, place = _varint(data, place, end)
            yield tag, value, value
            continue
        length = _FIXED.get(kind)
        if length is None:
            length, place = _varint(data, place, end)
        if length > end - place:
            raise NotAnExample(f"the field at byte {place} is longer than the message around it")
        yield tag, place, place + length
        place += length


def feature_values(data: bytes, parts: Iterable[Span]) -> list:
    """The values of a Feature; the last kind wins, as in protobuf."""
    kind: int | None = None
    values: list = []
    for part in parts:
        for tag, start, end in fields(data, *part):
            if tag in _READERS:
                values = values if tag == kind else []
                kind = tag
                values += _READERS[tag](data, start, end)
    return values


def _read_map(data: bytes, start: int, end: int, into: dict[str, list[Span]]) -> None:
    """Reads the entries of a map; the last one of a key wins."""
    for tag, *entry in fields(data, start, end):
        if tag == _FIRST:
            key, value = "", []
            for part, first, last in fields(data, *entry):
                if part == _FIRST:
                    key = data[first:last].decode("utf-8", "backslashreplace")
                elif part == _SECOND:
                    value.append((first, last))
            into[key] = value


def _bytes(data: bytes, start: int, end: int) -> list[Span]:
    return [(first, last) for tag, first, last in fields(data, start, end) if tag == _FIRST]


def _floats(data: bytes, start: int, end: int) -> list[float]:
    values: list[float] = []
    for tag, first, last in fields(data, start, end):
        if tag in (_FIRST, 1 << 3 | FOUR_BYTES):
            if (last - first) % 4:
                raise NotAnExample(f"the float list at byte {first} is truncated")
            values += struct.unpack(f"<{(last - first) // 4}f", data[first:last])
    return values


def _ints(data: bytes, start: int, end: int) -> list[int]:
    values: list[int] = []
    for tag, first, last in fields(data, start, end):
        if tag == 1 << 3 | VARINT:
            values.append(first)
        elif tag == _FIRST:
            while first < last:
                value, first = _varint(data, first, last)
                values.append(value)
    return [value - (1 << 64) if value >> 63 else value for value in values]


def _varint(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A number and the offset after it."""
    value = shift = 0
    for byte in data[place : min(end, place + 10)]:
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place
        shift += 7
    raise NotAnExample(f"the number before byte {place} does not end")


_READERS: dict[int, Callable[[bytes, int, int], list]] = {
    _FIRST: _bytes,
    _SECOND: _floats,
    _THIRD: _ints,
}
