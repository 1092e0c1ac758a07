"""Finds the shards of a foreign data set and the split of each from its name."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import split_of
from tfrecords.text import plain

_NUMBERED = re.compile(r"(.*)-(\d+)-of-(\d+)")
_ENDINGS = {".tfrecord", ".tfrecords", ".tfr", ".record", ".records"}
GLOBS = "--train 'GLOB' --val 'GLOB'"


def find_shards(source: Path, globs: Mapping[str, Sequence[str]]) -> dict[str, list[Path]]:
    """The shards of each split, sorted by their paths.

    A shard is a file with a number in its name, as in `train-00000-of-00010`, or with a suffix such
    as `.tfrecord`. Its split is the first word train, val, test (or training, validate, ...) in its
    name, else in the name of the nearest folder, or that of the glob that matches.

    Args:
        source: A folder, which is searched recursively, or one file.
        globs: Mapping from a split to patterns of paths, relative to `source`. If there is any,
            files that match none of them are left out.

    Raises:
        SourceError: If there is no shard, or the split of a shard is unknown.
    """
    if not source.exists():
        raise SourceError(
            f"SOURCE must be the folder of the shards, received {source}, which is missing."
        )
    root = source if source.is_dir() else source.parent
    named = {
        split: _globbed(root, split, patterns) for split, patterns in globs.items() if patterns
    }
    found: dict[str, list[Path]] = defaultdict(list)
    files = root.rglob("*") if source.is_dir() else [source]
    candidates = set().union(*named.values()) if named else filter(_is_shard, files)
    for path in sorted(path for path in candidates if path.is_file()):
        found[_split(root, path, named)].append(path)
    if not found:
        raise SourceError(
            f"{source} contains no shards, such as train-00000-of-00010 or train.tfrecord. "
            f"Select other files with {GLOBS}."
        )
    return dict(found)


def incomplete(shards: Sequence[Path]) -> list[str]:
    """Notes on missing numbered shards."""
    sets: dict[tuple[str, int], set[int]] = defaultdict(set)
    for path in shards:
        if numbered := _NUMBERED.match(path.name):
            sets[plain(numbered[1]), int(numbered[3])].add(int(numbered[2]))
    return [
        f"Only {len(numbers)} of the {total} shards {name}-*-of-{total:05d} exist."
        for (name, total), numbers in sorted(sets.items())
        if len(numbers) < total
    ]


def _is_shard(path: Path) -> bool:
    suffixes = {suffix.lower() for suffix in path.suffixes}
    return path.name[0] != "." and suffixes.isdisjoint({".index", ".json", ".txt", ".csv"}) and (
        bool(_NUMBERED.match(path.name)) or not suffixes.isdisjoint(_ENDINGS)
    )  # fmt: skip


def _globbed(root: Path, split: str, patterns: Sequence[str]) -> set[Path]:
    paths: set[Path] = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        try:
            found = set(root.glob(pattern))
        except (ValueError, NotImplementedError) as error:
            raise SourceError(
                f"--{split} must be a valid pattern, received {pattern!r}: {error}."
            ) from None
        if not found:
            raise SourceError(f"--{split} must match files under {root}, received {pattern!r}.")
        paths |= found
    return paths


def _split(root: Path, path: Path, named: Mapping[str, set[Path]]) -> str:
    if named:
        splits = [split for split, paths in named.items() if path in paths]
        if len(splits) > 1:
            raise SourceError(
                f"{path} must be in one split, but matches --{splits[0]} and --{splits[1]}."
            )
        return splits[0]
    parts = path.relative_to(root).parts[::-1]
    split = next((split for part in parts if (split := split_of(part))), None)
    if not split:
        raise SourceError(
            f"The name of {path} does not contain its split. Set it with {GLOBS}, for example "
            f"--train {path.relative_to(root).as_posix()!r}."
        )
    return split
