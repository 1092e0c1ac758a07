"""What travels between a build, its decoding processes and the writer of shards."""

import json
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class FrameOptions:
    """How the frames of a data set are made, as dataset.json holds it under `frame`.

    Args:
        short_side: Pixels of the shorter side; None keeps the size.
        quality: Quality of the JPEGs, 1 to 100.
        store: `"frames"` for JPEGs, `"video"` for the encoded video.
        fps: Frames per second; None keeps the video's own frames.
    """

    short_side: int | None
    quality: int | None = None
    store: Literal["frames", "video"] = "frames"
    fps: float | None = None

    @classmethod
    def from_dict(cls, values: Any) -> "FrameOptions":
        """The options in the `frame` of a dataset.json, of any version."""
        return cls(**{name: values[name] for name in cls.__match_args__ if name in values})


@dataclass(frozen=True)
class Job:
    """A video to decode.

    Args:
        path: The video.
        spool: File that the result goes to.
        frame: How its frames are made.
        start: Seconds at which its frames begin; None is the beginning.
        end: Seconds at which they end; None is the end.
    """

    path: str
    spool: str
    frame: FrameOptions
    start: float | None = None
    end: float | None = None

    def to_json(self) -> str:
        """The job in one line."""
        return json.dumps(self, default=vars)

    @classmethod
    def from_json(cls, line: str | bytes) -> "Job":
        """The job that `to_json` wrote."""
        values = json.loads(line)
        return cls(**{**values, "frame": FrameOptions(**values["frame"])})


@dataclass(frozen=True)
class Media:
    """A video that stayed encoded, in a Matroska file.

    Args:
        size: Bytes of the file.
        start: Its time zero by the video's clock, microseconds.
        offsets: Places of its pieces: the head of the file and every packet.
        pictures: For each frame its packet, the packet to start from, and the CRC-32.
    """

    size: int
    start: int
    offsets: list[int]
    pictures: list[tuple[int, int, int]]


@dataclass(frozen=True)
class Decoded:
    """A video in its spool file.

    Args:
        lengths: Bytes of each piece: a frame's JPEG, or a piece of `media`.
        crcs: CRC-32 of each piece.
        timestamps: Time of each frame, microseconds.
        height: Height of a frame.
        width: Width of a frame.
        clock_jumps: When the clock of the file jumps, seconds.
        media: The encoded video, if it stayed encoded.
        not_encoded: Why it did not stay encoded where that was asked for.
        frame_rate: Frames per second.
    """

    lengths: list[int]
    crcs: list[int]
    timestamps: list[int]
    height: int
    width: int
    clock_jumps: list[float]
    media: Media | None = None
    not_encoded: str = ""
    frame_rate: float = 0.0


@dataclass(frozen=True)
class Reply:
    """What became of a job.

    Args:
        decoded: The spooled video, or None.
        error: Why there is none.
        hangs: Whether it ran into the timeout.
        full: What the system says where the disk is full.
        seconds: How long it took; None where the process ended.
    """

    decoded: Decoded | None = None
    error: str = ""
    hangs: bool = False
    full: str = ""
    seconds: float | None = None

    def to_json(self) -> str:
        """The reply in one line."""
        return json.dumps(self, default=vars)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Reply":
        """The reply in what `to_json` wrote."""
        decoded = values["decoded"]
        if decoded:
            media = decoded["media"] and Media(**decoded["media"])
            decoded = Decoded(**{**decoded, "media": media})
        return cls(**{**values, "decoded": decoded})
