"""Damaged copies of a file. Mutant k of a file is deterministic: k is the seed."""

import random
import struct

NUMBERS = (0, 1, 2, 0x7F, 0x7FFF, 0x7FFFFFFF, 0x7FFFFFFFFFFFFFFF, -1, -2)


def mutant(content: bytes, *number) -> tuple[str, bytes]:
    """The name of a damage and the damaged bytes, which differ from `content`.

    Args:
        content: bytes, the whole file.
        *number: Numbers that identify a mutant.
    """
    draw = random.Random(repr(number))
    while True:
        damage = draw.choice(DAMAGES)
        changed = bytearray(content)
        damage(changed, draw)
        if bytes(changed) != content:
            return damage.__name__, bytes(changed)


def bit(content: bytearray, draw: random.Random) -> None:
    content[place(content, draw)] ^= 1 << draw.randrange(8)


def bits(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(2, 64)):
        bit(content, draw)


def cut(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content)) :]


def grown(content: bytearray, draw: random.Random) -> None:
    content += draw.randbytes(draw.randint(1, 4096))


def hole(content: bytearray, draw: random.Random) -> None:
    start = place(content, draw)
    del content[start : start + length(draw)]


def zeros(content: bytearray, draw: random.Random) -> None:
    start = place(content, draw)
    end = min(len(content), start + length(draw))
    content[start:end] = bytes(end - start)


def noise(content: bytearray, draw: random.Random) -> None:
    start = place(content, draw)
    end = min(len(content), start + length(draw))
    content[start:end] = draw.randbytes(end - start)


def repeated(content: bytearray, draw: random.Random) -> None:
    start = place(content, draw)
    content[start:start] = content[start : start + length(draw)]


def swapped(content: bytearray, draw: random.Random) -> None:
    one, other, run = place(content, draw), place(content, draw), length(draw)
    first, second = content[one : one + run], content[other : other + run]
    if len(first) == len(second):
        content[one : one + run], content[other : other + run] = second, first


def number(content: bytearray, draw: random.Random) -> None:
    """A value for a length, count or offset, in 2, 4 or 8 bytes of either byte order."""
    letter, start = draw.choice("HIQ"), place(content, draw)
    size = struct.calcsize(letter)
    value = draw.choice([*NUMBERS, len(content), len(content) + 1, draw.getrandbits(32)])
    packed = struct.pack(draw.choice("<>") + letter, value & ((1 << 8 * size) - 1))
    content[start : start + size] = packed[: len(content) - start]


def place(content: bytearray, draw: random.Random) -> int:
    """Half of the offsets are near the ends, where containers have their tables."""
    near = min(len(content), 1024)
    return draw.choice(
        [
            draw.randrange(len(content)),
            draw.randrange(len(content)),
            draw.randrange(near),
            len(content) - 1 - draw.randrange(near),
        ]
    )


def length(draw: random.Random) -> int:
    """A byte or two, a row of a table, a sector of a disk."""
    return draw.choice([draw.randint(1, 4), draw.randint(1, 64), 512, 4096])


DAMAGES = (bit, bit, bits, cut, grown, hole, zeros, noise, repeated, swapped, number, number)
