"""The median duration and frame rate of videos: the time that a clip of them spans."""

import numpy as np

from tfrecords.reading.split import Split
from tfrecords.storage.files import AnyPath


def typical_video(data: str | AnyPath, split: str = "train") -> tuple[float, float]:
    """The median duration and the median frame rate of the videos of a split.

    Args:
        data: The data set.
        split: A split with videos. Defaults to `"train"`.

    Returns:
        The duration in seconds and the frames per second.

    Raises:
        ValueError: If the data set or the split does not exist.

    Example:
        >>> tfrecords.typical_video("data/mine")
        (2.0, 16.0)
    """
    rows = Split(data, split).videos
    seconds = np.median(rows["frames"] / rows["frame_rate"])
    return float(seconds), float(np.median(rows["frame_rate"]))
