"""`ctm show`: draws the clips that a model sees, as rows of frames."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import tfrecords
from tfrecords.reading import ClipReader, Split
from tfrecords.text import printable
from training.batches import changes
from training.config.use import ShowConfig
from training.pictures.charts import draw_clips


def show(config: ShowConfig) -> Path:
    """Draws the first batch of clips, or those of some videos.

    Args:
        config: The clips to draw, and the picture file to write.

    Returns:
        The picture's path.

    Raises:
        ValueError: If the folder is not a data set, a video is not in it, or an option is invalid.
    """
    config.check()
    automatic = config.mode is None and config.split == "train" and not config.videos
    training = config.mode == "training" or automatic
    batch = _clips_of_videos(config) if config.videos else _first_clips(config, training)
    names = tfrecords.read_manifest(config.data).class_names
    config.out.parent.mkdir(parents=True, exist_ok=True)
    draw_clips(batch["clip"], captions(batch, names, views=not training), config.out)
    return config.out


def _first_clips(config: ShowConfig, training: bool) -> dict[str, np.ndarray]:
    """The first batch of clips."""
    batches = tfrecords.clips(
        config.data,
        config.split,
        training=training,
        batch_size=config.num,
        drop_remainder=False,
        with_ids=True,
        seed=config.seed,
        epoch=config.epoch,
        options=config.clip_options(),
        **changes(config),
    )
    return {name: value.numpy() for name, value in next(iter(batches)).items()}


def _clips_of_videos(config: ShowConfig) -> dict[str, np.ndarray]:
    """The views of the requested videos."""
    videos, options = Split(config.data, config.split), config.clip_options()
    places = {name: place for place, name in enumerate(videos.ids)}
    for name in config.videos:
        if name not in places:
            raise ValueError(
                f"--videos must be ids in the split {config.split} of {config.data}, such as "
                f"{videos.ids[0]!r}, received {name!r}. See its dataset.json, or give --split."
            )
    reader = ClipReader(videos, options, np.arange(len(videos.class_names)))
    clips = itertools.product(config.videos, range(options.num_clips))
    columns = zip(
        *(reader.evaluation_clip(places[name], clip) for name, clip in clips), strict=True
    )
    return dict(zip(("clip", "label", "id", "view"), map(np.concatenate, columns), strict=True))


def captions(batch: dict[str, np.ndarray], names: Sequence[str], views: bool) -> list[str]:
    """A line for each clip: id, label (with the weights of a mix), and the view's number."""
    rows = zip(batch["id"], batch["id"][::-1], batch["label"], batch["view"], strict=True)
    lines = [
        f"{own.decode()}: {_label(label, names, other.decode())}" + f", view {view}" * views
        for own, other, label, view in rows
    ]
    return list(map(printable, lines))


def _label(label: np.ndarray, names: Sequence[str], other: str) -> str:
    if not label.shape:
        return names[int(label)]
    best = np.argsort(-label, kind="stable")
    shares = [f"{label[k]:.2f} {names[k]}" for k in best if label[k] > 0]
    return f"{' + '.join(shares)}, mixed with {other}"
