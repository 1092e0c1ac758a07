"""Videos a second and peak memory of `tfrecords.build`, beside ffmpeg extracting the same JPEGs.

    python benchmarks/build.py                    # the real videos beside the project
    python benchmarks/build.py --videos FOLDER    # any folder of videos
    python benchmarks/build.py --rounds 0         # memory only
    apt-get install ffmpeg                        # adds ffmpeg to the table

ffmpeg runs as many processes as the build, each on one video with one thread, and writes the frames
as JPEG files of the same size; the build also writes the shards, checksums and index. All take
turns. The second table holds what `ctm build --estimate` says of the same videos beside what the
build took. The third builds ever more videos, the last ever longer ones: memory must not follow.
"""

import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import tyro

import tfrecords
from tfrecords.format.manifest import read_manifest
from tfrecords.writing.decoder_pool import available_cores

HERE = Path(__file__).resolve().parents[1]
BUILD = "import sys, tfrecords; tfrecords.build(*sys.argv[1:3], workers=int(sys.argv[3]))"
SCALE = "scale='if(gt(iw,ih),-1,256)':'if(gt(iw,ih),256,-1)'"
PAGE = 4096


def main(
    videos: Path = HERE.parent / "shared" / "data" / "clips",
    rounds: int = 3,
    counts: tuple[int, ...] = (100, 1_000, 10_000),
    lengths: tuple[int, ...] = (150, 1_500, 15_000),
) -> None:
    """Measures and prints.

    Args:
        videos: Folder that is searched for mp4 and avi files.
        rounds: Times that each side runs; the tables show medians.
        counts: Numbers of short videos whose memory is measured.
        lengths: Numbers of frames of a video whose memory is measured; 15,000 are ten minutes.
    """
    files = sorted([*videos.rglob("*.mp4"), *videos.rglob("*.avi")])
    if not files:
        sys.exit(f"{videos} holds no mp4 and no avi files: name a folder with --videos")
    cores = available_cores()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if rounds:
            own = [link(path, scratch / f"{n}{path.suffix}") for n, path in enumerate(files)]
            compare(own, scratch, cores, rounds)
            foretell(own, scratch, cores)
        many(scratch, cores, counts)
        long(scratch, lengths)


def compare(files: list[Path], scratch: Path, cores: int, rounds: int) -> None:
    """Prints the first table: one process, and one per core."""
    sides: dict[tuple[str, int], Callable[[], int]] = {}
    for processes in sorted({1, cores}):
        sides["ctm build", processes] = partial(build, files, scratch, processes)
        if shutil.which("ffmpeg"):
            sides["ffmpeg", processes] = partial(extract, files, scratch, processes)
    found = {side: [] for side in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(measure(side))
    print(f"{len(files)} videos, {cores} cores, short side 256, median of {rounds}")
    print(f"{'':12}{'processes':>10}{'videos/s':>10}{'MB of JPEG':>12}{'peak memory':>13}")
    for (name, processes), rows in found.items():
        seconds, peak, size = (statistics.median(column) for column in zip(*rows, strict=True))
        speed = f"{len(files) / seconds:10.2f}{size / 1e6:12.0f}{peak / 1e6:10.0f} MB"
        print(f"{name:12}{processes:10}{speed}")
    for processes in sorted({number for name, number in found if name == "ffmpeg"}):
        ours, theirs = (
            np.array([row[0] for row in found[name, processes]]) for name in ("ctm build", "ffmpeg")
        )
        print(f"speed of ctm build / ffmpeg, {processes}: {np.median(theirs / ours):.2f}")


def foretell(files: list[Path], scratch: Path, cores: int) -> None:
    """Prints the second table."""
    told = tfrecords.build(listing(files, scratch), scratch / "new", workers=cores, estimate=True)
    seconds, _, size = measure(partial(build, files, scratch, cores))
    print(f"\n{'':12}{'seconds':>10}{'MB of shards':>14}")
    print(f"{'estimate':12}{told.seconds:10.1f}{told.bytes / 1e6:14.0f}")
    print(f"{'build':12}{seconds:10.1f}{size / 1e6:14.0f}")


def link(target: Path, path: Path) -> Path:
    """A name of its own for a video."""
    path.symlink_to(target)
    return path


def build(files: list[Path], scratch: Path, cores: int) -> int:
    """Builds in a process of its own, as `ctm build` does; returns the bytes of the shards."""
    out = scratch / "data"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", BUILD, str(listing(files, scratch)), str(out), str(cores)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        sys.exit(done.stderr)
    manifest = read_manifest(out)
    assert not manifest.failures, manifest.failures
    return sum(shard.bytes for shard in manifest.all_shards)


def listing(files: list[Path], scratch: Path) -> Path:
    """A CSV file with the videos."""
    path = scratch / "list.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = ([str(path), "ab"[number % 2]] for number, path in enumerate(files))
        csv.writer(file).writerows([["path", "label"], *rows])
    return path


def extract(files: list[Path], scratch: Path, cores: int) -> int:
    """ffmpeg, one process per video and core; returns the bytes of the JPEGs."""
    folder = scratch / "jpegs"
    shutil.rmtree(folder, ignore_errors=True)

    def one(number: int) -> None:
        (folder / str(number)).mkdir(parents=True)
        single = ["-threads", "1", "-filter_threads", "1"]
        command = ["ffmpeg", "-v", "error", *single, "-i", str(files[number]), "-an", "-vf", SCALE]
        quality = ["-fps_mode", "passthrough", "-threads", "1", "-qmin", "1", "-q:v", "1"]
        subprocess.run([*command, *quality, f"{folder}/{number}/%06d.jpg"], check=True)

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(one, range(len(files))))
    return sum(path.stat().st_size for path in folder.rglob("*.jpg"))


def many(scratch: Path, cores: int, counts: tuple[int, ...]) -> None:
    """Prints the third table: copies of one short video."""
    print("\npeak memory by the number of videos")
    short = synthetic(scratch / "short.mp4", 8)
    for count in counts:
        copies = scratch / f"copies{count}"
        copies.mkdir()
        for number in range(count):
            link(short, copies / f"{number}.mp4")
        seconds, peak, _ = measure(partial(build, sorted(copies.iterdir()), scratch, cores))
        print(f"{count:8} videos of 8 frames {peak / 1e6:10.0f} MB, {count / seconds:.0f} videos/s")


def long(scratch: Path, lengths: tuple[int, ...]) -> None:
    """Prints the last table: two videos on one core, ever longer."""
    print("\npeak memory by the length of a video")
    for frames in lengths:
        path = synthetic(scratch / f"{frames}.mp4", frames)
        twin = link(path, scratch / f"twin{frames}.mp4")
        _, peak, size = measure(partial(build, [path, twin], scratch, 1))
        print(f"{frames:8} frames, {size / 2e6:.0f} MB of JPEG {peak / 1e6:10.0f} MB")


def synthetic(path: Path, frames: int) -> Path:
    """A video of drifting clouds."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 85, 3), np.uint8)
    noise = cv2.resize(noise, (340, 256), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "30"})
        stream.height, stream.width, stream.pix_fmt = 256, 340, "yuv420p"
        for number in range(frames):
            picture = np.roll(noise, number, axis=1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    return path


def measure(side: Callable[[], int]) -> tuple[float, int, int]:
    """Seconds, peak memory of all processes that it starts in bytes, and what it returns."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident_below_us())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    started = time.perf_counter()
    result = side()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    return seconds, peak[0], result


def resident_below_us() -> int:
    """Resident bytes of all our descendants."""
    parents, sizes = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
            sizes[int(folder.name)] = int((folder / "statm").read_text("utf-8").split()[1]) * PAGE
        except (OSError, IndexError):
            continue
        parents[int(folder.name)] = int(fields[1])
    ours, grown = {os.getpid()}, True
    while grown:
        below = {child for child, parent in parents.items() if parent in ours}
        grown = not below <= ours
        ours |= below
    return sum(sizes.get(process, 0) for process in ours - {os.getpid()})


if __name__ == "__main__":
    tyro.cli(main)
