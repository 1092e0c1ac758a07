"""Makes the pictures of docs/augmentation.md: `python docs/augment/make.py [NAME ...]`.

The videos are drawn here, so that their frames may be shipped: a car that drives to a side past a
sign whose word shows what was mirrored, and a ball that bounces. A few seconds a picture.
"""

import shlex
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import tfrecords
from training.cli import run
from training.quickstart.videos import write_video

HEIGHT, WIDTH, FRAMES = 144, 192, 48
MOST_BYTES = 150_000
FONT = (cv2.FONT_HERSHEY_SIMPLEX, 0.52, (30, 30, 30), 1, cv2.LINE_AA)
COLORS = [
    (220, 60, 50),
    (50, 90, 220),
    (240, 180, 40),
    (120, 60, 170),
    (40, 40, 40),
    (230, 120, 180),
]
COUNTS = {"drive left": 6, "drive right": 6, "bounce": 2}

PICTURES = {  # file: options of `ctm show`
    "evaluation": "--mode evaluation --num 3 --num-crops 3",
    "scale-flip": "--num 3 --epoch 7",
    "corners": "--augment tsn --no-flip --num 4",
    "resized": "--crop resized --no-flip --num 4",
    "flip-pairs": "--flip-pairs 'drive left:drive right' --num 4",
    "color-jitter": "--color-jitter 0.4 0.4 0.4 0.1 --no-flip --num 4",
    "randaugment": "--randaugment rand-m7-n4-mstd0.5-inc1 --no-flip --num 4",
    "erasing": "--erasing 1.0 --no-flip --num 3",
    "mixup": "--mixup 0.8 --no-flip --num 2",
    "cutmix": "--cutmix 1.0 --no-flip --num 2",
    "repeats": "--repeats 2 --no-flip --num 4",
    "class-weights": "--class-weights balanced --no-flip --num 4",
    "mvit": "--augment mvit --repeats 1 --num 3",
}
COMMON = "--image-size 112 --num-frames 5 --interval 8"


def main() -> None:
    """Draws the videos, builds a data set of them, and shows it in each way."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        write_videos(Path(folder) / "videos")
        tfrecords.build(Path(folder) / "videos", data, short_side=HEIGHT, val_fraction=0)
        for name in sys.argv[1:] or PICTURES:
            options = PICTURES[name]
            picture = here / f"{name}.png"
            run("show", [str(data), *shlex.split(f"{options} {COMMON}"), "--out", str(picture)])
            if picture.stat().st_size > MOST_BYTES:
                raise ValueError(f"{picture} is larger than {MOST_BYTES} bytes")


def write_videos(folder: Path) -> None:
    """Writes FOLDER/CLASS/NUMBER.mp4."""
    for name, count in COUNTS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            frames = np.stack([scene(name, number, t / FRAMES) for t in range(FRAMES)])
            write_video(frames, folder / name / f"{number}.mp4")


def scene(name: str, number: int, time: float) -> np.ndarray:
    """A frame at a time from 0 to 1: sky, grass, a sign, and what moves."""
    frame = np.full((HEIGHT, WIDTH, 3), (150, 195, 240), np.uint8)
    frame[96:] = (80, 135, 65)
    frame[104:128] = (95, 95, 100)
    cv2.circle(frame, (30 + 20 * number, 26), 12, (255, 225, 90), -1, cv2.LINE_AA)
    cv2.rectangle(frame, (76, 48), (132, 72), (250, 250, 250), -1)
    cv2.rectangle(frame, (102, 72), (106, 104), (120, 90, 60), -1)
    cv2.putText(frame, "ROAD", (80, 66), *FONT)
    color = COLORS[number % len(COLORS)]
    if name == "bounce":
        height = int(110 - 70 * abs(np.sin(3 * np.pi * time)))
        cv2.circle(frame, (50 + 20 * number, height), 13, color, -1, cv2.LINE_AA)
        return frame
    way = time if name == "drive right" else 1 - time
    draw_car(frame, int(-10 + 160 * way), color, faces_right=name == "drive right")
    return frame


def draw_car(frame: np.ndarray, left: int, color: tuple[int, int, int], faces_right: bool) -> None:
    """A car 48 wide with its cabin towards the back and a lamp in front."""
    cabin = left + (6 if faces_right else 18)
    cv2.rectangle(frame, (cabin, 92), (cabin + 24, 104), color, -1)
    cv2.rectangle(frame, (cabin + 4, 95), (cabin + 20, 103), (190, 220, 240), -1)
    cv2.rectangle(frame, (left, 103), (left + 48, 117), color, -1)
    cv2.circle(frame, (left + (45 if faces_right else 3), 108), 3, (255, 245, 170), -1)
    for wheel in (left + 11, left + 37):
        cv2.circle(frame, (wheel, 118), 6, (25, 25, 25), -1, cv2.LINE_AA)


if __name__ == "__main__":
    main()
