"""`ctm explain`: where and when a model sees a class in a clip, as a GIF or MP4."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import matplotlib
import numpy as np
from PIL import Image

import ctm_keras
from ctm_keras.names import unknown_name
from tfrecords import ClipOptions
from tfrecords.reading import crop_clip
from tfrecords.sources import videos_at
from tfrecords.storage import full_disk_in_words
from tfrecords.text import printable
from tfrecords.video import VideoError
from training.config.use import ExplainConfig
from training.evaluate.predictions import softmax
from training.use.predict import Classifier, gather

FRAMES_PER_SECOND = 4  # of the output: a clip has only a few frames
SMALLEST = 224  # pixels of an output frame: smaller ones are enlarged
SHADE = 0.5  # maximum opacity of the colors
SUFFIXES = (".gif", ".mp4")


def explain(config: ExplainConfig) -> Iterator[str]:
    """Writes the middle clip of a video next to its class activation maps.

    Args:
        config: The model, the video, the class and the file to write.

    Returns:
        An iterator of lines: the class with its probability, and the file.

    Raises:
        ValueError: If the file is neither GIF nor MP4 or is the video itself, the class is
            unknown, or the model has no class activation maps.
        VideoError: If no frame can be read.

    Reference:
        Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016.
    """
    config.check()
    to, class_name = config.to, config.class_name
    if to.suffix.lower() not in SUFFIXES:
        raise ValueError(f"--to must be a {' or '.join(SUFFIXES)} file, received {to}.")
    video = _single_video(config.video)
    if to.exists() and video.exists() and to.samefile(video):
        raise ValueError(f"--to must not be the video itself, received {to}. Give another file.")
    classifier = Classifier(config.model)
    names = classifier.class_names
    if class_name is not None and class_name not in names:
        raise unknown_name("class", class_name, names)
    clip = _middle_clip(classifier, video, classifier.options(**config.changes))
    probabilities = softmax(classifier.model.predict_on_batch(clip[None]))[0]
    shown = int(probabilities.argmax()) if class_name is None else names.index(class_name)
    maps = ctm_keras.class_activation_maps(classifier.model, clip[None], [shown])[0]
    with full_disk_in_words(to.parent, "explain again"):
        to.parent.mkdir(parents=True, exist_ok=True)
        _write(_enlarged(np.concatenate([clip, overlaid(clip, maps)], axis=2)), to)
    yield f"{printable(names[shown])}, probability {probabilities[shown]:.3f}"
    yield f"Written: {to}"


def _single_video(path: Path) -> Path:
    """The video of a path that contains only one."""
    try:
        videos = videos_at(path, ignored=[])
    except VideoError as error:
        raise VideoError(f"{path}: {error}") from None
    if len(videos) > 1:
        raise ValueError(
            f"ctm explain requires one video, received the folder {path} with {len(videos)} "
            f"videos. Give one of them, such as {videos[0]}."
        )
    return videos[0]


def _middle_clip(classifier: Classifier, video: Path, options: ClipOptions) -> np.ndarray:
    """The clip that evaluation with one clip uses, `(T, S, S, 3)`."""
    frames = (frame.rgb for frame in classifier.frames(video))
    ((_, clip),) = gather(frames, options.clips(len(classifier.times(video))))
    return crop_clip(clip, options.boxes(*clip.shape[1:3]), options.image_size)[0]


def overlaid(clip: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Overlays frames with their maps in color: evidence for the class is bright.

    Args:
        clip: Uint8 `(frames, height, width, 3)`.
        maps: Class activation maps `(map_frames, rows, columns)`; a map covers several frames if
            frames were pooled.
    """
    frames, height, width = clip.shape[:3]
    strength = maps.clip(0) / max(maps.max(), np.finfo(np.float32).eps)
    strength = strength[np.arange(frames) * len(maps) // frames]
    heat = np.stack([cv2.resize(m, (width, height)) for m in strength])[..., None]
    colors = matplotlib.colormaps["inferno"](heat[..., 0])[..., :3] * 255
    return (clip * (1 - SHADE * heat) + colors * SHADE * heat).astype(np.uint8)


def _enlarged(frames: np.ndarray) -> np.ndarray:
    """Enlarges small frames by repeating pixels."""
    factor = -(-SMALLEST // frames.shape[1])
    return frames.repeat(factor, axis=1).repeat(factor, axis=2)


def _write(frames: np.ndarray, path: Path) -> None:
    """Writes frames as an endless GIF, or as an MP4."""
    if path.suffix.lower() == ".gif":
        first, *rest = map(Image.fromarray, frames)
        duration = 1000 // FRAMES_PER_SECOND
        first.save(path, save_all=True, append_images=rest, duration=duration, loop=0)
        return
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # even, for H.264
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(FRAMES_PER_SECOND))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame))))
        out.mux(stream.encode())
