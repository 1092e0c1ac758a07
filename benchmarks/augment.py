"""Clips a second of `tfrecords.clips` with each augmentation, beside none.

    python benchmarks/augment.py                    # the real videos beside the project
    python benchmarks/augment.py --videos FOLDER    # any folder of videos

The rounds take turns, so that a ratio compares what ran side by side; the table shows medians.
Milliseconds of processor time, over all threads, say what other work on the machine does not blur.
"""

import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tyro
from pipeline import BATCH, HERE, build, find

import tfrecords

OPTIONS = {
    "none": {},
    "class weights": {"class_weights": "balanced"},
    "corner crops": {"augment": tfrecords.Augment(crop="corners")},
    "resized crops": {"augment": tfrecords.Augment(crop="resized")},
    "color jitter": {"augment": tfrecords.Augment(color_jitter=(0.4, 0.4, 0.4, 0.1))},
    "RandAugment": {"augment": tfrecords.Augment(randaugment="rand-m7-n4-mstd0.5-inc1")},
    "random erasing": {"augment": tfrecords.Augment(erasing=0.25)},
    "MixUp": {"augment": tfrecords.Augment(mixup=0.8)},
    "CutMix": {"augment": tfrecords.Augment(cutmix=1.0)},
    "mvit, all of these but jitter": {"augment": "mvit"},
}


def main(
    videos: Path = HERE.parent / "shared" / "data" / "clips",
    clips: int = 320,
    rounds: int = 5,
    threads: int = 2,
) -> None:
    """Measures and prints.

    Args:
        videos: Folder that is searched for mp4 and avi files of 240 to 360 lines.
        clips: Clips of a round, at least.
        rounds: Rounds, of which the median counts.
        threads: Clips read at once.
    """
    with tempfile.TemporaryDirectory() as folder:
        data, paths = build(find(videos), Path(folder) / "jpeg", clips, workers=threads)
        found = {name: [] for name in OPTIONS}
        for _ in range(rounds):
            for name, options in OPTIONS.items():
                found[name].append(measure(data, clips, threads, options))
    print(f"{len(paths)} videos, clips of 8 x 224 x 224, {threads} threads, median of {rounds}")
    print(f"{'':32}clips/s  of none  ms of processor a clip")
    none = np.array(found["none"])
    for name, rows in found.items():
        rate, processor = np.median(rows, axis=0)
        ratio = np.median(np.array(rows)[:, 0] / none[:, 0])
        print(f"{name:32}{rate:7.0f}  {ratio:7.2f}  {1000 * processor:8.1f}")


def measure(data: Path, clips: int, threads: int, options: dict) -> tuple[float, float]:
    """Clips a second and seconds of processor time a clip, from the second batch on."""
    dataset = tfrecords.clips(data, batch_size=BATCH, epoch=0, num_parallel=threads, **options)
    batches = iter(dataset.take(clips // BATCH))
    next(batches)
    start, processor = time.perf_counter(), time.process_time()
    count = sum(len(labels) for _, labels in batches)
    return count / (time.perf_counter() - start), (time.process_time() - processor) / count


if __name__ == "__main__":
    tyro.cli(main)
