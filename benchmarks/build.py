"""Videos a second and peak memory of `tfrecords.build`, beside ffmpeg extracting the same JPEGs.

    python benchmarks/build.py                    # the real videos beside the project
    python benchmarks/build.py --videos FOLDER    # any folder of videos
    apt-get install ffmpeg                        # adds ffmpeg to the table

ffmpeg runs one process per core, each on one video with one thread, and writes the frames as JPEG
files of the same size; the build also writes the shards, checksums and index. Both take turns.
The second table builds ever more videos, the third ever longer ones: memory must not follow.
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
from pathlib import Path

import av
import numpy as np
import tyro

from tfrecords.manifest import read_manifest
from tfrecords.pool import available_cores

HERE = Path(__file__).resolve().parents[1]
BUILD = "import sys, tfrecords; tfrecords.build(*sys.argv[1:3], workers=int(sys.argv[3]))"
SCALE = "scale='if(gt(iw,ih),-1,256)':'if(gt(iw,ih),256,-1)'"
PAGE = 4096


def main(
    videos: Path = HERE.parent / "shared" / "data" / "clips", rounds: int = 3, growth: int = 4
) -> None:
    """Measures and prints.

    Args:
        videos: Folder that is searched for mp4 and avi files.
        rounds: Times that each side runs; the table shows medians.
        growth: Factor between the rows of the second and third table.
    """
    files = sorted([*videos.rglob("*.mp4"), *videos.rglob("*.avi")])
    if not files:
        sys.exit(f"{videos} holds no mp4 and no avi files: name a folder with --videos")
    cores = available_cores()
    with tempfile.TemporaryDirectory() as scratch:
        compare(files, Path(scratch), cores, rounds)
        many(Path(scratch), cores, growth)
        long(Path(scratch), growth)


def compare(files: list[Path], scratch: Path, cores: int, rounds: int) -> None:
    """Prints the first table."""
    files = [link(path, scratch / f"{number}{path.suffix}") for number, path in enumerate(files)]
    sides: dict[str, Callable[[], int]] = {"ctm build": lambda: build(files, scratch, cores)}
    if shutil.which("ffmpeg"):
        sides["ffmpeg to JPEG files"] = lambda: extract(files, scratch, cores)
    found = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(measure(side))
    print(f"{len(files)} videos, {cores} cores, short side 256, median of {rounds}")
    print(f"{'':22}{'videos/s':>9}{'MB of JPEG':>12}{'peak memory':>13}")
    for name, rows in found.items():
        seconds, peak, size = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:22}{len(files) / seconds:9.2f}{size / 1e6:12.0f}{peak / 1e6:10.0f} MB")
    if len(found) < 2:
        print("ffmpeg is not installed: no comparison")
        return
    ours, theirs = (np.array([row[0] for row in rows]) for rows in found.values())
    print(f"speed of ctm build / ffmpeg: {np.median(theirs / ours):.2f}\n")


def link(target: Path, path: Path) -> Path:
    """A name of its own for a video."""
    path.symlink_to(target)
    return path


def build(files: list[Path], scratch: Path, cores: int) -> int:
    """Builds in a process of its own, as `ctm build` does; returns the bytes of the shards."""
    listing, out = scratch / "list.csv", scratch / "data"
    shutil.rmtree(out, ignore_errors=True)
    with open(listing, "w", newline="") as file:
        rows = ([str(path), "ab"[number % 2]] for number, path in enumerate(files))
        csv.writer(file).writerows([["path", "label"], *rows])
    command = [sys.executable, "-c", BUILD, str(listing), str(out), str(cores)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    manifest = read_manifest(out)
    assert not manifest.failures, manifest.failures
    return sum(shard.bytes for shard in manifest.all_shards)


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


def many(scratch: Path, cores: int, growth: int) -> None:
    """Prints the second table: copies of one short video."""
    print("peak memory by the number of videos")
    short = synthetic(scratch / "short.mp4", 16)
    for count in (64, 64 * growth, 64 * growth**2):
        copies = scratch / f"copies{count}"
        copies.mkdir()
        for number in range(count):
            link(short, copies / f"{number}.mp4")
        _, peak, _ = measure(lambda: build(sorted(copies.iterdir()), scratch, cores))  # noqa: B023
        print(f"{count:8} videos of 16 frames {peak / 1e6:10.0f} MB")


def long(scratch: Path, growth: int) -> None:
    """Prints the third table: two videos on one core, ever longer."""
    print("peak memory by the length of a video")
    for frames in (250, 250 * growth, 250 * growth**2):
        path = synthetic(scratch / f"{frames}.mp4", frames)
        twin = link(path, scratch / f"twin{frames}.mp4")
        _, peak, size = measure(lambda: build([path, twin], scratch, 1))  # noqa: B023
        print(f"{frames:8} frames, {size / 2e6:.0f} MB of JPEG {peak / 1e6:10.0f} MB")


def synthetic(path: Path, frames: int) -> Path:
    """A video of drifting noise."""
    noise = np.random.default_rng(0).integers(0, 255, (256, 340, 3), np.uint8)
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
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            sizes[int(folder.name)] = int((folder / "statm").read_text().split()[1]) * PAGE
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
