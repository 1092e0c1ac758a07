"""The files of a foreign data set, and the split that their names tell."""

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

    A shard is a file with a number in its name, as in `train-00000-of-00010`, or with an ending
    like `.tfrecord`. Its split is the first word train, val, test (or training, validate, ...) in
    its name, else in the name of the nearest folder; or what the globs say.

    Args:
        source: A folder, searched with all below it, or one file.
        globs: Mapping from a split to patterns of paths, relative to `source`; if there is one,
            files that none of them finds are left out.

    Raises:
        SourceError: If there is no shard, or it is unclear what a shard is for.
    """
    if not source.exists():
        raise SourceError(f"{source} is not there: give the folder of the shards")
    root = source if source.is_dir() else source.parent
    named = {
        split: _globbed(root, split, patterns) for split, patterns in globs.items() if patterns
    }
    found: dict[str, list[Path]] = defaultdict(list)
    there = root.rglob("*") if source.is_dir() else [source]
    candidates = set().union(*named.values()) if named else filter(_is_shard, there)
    for path in sorted(path for path in candidates if path.is_file()):
        found[_split(root, path, named)].append(path)
    if not found:
        raise SourceError(
            f"{source} holds no shards: looked for files like train-00000-of-00010 or "
            f"train.tfrecord; name others with {GLOBS}"
        )
    return dict(found)


def incomplete(shards: Sequence[Path]) -> list[str]:
    """Notes on numbered shards of which some are not there."""
    sets: dict[tuple[str, int], set[int]] = defaultdict(set)
    for path in shards:
        if numbered := _NUMBERED.match(path.name):
            sets[plain(numbered[1]), int(numbered[3])].add(int(numbered[2]))
    return [
        f"Of the {total} shards {name}-*-of-{total:05d} only {len(there)} are there."
        for (name, total), there in sorted(sets.items())
        if len(there) < total
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
                f"the pattern --{split} {pattern!r} cannot be used: {error}"
            ) from None
        if not found:
            raise SourceError(f"--{split} {pattern!r} finds no file beneath {root}")
        paths |= found
    return paths


def _split(root: Path, path: Path, named: Mapping[str, set[Path]]) -> str:
    if named:
        splits = [split for split, paths in named.items() if path in paths]
        if len(splits) > 1:
            raise SourceError(f"{path} is named by --{splits[0]} and by --{splits[1]}")
        return splits[0]
    parts = path.relative_to(root).parts[::-1]
    split = next((split for part in parts if (split := split_of(part))), None)
    if not split:
        raise SourceError(
            f"the name of {path} does not tell whether it trains or judges: say so with {GLOBS}, "
            f"for example --train {path.relative_to(root).as_posix()!r}"
        )
    return split
