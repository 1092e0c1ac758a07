"""Reads published data sets: lists of videos and labels, and a folder of videos.

`SOURCE` is the folder of videos or frame folders. `--annotations` is the folder of the lists, or
one list; by default the lists are in SOURCE. A listed video is found by its name at any depth under
SOURCE, with any suffix. Missing videos are normal and counted.
"""

import csv
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tfrecords.format.record import VideoEntry
from tfrecords.sources.folder_or_csv import Source, SourceError, check_entries, read_source
from tfrecords.sources.published import (
    diving48,
    filelists,
    hmdb51,
    kinetics,
    moments,
    something,
    ucf101,
)
from tfrecords.sources.published.find import find_videos
from tfrecords.sources.published.listing import Listing, Lists
from tfrecords.sources.video_ids import video_id, with_slashes

FORMATS: dict[str, Callable[..., Listing]] = {
    "ucf101": ucf101.ucf101,
    "hmdb51": hmdb51.hmdb51,
    "kinetics": kinetics.kinetics,
    "mini-kinetics-200": kinetics.mini_kinetics_200,
    "mini-kinetics-ibm": kinetics.mini_kinetics_ibm,
    "something-something-v1": something.something_v1,
    "something-something-v2": something.something_v2,
    "jester": something.jester,
    "moments": moments.moments,
    "diving48": diving48.diving48,
    "mmaction2": filelists.mmaction2,
    "mmaction2-rawframes": filelists.mmaction2_rawframes,
    "pyslowfast": filelists.pyslowfast,
    "tsm": filelists.tsm,
    "ibm": filelists.ibm,
}
PLAIN = {  # the formats of `read_source`
    "folder": "A folder of CLASS/VIDEO, SPLIT/CLASS/VIDEO or CLASS/SPLIT/VIDEO.\n\n"
    "ctm build videos --out data/mine",
    "csv": "A CSV file with the columns path and label, split, group, start and end.\n\n"
    "ctm build index.csv --out data/mine",
}


def read_format(
    name: str | None,
    source: str | Path,
    annotations: str | Path | None = None,
    split_number: int | None = None,
    **columns: str | None,
) -> Source:
    """Lists the labeled videos of a source in a published format.

    Args:
        name: A key of `FORMATS`, `"folder"`, `"csv"`, or None for either of these two.
        source: The folder of videos, or a source of `read_source`.
        annotations: The folder of the lists or one list; None is `source`.
        split_number: Which of several published splits to use; None is the first.
        **columns: `split_column` and `group_column` of `read_source`.

    Returns:
        A `Source`. Its `missing` has the ids of listed videos that are missing.

    Raises:
        SourceError: If the format is unknown, a list or all videos are missing, or a list is
            malformed.
    """
    if name is not None and name not in FORMATS and name not in PLAIN:
        raise SourceError(
            f"--format must be one of {', '.join([*PLAIN, *FORMATS])}, received {name!r}. Run `ctm "
            "build --format help` for details."
        )
    _check_options(name, Path(source), annotations, split_number, columns)
    if name not in FORMATS:
        return read_source(source, **columns)
    root = Path(source)
    found = Lists(Path(annotations or source), name)
    number = {} if split_number is None else {"split_number": split_number}
    try:
        listing = FORMATS[name](found, **number)
    except SourceError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, csv.Error) as error:
        raise SourceError(
            f"The lists in {found.place} must have the format that {name} publishes "
            f"({type(error).__name__}: {error})."
        ) from error
    names = list(listing.class_names)
    if twice := [name for name in names if names.count(name) > 1]:
        raise SourceError(
            f"Each class in {found.place} must have a name of its own, received {twice[0]!r} for "
            "several. Rename all but one of them."
        )
    if not listing.videos:
        raise SourceError(f"The lists of {name} in {found.place} have no video with a class.")
    videos = [_with_slashes(root, video) for video in listing.videos]
    check_entries(found.place, videos)
    paths = find_videos(root, [video for video in videos if video.label])
    if not paths:
        raise SourceError(
            f"None of the {len(videos):,} videos that {found.place} lists is under {root}. "
            f"Expected videos or frame folders such as {videos[0].path}."
        )
    entries = [replace(v, path=paths.get(v.id, v.path)) for v in videos]
    entries.sort(key=lambda entry: entry.id)
    missing = frozenset(entry.id for entry in entries) - paths.keys()
    return Source(root, tuple(entries), tuple(listing.notes), tuple(listing.class_names), missing)


def _with_slashes(root: Path, video: VideoEntry) -> VideoEntry:
    path = with_slashes(root, video.path)
    if path == video.path:
        return video
    return replace(video, path=path, id=video_id(path, video.start, video.end))


def explain_formats() -> str:
    """Describes every format by its name, a sentence and a command, from the docstrings.

    Example:
        >>> "ucf101" in tfrecords.explain_formats()
        True
    """
    texts = PLAIN | {name: inspect.getdoc(reader) or "" for name, reader in FORMATS.items()}
    blocks = []
    for name, text in texts.items():
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        lines = [line for line in lines if line != "Example:"]
        blocks.append("\n".join([name, *(f"    {line}" for line in lines)]))
    return "\n".join(blocks)


def _check_options(
    name: str | None,
    source: Path,
    annotations: object,
    split_number: int | None,
    columns: Mapping[str, str | None],
) -> None:
    if name not in FORMATS:
        given = {"--annotations": annotations, "--split-number": split_number}
        for option in (option for option, value in given.items() if value is not None):
            raise SourceError(f"{option} requires a --format with lists: {', '.join(FORMATS)}.")
        if name == "folder" and not source.is_dir():
            raise SourceError(f"--format folder requires a folder, received {source}.")
        if name == "csv" and not source.is_file():
            raise SourceError(f"--format csv requires a file, received {source}.")
        return
    if wrong := [column for column in columns.values() if column]:
        raise SourceError(f"The format {name} has no column {wrong[0]!r}. Omit the option.")
    if split_number is not None and (
        "split_number" not in inspect.signature(FORMATS[name]).parameters
    ):
        raise SourceError(f"The format {name} has only one split. Omit --split-number.")
    if not source.is_dir():
        raise SourceError(f"--format {name} requires the folder of videos, received {source}.")
