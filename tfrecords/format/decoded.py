"""The messages between a build, its decoder processes and the writer of shards."""

import json
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class FrameOptions:
    """How the frames of a data set are made: the `frame` of dataset.json.

    Args:
        short_side: Length of the shorter side in pixels; None keeps the size.
        quality: Quality of the JPEGs, 1 to 100.
        store: `"frames"` for JPEGs, `"video"` for the encoded video.
        fps: Frames per second; None keeps the frames of the video.
    """

    short_side: int | None
    quality: int | None = None
    store: Literal["frames", "video"] = "frames"
    fps: float | None = None

    @classmethod
    def from_dict(cls, values: Any) -> "FrameOptions":
        """Creates the options from the `frame` of a dataset.json of any version."""
        return cls(**{name: values[name] for name in cls.__match_args__ if name in values})


@dataclass(frozen=True)
class Job:
    """A video to decode.

    Args:
        path: The video.
        spool: File to write the result to.
        frame: How the frames are made.
        start: Start of the frames in seconds; None is the beginning of the video.
        end: End of the frames in seconds; None is the end of the video.
    """

    path: str
    spool: str
    frame: FrameOptions
    start: float | None = None
    end: float | None = None

    def to_json(self) -> str:
        """The job as one line of JSON."""
        return json.dumps(self, default=vars)

    @classmethod
    def from_json(cls, line: str | bytes) -> "Job":
        """Reads the output of `to_json`."""
        values = json.loads(line)
        return cls(**{**values, "frame": FrameOptions(**values["frame"])})


@dataclass(frozen=True)
class Media:
    """A video that is stored encoded, in a Matroska file.

    Args:
        size: Size of the file in bytes.
        start: The time zero of the file on the video's clock, in microseconds.
        offsets: Offsets of the pieces: the head of the file and every packet.
        pictures: For each frame its packet, the packet where decoding starts, and its CRC-32.
    """

    size: int
    start: int
    offsets: list[int]
    pictures: list[tuple[int, int, int]]


@dataclass(frozen=True)
class Decoded:
    """A video in its spool file.

    Args:
        lengths: Bytes of each piece: the JPEG of a frame, or a piece of `media`.
        crcs: CRC-32 of each piece.
        timestamps: Time of each frame in microseconds.
        height: Height of the frames.
        width: Width of the frames.
        clock_jumps: Times in seconds at which the clock of the file jumps.
        media: The encoded video, if it is stored encoded.
        not_encoded: Why it is not stored encoded although that was requested.
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
    """The result of a job.

    Args:
        decoded: The spooled video, or None if the job failed.
        error: Why the job failed.
        hangs: Whether the job exceeded the timeout.
        full: The system's error message if the disk is full.
        seconds: Duration of the job; None if the process died.
    """

    decoded: Decoded | None = None
    error: str = ""
    hangs: bool = False
    full: str = ""
    seconds: float | None = None

    def to_json(self) -> str:
        """The reply as one line of JSON."""
        return json.dumps(self, default=vars)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Reply":
        """Creates the reply from the parsed output of `to_json`."""
        decoded = values["decoded"]
        if decoded:
            media = decoded["media"] and Media(**decoded["media"])
            decoded = Decoded(**{**decoded, "media": media})
        return cls(**{**values, "decoded": decoded})
