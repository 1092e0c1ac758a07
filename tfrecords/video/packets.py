"""Pictures out of an encoded video whose packets are read one by one, as a shard's index has them.

The head of the media file tells the decoder what it needs, the packets follow from a key picture
on. Pictures are known by the packet that holds them, so that no order and no time stamp is trusted.
"""

import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np

from tfrecords.video.decode import prepare
from tfrecords.video.picture import Picture, matrix_of
from tfrecords.video.renderer import Renderer

FORMAT = "matroska"
_REORDER = 16  # the most pictures that H.264 may hold back


class Piece(NamedTuple):
    """A packet: its number among the video's pieces, and its bytes."""

    number: int
    data: bytes | memoryview


class Media(NamedTuple):
    """What some pictures of an encoded video need.

    Args:
        head: The media file up to its first packet.
        stretches: Each from a key picture on.
        pictures: List of (packet, crc32), for each picture the number of its packet and the
            checksum of its planes.
    """

    head: bytes | memoryview
    stretches: list[list[Piece]]
    pictures: list[tuple[int, int]]


class Pieces:
    """The pieces of a video in a file, each read when it is asked for.

    Args:
        file: Binary file.
        offsets: `int` objects.
        lengths: `int` objects.
    """

    def __init__(self, file: BinaryIO, offsets: Sequence[int], lengths: Sequence[int]):
        self.file, self.offsets, self.lengths = file, offsets, lengths

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, number: int) -> bytes:
        self.file.seek(int(self.offsets[number]))
        return self.file.read(int(self.lengths[number]))

    def media(self, pictures: np.ndarray) -> Media:
        """What some pictures, rows of `PICTURE_DTYPE`, need of an encoded video."""
        stretches = [[Piece(n, self[n]) for n in range(a, b + 1)] for a, b in runs(pictures)]
        return Media(self[0], stretches, pictures[["piece", "crc32"]].tolist())


def decode(
    head: bytes | memoryview, pieces: Iterable[Piece], wanted: set[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decodes packets that follow one another from a key picture on.

    Args:
        head: The media file up to its first packet.
        pieces: Iterable of `Piece`.
        wanted: Set of int, numbers of the packets whose pictures are wanted.

    Returns:
        An iterator of (number of the packet, its picture), in the order in which they come.

    Raises:
        av.FFmpegError: If the bytes are no such video.
    """
    with av.open(io.BytesIO(head), format=FORMAT) as container:
        codec = container.streams.video[0].codec_context
        prepare(codec)
        may_skip = codec.name == "h264"  # whose packets tell that no other picture refers to them
        if may_skip:
            codec.reorder_depth = _REORDER  # else it drops pictures while it finds out
        for number, data in pieces:
            packet = padded_packet(data)
            packet.pts = number
            codec.skip_frame = "NONREF" if may_skip and number not in wanted else "DEFAULT"
            for frame in codec.decode(packet):
                yield int(frame.pts or 0), frame
        for frame in codec.decode(None):
            yield int(frame.pts or 0), frame


def planes_of(frame: av.VideoFrame) -> memoryview:
    """What a picture is decoded to, before its colors become RGB."""
    try:
        return np.ascontiguousarray(frame.to_ndarray()).data
    except (ValueError, AssertionError):  # a format that has no array of its own, or odd sides
        return np.ascontiguousarray(frame.to_ndarray(format="rgb24")).data


def padded_packet(data: Any) -> av.Packet:
    """A packet with the zeros behind it that decoders read; `av.Packet(data)` has none."""
    packet = av.Packet(len(data))
    packet.update(data)
    return packet


def runs(rows: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last piece of each stretch of packets that pictures need.

    Args:
        rows: The wanted pictures.
    """
    stretches: list[tuple[int, int]] = []
    for start, last in sorted(zip(rows["start"].tolist(), rows["piece"].tolist(), strict=True)):
        if stretches and start <= stretches[-1][1]:
            start, last = stretches[-1][0], max(last, stretches.pop()[1])
        stretches.append((start, last))
    return stretches


def render(media: Media) -> list[np.ndarray | None]:
    """Upright RGB pixels of pictures, uint8 `(height, width, 3)`; None where one is another.

    Args:
        media: `Media`.
    """
    wanted, found, renderer = dict(media.pictures), {}, None
    try:
        for pieces in media.stretches:
            for number, frame in decode(media.head, pieces, set(wanted)):
                if number in wanted and zlib.crc32(planes_of(frame)) == wanted[number]:
                    picture = Picture(frame, 0, 0, matrix_of(frame))
                    renderer = renderer or Renderer(picture, None, "rgb24")
                    found[number] = renderer(picture)
    except av.FFmpegError:
        pass  # what is missing tells
    return [found.get(number) for number, _ in media.pictures]
