"""What `verify` found, and how it is told."""

from dataclasses import dataclass

from tfrecords.format.manifest import FILE, named
from tfrecords.text import counted, printable


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found; `str` of it is for people.

    Args:
        folder: The data set.
        problems: One sentence each, empty if all is well.
        shards: Shards that dataset.json lists.
        videos: Videos whose every frame was checked.
        frames: Frames whose checksum is right.
        decoded: Frames that were decoded.
        missing: Ids of videos that the source's lists named and that were not there.
        failures: Ids of videos that could not be read when it was built.
        command: What wrote the data set.

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
        """Whether there is no problem."""
        return not self.problems

    def __str__(self) -> str:
        if self.ok:
            return (
                f"{self.folder} is whole: {counted(self.shards, 'shard')}, "
                f"{counted(self.videos, 'video')}, {counted(self.frames, 'frame')}, every checksum "
                f"right; {counted(self.decoded, 'frame')} decoded." + self._left_out()
            )
        head = f"{self.folder} is damaged ({counted(len(self.problems), 'problem')}):"
        told = "\n  ".join([head, *map(printable, self.problems)])
        return f"{told}\nRemove it and run its `{self.command}` again." + self._left_out()

    def _left_out(self) -> str:
        lines = []
        if self.missing:
            lines.append(
                f"\nListed videos that were not there when it was built: {len(self.missing):,} "
                f"({named(self.missing)}); {FILE} names all."
            )
        if self.failures:
            lines.append(
                f"\nVideos that could not be read when it was built: {len(self.failures):,} "
                f"({named(self.failures)}); {FILE} says why."
            )
        return "".join(lines)
