"""Generates videos whose class is the direction of motion and nothing else."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from tqdm import tqdm

DIRECTIONS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
SIZE = 64
PATCH = 24
FRAMES = 32
FRAME_RATE = 16


def direction_video(direction: str, rng: np.random.Generator) -> np.ndarray:
    """A textured patch that moves over noise and wraps around the edges of the frame.

    Position and texture are random, so a single frame does not reveal the class: a model that only
    averages frames can do no better than guess.

    Args:
        direction: `"left"`, `"right"`, `"up"` or `"down"`.
        rng: Random generator.

    Returns:
        uint8 frames, `(32, 64, 64, 3)`.
    """
    background = rng.integers(60, 140, (SIZE, SIZE, 3), np.uint8)
    coarse = rng.integers(0, 256, (PATCH // 4, PATCH // 4, 3), np.uint8)
    patch = coarse.repeat(4, axis=0).repeat(4, axis=1)
    start = rng.integers(0, SIZE, 2)
    speed = rng.integers(2, 5)  # pixels per frame
    step = speed * np.array(DIRECTIONS[direction])
    return np.stack([draw(background, patch, start + t * step) for t in range(FRAMES)])


def draw(background: np.ndarray, patch: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """The background with the patch at a corner, wrapped around the edges."""
    rows, columns = (corner[:, None] + np.arange(PATCH)) % SIZE
    frame = background.copy()
    frame[rows[:, None], columns] = patch
    return frame


def write_video(frames: np.ndarray, path: Path) -> None:
    """Encodes uint8 frames `(n, height, width, 3)` as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FRAME_RATE))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "18"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def write_direction_videos(folder: Path, per_class: int, seed: int = 0) -> None:
    """Writes FOLDER/DIRECTION/NUMBER.mp4, `per_class` videos of each direction.

    Args:
        folder: Folder in which to create the class folders.
        per_class: Number of videos per class.
        seed: Seed of the videos. Defaults to 0.

    Example:
        >>> training.write_direction_videos(Path("directions"), per_class=1)
        >>> sorted(path.name for path in Path("directions").iterdir())
        ['down', 'left', 'right', 'up']
    """
    jobs = [(name, number) for number in range(per_class) for name in DIRECTIONS]
    for index, (name, number) in enumerate(tqdm(jobs, desc="draw videos", unit="video")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        frames = direction_video(name, np.random.default_rng([seed, index]))
        write_video(frames, folder / name / f"{number:04d}.mp4")
