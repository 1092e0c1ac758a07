"""Small gray frames of the videos of a data set, used to find copies."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from tqdm import tqdm

from tfrecords.checks.video_hashes import SIDE, Thumbnails
from tfrecords.reading.clip_reader import read_frames
from tfrecords.reading.split import Split

READERS = 8  # threads; decoding releases the GIL
PER_SECOND, LEAST, MOST = 8, 32, 128  # frames of a video to compare


def few_frames(split: Split, video: int, count: int = 8) -> Thumbnails:
    """Evenly spaced frames of a video, the middles of equal parts."""
    row = split.videos[video]
    total, rate = int(row["frames"]), float(row["frame_rate"])
    numbers = ((np.arange(count) + 0.5) * total / count).astype(int)
    pictures = np.stack([_thumbnail(frame) for frame in read_frames(split, video, numbers)])
    return Thumbnails(pictures, (numbers + 0.5) / rate, total / rate)


def many_frames(place: tuple[Split, int]) -> Thumbnails:
    """Eight frames per second of a video, at least 32 and at most 128."""
    split, video = place
    row = split.videos[video]
    seconds = float(row["frames"] / row["frame_rate"])
    found = few_frames(split, video, int(np.clip(PER_SECOND * seconds, LEAST, MOST)))
    return found._replace(pictures=found.pictures.astype(np.float16))


def of_each(work: Callable, items: Iterable, label: str, progress: bool) -> list:
    """The result of a function for each item, computed in threads, with a progress bar."""
    items = list(items)
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(work, items)
        disable = None if progress and items else True
        return list(tqdm(found, desc=label, total=len(items), unit="video", disable=disable))


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
