"""Reads the labeled videos in a folder of class folders."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfrecords.format.manifest import named
from tfrecords.format.record import SourceError, VideoEntry
from tfrecords.sources.file_names import as_text
from tfrecords.sources.folders import list_folder, videos_beneath
from tfrecords.sources.split_folders import CLASSES, Parts, Shape, folders_of, shape_of
from tfrecords.sources.split_words import SPLIT_WORDS, split_of, splits_in
from tfrecords.sources.video_ids import video_id
from tfrecords.text import counted, plain


def read_class_folders(root: Path, notes: list[str]) -> list[VideoEntry]:
    """Lists the videos, and adds notes for the user to `notes`.

    Raises:
        SourceError: If an image is among videos, or if it is unclear which folders are classes.
    """
    top = list_folder(root)
    if nameless := [name for name in top.folders if not plain(name).strip()]:
        raise SourceError(
            f"{root} contains a folder whose name is only spaces, {nameless[0]!r}. Rename it, "
            "since its name is the class name."
        )
    ignored = [*top.videos, *top.images, *top.others]
    found: list[Parts] = []
    for name in top.folders:
        own = list(videos_beneath(root / name, ignored))
        found += [Path(as_text(path.relative_to(root))).parts for path in own]
        if not own:
            notes.append(f"The folder {plain(name)} contains no videos and is not used as a class.")
    shape = shape_of(root, found)
    videos = [parts for parts in found if len(parts) > shape.depth]
    ignored += ["/".join(parts) for parts in found if len(parts) <= shape.depth]
    _check_one_class(root, shape, videos)
    notes += _shape_notes(shape, videos)
    if ignored:
        listed = named(sorted(map(plain, ignored)))
        notes.append(
            f"Ignored files that are not videos of a class: {listed} (files: {len(ignored)})"
        )
    return [_entry(shape, parts) for parts in videos]


def _entry(shape: Shape, parts: Parts) -> VideoEntry:
    path, label = "/".join(parts), plain(parts[shape.label]).strip()
    split = "" if shape.split is None else _split_value(parts[shape.split])
    return VideoEntry(video_id(path, None, None), path, label, split)


def _split_value(folder: str) -> str:
    """The name of a split for `--val` and `--test`: its folder if that is a known word."""
    return folder.lower() if folder.lower() in SPLIT_WORDS else split_of(folder) or ""


def _check_one_class(root: Path, shape: Shape, videos: Sequence[Parts]) -> None:
    """Raises if the source is one folder too high."""
    tops = folders_of(videos)
    below = sorted(itertools.chain(*map(folders_of, tops.values())))
    if shape == CLASSES and len(tops) == 1 and len(below) > 1:
        (name,) = tops
        raise SourceError(
            f"{root} has only one class ({plain(name)!r}) with the folders {named(below)}. If "
            f"these are the classes, use {root / name} as the source."
        )


def _shape_notes(shape: Shape, videos: Sequence[Parts]) -> Iterator[str]:
    """Notes on the interpretation of folders that is ambiguous."""
    if shape.split is not None:
        folders = sorted({parts[shape.split] for parts in videos})
        given = ", ".join(f"{split_of(name)} ({plain(name)})" for name in folders)
        yield f"Splits from the folders: {given}."
    spoken = sorted(filter(splits_in, {parts[shape.label] for parts in videos}))
    if shape == CLASSES and spoken:
        yield (
            f"Used as classes, not as splits: {named(list(map(plain, spoken)))}. If they are "
            "splits, arrange the source as SPLIT/CLASS/VIDEO, where SPLIT is train, val or test."
        )
    deeper = [parts for parts in videos if len(parts) > shape.depth + 1]
    if deeper:
        below = {parts[: shape.depth + 1] for parts in deeper}
        example = plain("/".join(min(below)))
        yield (
            f"The classes are the folders at level {shape.label + 1}, such as "
            f"{plain(min(below)[shape.label])}; {counted(len(below), 'folder')} in them, such as "
            f"{example}, are neither classes nor splits. To change this, use a CSV file with the "
            "columns path, label and split."
        )
    inside = [set(folders_of(own)) for own in folders_of(videos).values()]
    same = sorted(set.intersection(*inside)) if inside else []
    if shape == CLASSES and len(same) > 1:
        yield (
            f"All classes contain the folders {named(list(map(plain, same)))}. If these are the "
            "classes, rename the folders that contain them to train, val or test."
        )
