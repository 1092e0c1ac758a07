"""Stores an encoded video in a shard: cuts it at packets, remuxes it to Matroska and verifies it.

Nothing is encoded again. The pictures that a reader will decode from the new file, starting at any
keyframe, are compared with those of the original. If they differ, the video is rejected and its
frames are stored as JPEGs instead. Matroska supports all codecs and stores each packet contiguously
after a block header of four bytes.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
import numpy as np

from tfrecords.format.decoded import Decoded, Job, Media
from tfrecords.format.record import RECORD_LIMIT
from tfrecords.storage.disk_space import FULL
from tfrecords.video.decode import pictures, video_stream
from tfrecords.video.packets import FORMAT, Pieces, padded_packet, planes_of
from tfrecords.video.picture import Picture
from tfrecords.video.read import VideoError, timed
from tfrecords.video.renderer import Renderer
from tfrecords.video.timestamps import PAUSE
from tfrecords.writing.remux_check import NotFaithful, digest_of, look_of, prove

BLOCK_HEAD = 4  # bytes of a Matroska block before its frame: track, time, flags
MICROSECOND = Fraction(1, 1_000_000)


class Packet(NamedTuple):
    """A packet on the tape; `stamp` is its container time in microseconds, or None."""

    offset: int
    size: int
    is_key: bool
    stamp: int | None


class PacketTape:
    """Records packets in decoding order and their bytes in a file."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.packets: list[Packet] = []

    def rewind(self) -> None:
        """Removes all packets."""
        self.packets.clear()
        self.file.seek(0)
        self.file.truncate()

    def record(self, packet: av.Packet) -> int:
        """Records a packet and returns its number."""
        stamp = None if packet.pts is None else round(packet.pts * packet.time_base * 1_000_000)
        self.packets.append(Packet(self.file.tell(), packet.size, packet.is_keyframe, stamp))
        self.file.write(packet)
        if self.file.tell() > RECORD_LIMIT:
            raise VideoError(
                "its encoded video exceeds the record limit of 1 GB; use start and end in a CSV "
                "file to cut it"
            )
        return len(self.packets) - 1

    def read(self, number: int) -> bytes:
        """The bytes of a packet."""
        packet = self.packets[number]
        self.file.seek(packet.offset)
        return self.file.read(packet.size)


@dataclass
class Original:
    """The result of decoding the original.

    Args:
        times: Mapping from a packet to the time of its picture in microseconds, in display order.
        frames: The frames of the data set as (packet, time).
        jumps: Times in seconds at which the clock of the file jumps.
        digests: Mapping from the packet of a frame to the digest of its picture.
        crcs: Mapping from the packet of a frame to the CRC-32 of its picture.
        look: The common properties of all pictures: format, size, colors, rotation.
        size: Height and width of the upright picture.
    """

    times: dict[int, int] = field(default_factory=dict)
    frames: list[tuple[int, int]] = field(default_factory=list)
    jumps: list[float] = field(default_factory=list)
    digests: dict[int, bytes] = field(default_factory=dict)
    crcs: dict[int, int] = field(default_factory=dict)
    look: tuple = ()
    size: tuple[int, int] = (0, 0)


def spool_media(job: Job, alive: Callable[[], None]) -> Decoded:
    """Spools a video as a Matroska file without sound, from the keyframe before its start.

    Args:
        job: The video, its times and the spool file.
        alive: Called with every picture.

    Returns:
        The description of the spooled video.

    Raises:
        NotFaithful: If a reader would not decode the pictures of the original.
        VideoError: If the video cannot be read.
    """
    spool = Path(job.spool)
    tape_path = spool.with_name(spool.name + ".packets")
    try:
        with open(tape_path, "w+b") as file:
            tape = PacketTape(file)
            original = _decode_original(job, tape, alive)
            kept = _kept(tape, original)
            start = _mux(job.path, spool, tape, kept, _times(tape, kept, original.times))
    except av.FFmpegError as error:
        if error.errno in FULL:
            raise
        raise NotFaithful(f"it cannot be stored in Matroska ({error.strerror})") from None
    finally:
        tape_path.unlink(missing_ok=True)
    offsets, lengths = _pieces(spool, len(kept))
    number_of = {packet: number for number, packet in enumerate(kept, 1)}
    keys = [number_of[packet] for packet in kept if tape.packets[packet].is_key]
    digests = {number_of[packet]: digest for packet, digest in original.digests.items()}
    with open(spool, "rb") as file:
        pieces = Pieces(file, offsets, lengths)
        starts = prove(pieces, keys, digests, original.look, alive)
        crcs = [zlib.crc32(pieces[number]) for number in range(len(offsets))]
    rows = {n: (number, starts[number], original.crcs[n]) for n, number in number_of.items()
            if n in original.crcs}  # fmt: skip
    shown = [rows[packet] for packet, _ in original.frames]
    media = Media(spool.stat().st_size, start, offsets, shown)
    times = [time for _, time in original.frames]
    return Decoded(lengths, crcs, times, *original.size, original.jumps, media)


def _decode_original(job: Job, tape: PacketTape, alive: Callable) -> Original:
    found = Original()
    stream = pictures(Path(job.path), job.start or 0.0, tape, found.jumps)
    stream = _watched(stream, found.times)
    for picture, time in timed(stream, job.start, job.end, job.frame.fps):
        packet, look = picture.image.opaque, look_of(picture.image, picture.matrix)
        if not found.look:
            found.look, found.size = look, Renderer(picture, None, "rgb24").size
        if look != found.look:
            raise NotFaithful("the size, colors or rotation of its pictures change")
        if packet not in found.digests:
            found.digests[packet] = digest_of(picture.image)
            found.crcs[packet] = zlib.crc32(planes_of(picture.image))
        found.frames.append((packet, time))
        alive()
    return found


def _watched(stream: Iterable[Picture], times: dict[int, int]) -> Iterator[Picture]:
    """Records the time of every picture by its packet."""
    for picture in stream:
        if isinstance(picture.image, np.ndarray):
            raise NotFaithful("PyAV cannot decode it")
        packet = picture.image.opaque
        if packet is None or packet in times:
            raise NotFaithful("one of its packets contains two pictures")
        times[packet] = picture.time
        yield picture


def _kept(tape: PacketTape, original: Original) -> list[int]:
    """The packets from the last keyframe before the first frame to the last one needed."""
    times, wanted = original.times, original.digests
    earliest = min(times[packet] for packet in wanted)
    keys = [n for n in range(min(wanted) + 1) if tape.packets[n].is_key]
    shown = [key for key in keys if key in times and times[key] <= earliest]
    first = shown[-1] if shown else (keys or [0])[0]
    zero = times[first] if shown else None
    return [
        packet
        for packet in range(first, max(wanted) + 1)  # earlier pictures need other packets
        if zero is None or times.get(packet, zero) >= zero
    ]


def _times(tape: PacketTape, kept: Sequence[int], times: Mapping[int, int]) -> list[int]:
    """The display time of each packet's picture, including those that were not decoded."""
    known = [packet for packet in kept if packet in times]
    stamps = ((p, tape.packets[p].stamp) for p in known)
    shifts = [times[p] - stamp for p, stamp in stamps if stamp is not None]
    shift, last, found = shifts[0] if shifts else 0, times[known[0]], []
    for packet in kept:
        stamp, time = tape.packets[packet].stamp, times.get(packet)
        if time is not None:
            last, shift = time, shift if stamp is None else time - stamp
        elif stamp is not None and abs(stamp + shift - last) <= PAUSE:  # else its clock jumped
            time = stamp + shift
        found.append(last if time is None else time)
    return found


def _mux(
    source: str, spool: Path, tape: PacketTape, kept: Sequence[int], times: Sequence[int]
) -> int:
    """Writes the media file; returns its time zero on the video's clock."""
    zero, ordered = min(times), sorted(times)
    delay = max(late - time for late, time in zip(ordered, times, strict=True))
    options = {"fflags": "+bitexact"}
    with (
        av.open(source, metadata_errors="ignore") as template,
        av.open(str(spool), "w", format=FORMAT, options=options) as out,
    ):
        stream = _added(out, video_stream(template))
        for number, time, decoded in zip(kept, times, ordered, strict=True):
            packet = padded_packet(tape.read(number))
            packet.stream, packet.time_base = stream, MICROSECOND
            packet.pts, packet.dts = time - zero, decoded - delay - zero
            packet.is_keyframe = tape.packets[number].is_key
            out.mux(packet)
    return zero


def _added(out: av.container.OutputContainer, template: av.VideoStream) -> av.VideoStream:
    try:
        return out.add_stream_from_template(template, opaque=True)
    except ValueError:
        name = template.codec_context.name
        raise NotFaithful(f"Matroska does not support its codec ({name})") from None


def _pieces(spool: Path, count: int) -> tuple[list[int], list[int]]:
    """Offsets and lengths of the head and of every packet in the media file."""
    with av.open(str(spool), format=FORMAT) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
        places = ((pos + BLOCK_HEAD, size) for pos, size in packets if pos is not None)
        offsets, lengths = map(list, zip(*places, strict=True))
    if len(offsets) != count:
        raise NotFaithful(f"Matroska returns only {len(offsets)} of its {count} packets")
    return [0, *offsets], [offsets[0], *lengths]
