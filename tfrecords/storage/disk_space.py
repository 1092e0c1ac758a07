"""Disks that are full or too small, said in one sentence."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tfrecords.storage.files import AnyPath

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FullDisk(OSError):  # noqa: N818
    """A disk without space; the message names the folder and the remedy."""


@contextmanager
def full_disk_in_words(folder: AnyPath, remedy: str) -> Iterator[None]:
    """Turns what Python, and Keras, HDF5 and TensorFlow, raise on a full disk into one sentence.

    Args:
        folder: What lies on that disk.
        remedy: What to do once there is space.

    Raises:
        FullDisk: If the disk is full.
    """
    try:
        yield
    except Exception as error:
        told = "No space left on device" in str(error)
        if not told and getattr(error, "errno", None) not in FULL:
            raise
        raise FullDisk(f"the disk of {folder} is full: free some space, then {remedy}") from error


def free_bytes(folder: AnyPath) -> int:
    """The space that is free for a folder, which need not exist yet."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free
