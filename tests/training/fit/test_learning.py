"""Every temporal method learns the direction of a motion, which no single frame shows."""

import time
from dataclasses import dataclass

import keras
import numpy as np
import pytest

import ctm_keras
from training.quickstart.videos import DIRECTIONS, FRAMES, direction_video

BATCH = 16
SPAN, INTERVAL = 16, 2  # eight frames
ENOUGH = 0.9
ROWS = {  # method, options, maximum number of epochs
    "TSN": ("tsn", {}, 6),
    "CTM": ("ctm", {}, 12),
    "TCCM alone": ("ctm", {"paths": "tccm"}, 12),
    "temporal path alone": ("ctm", {"paths": "temporal"}, 12),
    "STM": ("stm", {}, 12),
    "TSM": ("tsm", {}, 12),
    "TAM": ("tam", {}, 12),
    "CoST": ("cost", {}, 12),
    "I3D": ("i3d", {}, 12),
    "S3D": ("s3d", {}, 12),
}


@dataclass(frozen=True)
class Videos:
    """Videos of the directions in rotation, with their labels."""

    frames: np.ndarray
    labels: np.ndarray

    @classmethod
    def draw(cls, count: int, seed: int) -> "Videos":
        rng = np.random.default_rng(seed)
        frames = [direction_video(name, rng) for _ in range(count) for name in DIRECTIONS]
        return cls(np.stack(frames), np.tile(np.arange(len(DIRECTIONS)), count))

    def clips(self, seed: int) -> np.ndarray:
        """A clip of eight frames from each video, at a random start."""
        starts = np.random.default_rng(seed).integers(0, FRAMES - SPAN, len(self.frames))
        cut = zip(self.frames, starts, strict=True)
        return np.stack([video[s : s + SPAN : INTERVAL] for video, s in cut])


@pytest.fixture(scope="module")
def videos():
    return Videos.draw(240, seed=0), Videos.draw(60, seed=1)


def accuracies(method, options, epochs, videos):
    """Validation accuracy after each epoch, until it is sufficient."""
    train, val = videos
    keras.utils.set_random_seed(0)
    model = ctm_keras.build_video_model(
        method, "tiny", num_classes=4, image_size=64, weights=None, dropout=0.2, **options
    )
    rate = ctm_keras.StepSchedule(0.1, warmup_steps=len(train.labels) // BATCH)
    loss = ctm_keras.SmoothedCrossentropy()
    model.compile(ctm_keras.SGD(rate), loss, metrics=["accuracy"], jit_compile=False)
    found = []
    while len(found) < epochs and max(found, default=0) < ENOUGH:
        model.fit(train.clips(len(found)), train.labels, batch_size=BATCH, verbose=0)
        found.append(model.evaluate(val.clips(0), val.labels, batch_size=60, verbose=0)[1])
    return model, found


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ROWS)
def test_temporal_methods_learn_the_direction_and_tsn_does_not(name, videos):
    started = time.process_time()
    model, found = accuracies(*ROWS[name], videos)
    seconds, size = time.process_time() - started, model.count_params()
    curve = " ".join(f"{accuracy:.2f}" for accuracy in found)
    print(f"| {name} | {len(found)} | {max(found):.3f} | {seconds:.0f} | {size:,} | {curve} |")
    if name == "TSN":
        assert max(found) < 0.35
    else:
        assert max(found) >= ENOUGH
