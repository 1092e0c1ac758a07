"""Decodes pictures of an encoded video from single packets, as located by a shard's index.

The decoder needs the head of the media file, and the packets from a keyframe on. Pictures are
identified by their packet, so that neither order nor time stamps matter.
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
_REORDER = 16  # the maximum number of pictures that H.264 may delay


class Piece(NamedTuple):
    """A packet: its index among the video's pieces, and its bytes."""

    number: int
    data: bytes | memoryview


class Media(NamedTuple):
    """The pieces of an encoded video that some pictures need.

    Args:
        head: The media file up to its first packet.
        stretches: Runs of packets that each start at a keyframe.
        pictures: List of (packet, crc32): the index of each picture's packet and the checksum of
            its planes.
    """

    head: bytes | memoryview
    stretches: list[list[Piece]]
    pictures: list[tuple[int, int]]


class Pieces:
    """The pieces of a video in a file, read on access.

    Args:
        file: Binary file.
        offsets: Offset of each piece.
        lengths: Length of each piece.
    """

    def __init__(self, file: BinaryIO, offsets: Sequence[int], lengths: Sequence[int]):
        self.file, self.offsets, self.lengths = file, offsets, lengths

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, number: int) -> bytes:
        self.file.seek(int(self.offsets[number]))
        return self.file.read(int(self.lengths[number]))

    def media(self, pictures: np.ndarray) -> Media:
        """The pieces that some pictures need. `pictures` are rows of `PICTURE_DTYPE`."""
        stretches = [[Piece(n, self[n]) for n in range(a, b + 1)] for a, b in runs(pictures)]
        return Media(self[0], stretches, pictures[["piece", "crc32"]].tolist())


def decode(
    head: bytes | memoryview, pieces: Iterable[Piece], wanted: set[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decodes consecutive packets from a keyframe on.

    Args:
        head: The media file up to its first packet.
        pieces: The packets.
        wanted: Indices of the packets whose pictures are requested.

    Returns:
        An iterator of (index of the packet, its picture), in decoder order.

    Raises:
        av.FFmpegError: If the bytes cannot be decoded.
    """
    with av.open(io.BytesIO(head), format=FORMAT) as container:
        codec = container.streams.video[0].codec_context
        prepare(codec)
        may_skip = codec.name == "h264"  # its packets are marked as non-reference
        if may_skip:
            codec.reorder_depth = _REORDER  # otherwise it drops pictures until it knows the depth
        for number, data in pieces:
            packet = padded_packet(data)
            packet.pts = number
            codec.skip_frame = "NONREF" if may_skip and number not in wanted else "DEFAULT"
            for frame in codec.decode(packet):
                yield int(frame.pts or 0), frame
        for frame in codec.decode(None):
            yield int(frame.pts or 0), frame


def planes_of(frame: av.VideoFrame) -> memoryview:
    """The decoded planes of a picture, before the conversion to RGB."""
    try:
        return np.ascontiguousarray(frame.to_ndarray()).data
    except (ValueError, AssertionError):  # a format without an array layout, or odd sides
        return np.ascontiguousarray(frame.to_ndarray(format="rgb24")).data


def padded_packet(data: Any) -> av.Packet:
    """A packet with the zero padding that decoders need; `av.Packet(data)` has none."""
    packet = av.Packet(len(data))
    packet.update(data)
    return packet


def runs(rows: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last piece of each run of packets that pictures need.

    Args:
        rows: The requested pictures, rows of `PICTURE_DTYPE`.
    """
    stretches: list[tuple[int, int]] = []
    for start, last in sorted(zip(rows["start"].tolist(), rows["piece"].tolist(), strict=True)):
        if stretches and start <= stretches[-1][1]:
            start, last = stretches[-1][0], max(last, stretches.pop()[1])
        stretches.append((start, last))
    return stretches


def render(media: Media) -> list[np.ndarray | None]:
    """Upright RGB pixels of pictures, uint8 `(height, width, 3)`; None for a wrong checksum.

    Args:
        media: The pictures and their pieces.
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
        pass  # missing pictures become None
    return [found.get(number) for number, _ in media.pictures]
