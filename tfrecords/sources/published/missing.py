"""Listed videos that are missing."""

import itertools
from collections.abc import Mapping, Sequence

from tfrecords.format.manifest import named
from tfrecords.format.record import VideoEntry
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.split_words import SPLITS


def missing_by_split(
    listed: Sequence[VideoEntry], missing: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """The ids of missing videos, by split."""
    gone = {s: tuple(e.id for e in listed if e.split == s and e.id in missing) for s in SPLITS}
    return {split: ids for split, ids in gone.items() if ids}


def missing_notes(
    listed: Sequence[VideoEntry], entries: Sequence[VideoEntry], missing: Mapping
) -> list[str]:
    """Notes on missing videos. Raises if no training video is left."""
    ids = list(itertools.chain(*missing.values()))
    if not ids:
        return []
    counts = ", ".join(f"{len(ids):,} of {split}" for split, ids in missing.items())
    notes = [
        f"{len(ids):,} of {len(listed):,} listed videos are missing and left out ({counts}): "
        + named(ids)
    ]
    wanted, trained = ({e.label for e in all_ if e.split == "train"} for all_ in (listed, entries))
    if not trained:
        raise SourceError(f"All training videos are missing. {notes[0]}")
    if gone := sorted(wanted - trained - {""}):
        notes.append(
            f"Classes whose training videos are all missing: {len(gone):,} ({named(gone)})"
        )
    return notes
