"""Clips a second of `tfrecords.clips`, beside decoding alone, PyAV, decord and torchcodec.

    python benchmarks/pipeline.py                    # the real videos beside the project
    python benchmarks/pipeline.py --videos FOLDER    # any folder of videos
    pip install decord torchcodec                    # adds them to the table

All draw the same frames of the same videos and cut the same share of each picture, on the same
number of threads. "decoding alone" decodes, crops and resizes the same JPEGs from memory; "encoded
videos" is a data set built with `--store video`; "whole SequenceExamples" is tf.data without our
index, with random numbers of its own. The rounds take turns, so that a ratio compares
what ran side by side; the table shows medians.
"""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import cv2
import numpy as np
import tensorflow as tf
import tyro
from real_videos import build, find
from record_reader import plain_records
from video_readers import available

import tfrecords
from tfrecords.augment import flip_targets
from tfrecords.reading.clip_options import ClipOptions
from tfrecords.reading.clip_reader import PLACE_DRAWS, ClipReader
from tfrecords.reading.crops import crop_clip
from tfrecords.reading.split import Split
from tfrecords.sampling import random_clip_indices, random_crop_box

HERE = Path(__file__).resolve().parents[1]
BATCH = 16


@dataclass(frozen=True)
class Draw:
    """One training clip: which video, and the random numbers that choose frames and crop."""

    video: int
    numbers: np.ndarray
    key: np.ndarray


def main(
    videos: Path = HERE.parent / "shared" / "data" / "clips",
    clips: int = 480,
    rounds: int = 5,
    threads: int = 2,
    quality: int = 95,
) -> None:
    """Measures and prints.

    Args:
        videos: Folder that is searched for mp4 and avi files of 240 to 360 lines.
        clips: Clips of a round, at least.
        rounds: Rounds, of which the median counts.
        threads: Threads of each reader.
        quality: JPEG quality of the shards.
    """
    with tempfile.TemporaryDirectory() as folder:
        found, options = find(videos), {"quality": quality, "workers": threads}
        data, paths = build(found, Path(folder, "frames"), clips, **options)
        encoded, _ = build(found, Path(folder, "video"), clips, store="video", **options)
        split = Split(data, "train")
        reader = ClipReader(split, ClipOptions(), flip_targets(split.class_names))
        draws = recorded(data)
        readers = {
            "decoding alone, from memory": threaded(
                in_memory(split, reader, draws), draws, threads
            ),
            "tfrecords.clips": lambda: iterate(data, threads),
            "tfrecords.clips, cold cache": cold(data, threads),
            "encoded videos": lambda: iterate(encoded, threads),
            "encoded videos, cold cache": cold(encoded, threads),
            "whole SequenceExamples": lambda: rate(plain_records(data, threads, BATCH)),
        }
        others, absent = available(paths[0])
        for name, frames_of in others.items():
            readers[name] = threaded(video_reader(frames_of, paths), draws[:clips], threads)
        print(f"{len(paths)} videos, {len(draws)} clips of 8 x 224 x 224, {threads} threads")
        report(rounds, readers)
        for name, reason in absent.items():
            print(f"{name}: not measured ({reason})")
        report_disk({"JPEG frames": data, "encoded videos": encoded})
        report_bytes(data, split, draws)


def recorded(data: Path) -> list[Draw]:
    """The draws of an epoch of `tfrecords.clips`, in its order."""
    draws, original = [], ClipReader.training_clip

    def record(self, video, numbers, key):
        draws.append(Draw(int(video), numbers.copy(), key.copy()))
        return original(self, video, numbers, key)

    ClipReader.training_clip = record
    for _ in tfrecords.clips(data, batch_size=BATCH, epoch=0, num_parallel=1):
        pass
    ClipReader.training_clip = original
    return draws


def iterate(data: Path, threads: int) -> float:
    """Clips a second of an epoch of a data set."""
    batches = tfrecords.clips(data, batch_size=BATCH, epoch=0, num_parallel=threads)
    return rate(batches.map(lambda clip, label: clip))


def rate(batches: tf.data.Dataset) -> float:
    """Clips a second, from the second batch on."""
    remaining = iter(batches)
    next(remaining)
    start = time.perf_counter()
    count = sum(len(clips) for clips in remaining)
    return count / (time.perf_counter() - start)


def cold(data: Path, threads: int) -> Callable[[], float]:
    """`iterate` after the system forgot the shards."""

    def run() -> float:
        forget({path.resolve() for path in data.iterdir()})
        return iterate(data, threads)

    return run


def threaded(read: Callable[[Draw], np.ndarray], draws: list[Draw], threads: int) -> Callable:
    """Clips a second of reading each draw, on some threads."""

    def run() -> float:
        with ThreadPoolExecutor(threads) as pool:
            start = time.perf_counter()
            for _ in pool.map(read, draws):
                pass
            return len(draws) / (time.perf_counter() - start)

    return run


def in_memory(split: Split, reader: ClipReader, draws: list[Draw]) -> Callable:
    """Decodes, crops and resizes JPEGs that were read before."""
    jpegs = {}

    def fill(video, frames):
        found = Split.read(split, video, frames)
        jpegs.update({(video, int(frame)): jpeg for frame, jpeg in zip(frames, found, strict=True)})
        return found

    split.read = fill
    for draw in draws:
        reader.training_clip(draw.video, draw.numbers, draw.key)
    split.read = lambda video, frames: [jpegs[video, int(frame)] for frame in frames]
    return lambda draw: reader.training_clip(draw.video, draw.numbers, draw.key)


def video_reader(frames_of: Callable, paths: list[Path]) -> Callable:
    """Draws the frames of a clip from its video file and cuts the same share of the picture."""

    def read(draw: Draw) -> np.ndarray:
        options = ClipOptions()
        choose = (
            options.num_frames,
            options.interval,
            options.sampling,
            draw.numbers[PLACE_DRAWS:],
        )
        frames = frames_of(paths[draw.video], lambda count: random_clip_indices(count, *choose))
        box = random_crop_box(*frames[0].shape[:2], options.scale, draw.numbers[:3])
        return crop_clip(frames, box[None], options.image_size, draw.numbers[3] < 0.5)

    return read


def report(rounds: int, readers: dict[str, Callable[[], float]]) -> None:
    """A table of medians, and of ratios within a round."""
    cv2.setNumThreads(1)
    rates = np.array([[measure() for measure in readers.values()] for _ in range(rounds)])
    base = list(readers).index("decoding alone, from memory")
    ratios = np.median(rates / rates[:, base : base + 1], axis=0)
    print(f"{'':32} {'clips/s':>8}  of decoding alone (range)")
    for name, rate, ratio, column in zip(
        readers,
        np.median(rates, axis=0),
        ratios,
        (rates / rates[:, base : base + 1]).T,
        strict=True,
    ):
        print(f"{name:32} {rate:8.1f}  {ratio:.2f} ({column.min():.2f} to {column.max():.2f})")


def report_disk(folders: dict[str, Path]) -> None:
    """What ten seconds of video take on disk in each store."""
    for name, folder in folders.items():
        rows = Split(folder, "train").videos
        seconds = float((rows["frames"] / rows["frame_rate"]).sum())
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{name}: {size / seconds / 1e5:.2f} MB for ten seconds")


def report_bytes(data: Path, split: Split, draws: list[Draw]) -> None:
    """Bytes that a clip asks for, and that the disk gives when nothing is cached."""
    needed = asked = 0
    pread = os.pread

    def counted(*args):
        nonlocal asked
        asked += args[1]
        return pread(*args)

    del split.read
    files = {path.resolve() for path in data.iterdir()}
    os.pread = counted
    before, options = disk_bytes(), ClipOptions()
    for draw in draws[: len(draws) // 4]:
        forget(files)
        frames = random_clip_indices(
            int(split.videos[draw.video]["frames"]),
            options.num_frames,
            options.interval,
            options.sampling,
            draw.numbers[PLACE_DRAWS:],
        )
        needed += sum(map(len, split.read(draw.video, np.unique(frames))))
    os.pread = pread
    from_disk = disk_bytes() - before
    print(f"needed {needed / (len(draws) // 4) / 1e3:.0f} kB a clip")
    print(f"asked for {asked / needed:.3f} of them", end="; ")
    print(
        f"read from disk {from_disk / needed:.3f}" if from_disk else "the disk is not counted here"
    )


def forget(files: set[Path]) -> None:
    """Asks the system to drop what it caches of these files."""
    for file in files:
        with open(file, "rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def disk_bytes() -> int:
    """Bytes that this process made the disk read."""
    text = Path("/proc/self/io").read_text(encoding="utf-8")
    lines = dict(line.split(": ") for line in text.splitlines())
    return int(lines["read_bytes"])


if __name__ == "__main__":
    tyro.cli(main)
