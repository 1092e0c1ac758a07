"""Clear errors for full disks, and the free space of a disk."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tfrecords.storage.files import AnyPath

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FullDisk(OSError):  # noqa: N818
    """A disk is full. The message names the folder and the remedy."""


@contextmanager
def full_disk_in_words(folder: AnyPath, remedy: str) -> Iterator[None]:
    """Turns the errors of Python, Keras, HDF5 and TensorFlow on a full disk into a clear message.

    Args:
        folder: A folder or file on that disk.
        remedy: What to do once there is space.

    Raises:
        FullDisk: If the disk is full.
    """
    try:
        yield
    except Exception as error:
        full = "No space left on device" in str(error) or getattr(error, "errno", None) in FULL
        if not full:
            raise
        raise FullDisk(f"The disk of {folder} is full. Free some space, then {remedy}.") from error


def free_bytes(folder: AnyPath) -> int:
    """The free space on the disk of a folder, which need not exist yet."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free
