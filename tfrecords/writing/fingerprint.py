"""Fingerprints of all that the bytes of a data set depend on: source files and versions."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from tfrecords.format.record import VideoEntry
from tfrecords.sources.file_names import as_text, file_of
from tfrecords.video.suffixes import IMAGES

MISSING = "missing"
PACKAGES = ("ctm-keras", "av", "opencv-python-headless", "numpy")


def environment() -> dict[str, Any]:
    """The versions and machine that the bytes of a data set depend on."""
    return {"versions": {name: _version(name) for name in PACKAGES}, "machine": platform.machine()}


def fingerprints(root: Path, entries: Iterable[VideoEntry]) -> dict[str, str]:
    """The fingerprint of each video's file, which does not change when the source is moved.

    Args:
        root: The folder that relative paths start from.
        entries: Iterable of `VideoEntry`.

    Returns:
        A dict from a video's id to the size in bytes and the modification time of its file, or a
        hash of those of its images if it is a folder, or `"missing"`.
    """
    entries = list(entries)
    found = {path: _fingerprint(file_of(root, path)) for path in {entry.path for entry in entries}}
    return {entry.id: found[entry.path] for entry in entries}


def digest(content: Any) -> str:
    """The sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _fingerprint(path: Path) -> str:
    try:
        return digest(sorted(_images(path))) if path.is_dir() else _state(os.stat(path))
    except (OSError, ValueError):  # a name with a zero byte is a ValueError
        return MISSING


def _images(folder: Path) -> Iterable[tuple[str, str]]:
    with os.scandir(folder) as files:
        for file in files:
            if file.name[0] != "." and os.path.splitext(file.name)[1].lower() in IMAGES:
                yield as_text(file.name), _state(file.stat())


def _state(stat: os.stat_result) -> str:
    return f"{stat.st_size} bytes at {stat.st_mtime_ns}"
