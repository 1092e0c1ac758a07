"""The report of `verify`."""

from dataclasses import dataclass

from tfrecords.format.manifest import FILE, named
from tfrecords.text import counted, printable


@dataclass(frozen=True)
class VerifyReport:
    """The result of `verify`. `str` formats it for printing.

    Args:
        folder: The data set.
        problems: The problems, one message each; empty if the data set is intact.
        shards: Number of shards that dataset.json lists.
        videos: Number of videos whose frames were all checked.
        frames: Number of frames with the right checksum.
        decoded: Number of frames that were decoded.
        missing: Ids of videos that the source listed but that were missing.
        failures: Ids of videos that could not be read during the build.
        command: The command that wrote the data set.

    Example:
        >>> tfrecords.verify("data/mine").problems
        ()
    """

    folder: str
    problems: tuple[str, ...]
    shards: int = 0
    videos: int = 0
    frames: int = 0
    decoded: int = 0
    missing: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    command: str = "ctm build"

    @property
    def ok(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    def __str__(self) -> str:
        if self.ok:
            return (
                f"{self.folder} is intact: {counted(self.shards, 'shard')}, "
                f"{counted(self.videos, 'video')}, {counted(self.frames, 'frame')}, all checksums "
                f"correct; {counted(self.decoded, 'frame')} decoded." + self._left_out()
            )
        head = f"{self.folder} is damaged ({counted(len(self.problems), 'problem')}):"
        problems = "\n  ".join([head, *map(printable, self.problems)])
        return f"{problems}\nRemove it and run its `{self.command}` again." + self._left_out()

    def _left_out(self) -> str:
        lines = []
        if self.missing:
            lines.append(
                f"\nListed videos that were missing during the build: {len(self.missing):,} "
                f"({named(self.missing)}). {FILE} lists all of them."
            )
        if self.failures:
            lines.append(
                f"\nVideos that could not be read during the build: {len(self.failures):,} "
                f"({named(self.failures)}). {FILE} has the reasons."
            )
        return "".join(lines)
