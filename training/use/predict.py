"""`ctm predict`: the classes of video files, and how they change over long videos."""

import dataclasses
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from tfrecords import ClipOptions
from tfrecords.format import named
from tfrecords.sources import videos_at
from tfrecords.text import printable
from tfrecords.video import Frame, VideoError, read_frames, read_times
from training.config.use import PredictConfig
from training.evaluate.predictions import softmax
from training.machines.devices import require_tensorflow
from training.open_model import open_model
from training.pictures.charts import draw_timeline

BAR = 30  # characters for a probability of 1


@dataclass(frozen=True)
class Window:
    """The classes of a sliding window of a long video.

    Args:
        start: Time of its first frame in seconds.
        end: Time of its last frame in seconds.
        probabilities: Class probabilities, `(num_classes,)`.
    """

    start: float
    end: float
    probabilities: np.ndarray


@dataclass(frozen=True)
class Prediction:
    """The classes of a video.

    Args:
        video: The video file.
        probabilities: Class probabilities, averaged over clips and crops, `(num_classes,)`.
        timeline: Sliding windows of a video longer than two clips, otherwise empty.
        class_names: The classes, in order.
    """

    video: Path
    probabilities: np.ndarray
    timeline: tuple[Window, ...]
    class_names: tuple[str, ...]

    def best(self, probabilities: np.ndarray | None = None, k: int = 5) -> list[dict]:
        """The top k classes of the video, or of a window's probabilities."""
        probabilities = self.probabilities if probabilities is None else probabilities
        return [
            {"class": self.class_names[i], "probability": round(float(probabilities[i]), 6)}
            for i in probabilities.argsort()[::-1][:k]
        ]

    def to_dict(self) -> dict:
        """The prediction as values that JSON supports."""
        windows = [
            {"start": w.start, "end": w.end, **self.best(w.probabilities, 1)[0]}
            for w in self.timeline
        ]
        return {"video": str(self.video), "classes": self.best(), "timeline": windows}

    def __str__(self) -> str:
        lines = [printable(str(self.video))]
        for row in self.best():
            bar = "█" * round(BAR * row["probability"])
            lines.append(f"  {row['probability']:.3f} {bar:{BAR}} {printable(row['class'])}")
        return "\n".join(lines)


class Classifier:
    """Classifies video files with a trained model.

    Args:
        path: The folder of a run, or a `.keras` file of this project.
        which: Which of a run's models: `"model"` (the last) or `"best"` (the best on the validation
            split). Defaults to `"model"`.

    Raises:
        ValueError: If the path is neither, or the model cannot be read.

    Example:
        >>> print(training.Classifier(Path("runs/mine")).predict(Path("holiday.mp4")))
        holiday.mp4
          0...
    """

    def __init__(self, path: Path, which: str | None = None):
        require_tensorflow()
        opened = open_model(path, which)
        self.model: keras.Model = opened.model
        self.view, self.class_names, self.folder = opened.view, opened.class_names, opened.folder

    def predict(self, video: Path, **view: Any) -> Prediction:
        """Scores a video as `ctm evaluate` does: same frames, same crops, averaged probabilities.

        Args:
            video: A video file, GIF or folder of frames.
            **view: Fields of `tfrecords.ClipOptions`, such as `num_clips=1`. Defaults to ten clips
                with one crop; other fields to those of the model's training.

        Raises:
            ValueError: If a field of `view` is invalid.
            VideoError: If no frame can be read.
        """
        times = self.times(video)
        options = self.options(**{"num_clips": 10, **view})
        windows = self.windows(len(times), options)
        scored = self.score(video, np.concatenate([options.clips(len(times)), windows]), options)
        timeline = tuple(
            Window(float(times[window[0]]), float(times[window[-1]]), probabilities)
            for window, probabilities in zip(windows, scored[options.num_clips :], strict=True)
        )
        clips = scored[: options.num_clips]
        return Prediction(video, clips.mean(axis=0), timeline, self.class_names)

    def options(self, **view: Any) -> ClipOptions:
        """How clips are made from a video, with some fields changed."""
        return dataclasses.replace(self.view.clips, **view)

    def frames(self, video: Path) -> Iterator[Frame]:
        """The frames as they would be stored in the data set."""
        return read_frames(video, fps=self.view.rate, short_side=self.view.short_side)

    def times(self, video: Path) -> np.ndarray:
        """The time of each of `frames` in seconds, from a first pass without pixels."""
        return np.fromiter(read_times(video, fps=self.view.rate), np.int64) / 1e6

    def windows(self, count: int, options: ClipOptions) -> np.ndarray:
        """Half-overlapping clips over a video longer than two clips, otherwise none."""
        steps = np.arange(options.num_frames) * options.interval
        span = options.num_frames * options.interval
        last = count - span if count > 2 * span else -1
        return np.arange(0, last + 1, max(1, span // 2))[:, None] + steps

    def score(self, video: Path, indices: np.ndarray, options: ClipOptions) -> np.ndarray:
        """Probabilities of each clip, averaged over its crops, `(clips, num_classes)`."""
        scores = np.zeros((len(indices), len(self.class_names)))
        frames = (frame.rgb for frame in self.frames(video))
        progress = tqdm(total=len(indices), unit="clip", desc=printable(video.name), leave=False)
        with progress:
            for number, clip in gather(frames, indices):
                logits = self.model.predict_on_batch(options.crops(clip))
                scores[number] = softmax(logits).mean(axis=0)
                progress.update()
        return scores


def gather(frames: Iterable[np.ndarray], indices: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Collects clips from a stream of frames; keeps only frames that are still needed.

    Args:
        frames: The frames of a video, in order.
        indices: Frame numbers of the clips, `(clips, frames)`, in any order within a clip.

    Yields:
        The clip's number and its frames, `(frames, height, width, 3)`, as soon as it is complete.
    """
    pending = sorted(range(len(indices)), key=lambda clip: indices[clip].max())
    last_use: dict[int, int] = {}
    for clip in pending:
        last_use |= dict.fromkeys(indices[clip].tolist(), indices[clip].max())
    kept = {}
    for number, frame in enumerate(frames):
        if number in last_use:
            kept[number] = frame
        while pending and indices[pending[0]].max() == number:
            clip = pending.pop(0)
            yield clip, np.stack([kept[i] for i in indices[clip].tolist()])
        kept = {i: f for i, f in kept.items() if last_use[i] > number}


def predict(config: PredictConfig) -> int:
    """Prints the predictions of videos, as text or JSON, and draws the timelines.

    Returns:
        The number of unreadable videos; each is printed with its reason.
    """
    config.check()
    classifier = Classifier(config.model)
    folder = config.timelines or classifier.folder / "timelines"
    pictures: set[Path] = set()
    results = []
    for video, problem in expanded(config.videos):
        try:
            if problem:
                raise problem
            prediction = classifier.predict(video, **config.changes)
        except (VideoError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            results.append({"video": str(video), "error": reason})
            print(printable(f"ctm: {video}: {reason}"), file=sys.stderr)
            continue
        results.append(prediction.to_dict())
        if not config.json:
            print(prediction)
            _draw(prediction, folder, pictures)
    if config.json:
        print(json.dumps(results, indent=1))
    return sum("error" in result for result in results)


def expanded(paths: Iterable[Path]) -> Iterator[tuple[Path, Exception | None]]:
    """The videos of each path, or the path with the error if it has none."""
    for path in paths:
        ignored: list[str] = []
        try:
            videos = videos_at(path, ignored)
        except (VideoError, OSError) as error:
            yield path, error
            continue
        if ignored:
            print(printable(f"Ignored in {path}: {named(ignored)}"), file=sys.stderr)
        yield from ((video, None) for video in videos)


def _draw(prediction: Prediction, folder: Path, pictures: set[Path]) -> None:
    """Draws the timeline of a long video and prints the path, which is not among `pictures`."""
    if not prediction.timeline:
        return
    stem = "_".join(prediction.video.parts[-2:]).replace("/", "")
    names = itertools.chain([f"{stem}.png"], (f"{stem}-{n}.png" for n in itertools.count(2)))
    path = next(folder / name for name in names if folder / name not in pictures)
    pictures.add(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draw_timeline(
            np.array([(w.start + w.end) / 2 for w in prediction.timeline]),
            np.stack([w.probabilities for w in prediction.timeline]),
            prediction.class_names,
            prediction.video.name,
            path,
        )
    except OSError as error:
        reason = f"no timeline of {prediction.video}: {error.strerror}"
        print(printable(f"ctm: {reason}"), file=sys.stderr)
    else:
        print(printable(f"  timeline: {path}"))
