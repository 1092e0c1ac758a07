"""`ctm features`: a vector for each video, or for each window of it."""

import functools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

import ctm_keras
import tfrecords
from tfrecords.format import FILE
from tfrecords.reading import BadShard, Split, read_frames
from tfrecords.storage import as_path, full_disk_in_words, is_file, is_remote
from tfrecords.text import counted, printable
from tfrecords.video import VideoError
from training.config.use import FeaturesConfig
from training.evaluate.data import other_rates
from training.evaluate.scores import OTHER_RATE, missing_videos
from training.use.feature_file import Row, write_rows
from training.use.predict import Classifier, expanded, gather

Clips = Iterator[tuple[int, Sequence[np.ndarray] | np.ndarray]]


class Video:
    """A video to describe: a file. `StoredVideo` is one of a data set.

    Args:
        path: The file.
        classifier: Reads it.
        problem: Why it has no frames, if that is known already.
    """

    label = split = ""

    def __init__(self, path: Path, classifier: Classifier, problem: Exception | None = None):
        self.id = self.path = str(path)
        self.file, self.classifier, self.problem = path, classifier, problem

    @functools.cached_property
    def times(self) -> np.ndarray:
        """The time of each frame in seconds."""
        if self.problem:
            raise self.problem
        return self.classifier.times(self.file)

    def clips(self, indices: np.ndarray) -> Clips:
        """The clips with these frame numbers, each with its own number."""
        return gather((frame.rgb for frame in self.classifier.frames(self.file)), indices)


class StoredVideo(Video):
    """A video of a data set.

    Args:
        videos: The videos of the split.
        place: Its place among them.
        split: The name of its own split.
    """

    def __init__(self, videos: Split, place: int, split: str):
        self.videos, self.place, self.split = videos, place, split
        self.id, self.path = videos.ids[place], ""
        self.label = videos.class_names[videos.videos[place]["label"]]

    @functools.cached_property
    def times(self) -> np.ndarray:
        row = self.videos.videos[self.place]
        return np.arange(row["frames"]) / row["frame_rate"]

    def clips(self, indices: np.ndarray) -> Clips:
        for number, frames in enumerate(indices):
            yield number, read_frames(self.videos, self.place, frames)


def features(config: FeaturesConfig) -> int:
    """Writes the features of videos.

    Returns:
        The number of unreadable videos; each is printed with its reason.

    Raises:
        ValueError: If an option is invalid, or no video can be read.
    """
    config.check()
    data = _data_of(config)
    with full_disk_in_words(config.to.parent, "compute the features again"):
        config.to.parent.mkdir(parents=True, exist_ok=True)
        classifier = Classifier(config.model, config.which)
        embedder, rows, failed = Embedder(classifier, config), [], 0
        videos = _stored(config, data, classifier) if data else _files(config, classifier)
        for video in tqdm(videos, unit="video", desc="features"):
            try:
                rows += embedder.rows(video)
            except (VideoError, BadShard, OSError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                tqdm.write(printable(f"ctm: {video.id}: {reason}"), file=sys.stderr)
                failed += 1
        if not rows:
            raise ValueError(f"No video could be read, so {config.to} is not written.")
        write_rows(rows, config.to)
    shape = f"{counted(len(rows), 'vector')} of {len(rows[0].vector)} values"
    print(printable(f"Written: {config.to} ({shape})"))
    return failed


class Embedder:
    """Computes the features of videos.

    Args:
        classifier: The model, and how it reads videos.
        config: The views, and whether the rows are windows.
    """

    def __init__(self, classifier: Classifier, config: FeaturesConfig):
        self.classifier, self.by_window = classifier, config.windows
        self.model = ctm_keras.feature_model(classifier.model)
        self.options = classifier.options(**{"num_clips": 10, **config.changes})

    def rows(self, video: Video) -> list[Row]:
        """The row of a video, or one for each window of a long one."""
        times = video.times
        windows = self.classifier.windows(len(times), self.options)
        if self.by_window and len(windows):
            vectors = self.vectors(video, windows)
            spans = [(times[own[0]], times[own[-1]]) for own in windows]
        else:
            clips = self.options.clips(len(times))
            vectors = self.vectors(video, clips).mean(axis=0, keepdims=True)
            spans = [(times[0], times[-1])]
        head = (video.id, video.path, video.label, video.split)
        return [
            Row(*head, float(start), float(end), vector)
            for (start, end), vector in zip(spans, vectors, strict=True)
        ]

    def vectors(self, video: Video, indices: np.ndarray) -> np.ndarray:
        """The features of each clip, averaged over its crops, `(clips, features)`."""
        vectors = np.zeros((len(indices), self.model.output_shape[-1]), np.float32)
        for number, clip in video.clips(indices):
            crops = self.model.predict_on_batch(self.options.crops(clip))
            vectors[number] = crops.mean(axis=0)
        if not np.isfinite(vectors).all():
            raise ValueError(
                f"The features of {video.id} must be finite, received NaN or infinite values: the "
                "training of the model diverged. Try --which best."
            )
        return vectors


def _data_of(config: FeaturesConfig) -> str | None:
    """The data set, if one is given; raises ValueError for what cannot be combined."""
    paths = [as_path(name) for name in config.videos]
    data = [path for path in paths if is_remote(path) or is_file(path / FILE)]
    if not data and config.split:
        raise ValueError(
            f"--split requires a data set, received videos and --split {config.split}. Remove "
            "--split, or give a folder that `ctm build` wrote."
        )
    if data and len(paths) > 1:
        others = counted(len(paths) - 1, "other path")
        raise ValueError(
            f"A data set must be given alone, received {data[0]} and {others}. Run the command for "
            "each."
        )
    return str(data[0]) if data else None


def _files(config: FeaturesConfig, classifier: Classifier) -> list[Video]:
    """The videos of the paths."""
    found = expanded(map(Path, config.videos))
    return [Video(path, classifier, problem) for path, problem in found]


def _stored(config: FeaturesConfig, data: str, classifier: Classifier) -> list[Video]:
    """The videos of a data set; prints what to know about them."""
    manifest = tfrecords.read_manifest(data)
    splits = {id_: shard.split for shard in manifest.all_shards for id_ in shard.videos}
    name = config.split or "+".join(own for own in manifest.splits if manifest.ids(own))
    videos = Split(data, name)
    options = classifier.options(**config.changes)
    if rates := other_rates(classifier.view, options.sampling, data, name):
        print(f"Frame rate: {OTHER_RATE.format(*rates)}.", file=sys.stderr)
    if missing := missing_videos(manifest, videos, videos.ids):
        those = f"{counted(len(missing), 'video')} of its source"
        print(printable(f"{data} lacks {those}; `ctm stats` lists them."), file=sys.stderr)
    return [StoredVideo(videos, place, splits[id_]) for place, id_ in enumerate(videos.ids)]
