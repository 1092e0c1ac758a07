"""How a model's clips are made from videos: what a run records and its model stores."""

from dataclasses import dataclass, replace
from typing import Any

import keras

import ctm_keras
from tfrecords import ClipOptions

STORED = ("protocol", "seconds", "fps", "short_side", "resampled")
SAMPLED = ("sampling", "interval", "scale")


@dataclass(frozen=True)
class View:
    """How a model's clips are made from videos.

    Args:
        clips: The frames of a clip and their size; one clip and one crop.
        protocol: The evaluation protocol, unless another one is requested.
        seconds: Time that a clip spans; with segments, the median duration of the training videos.
        fps: Frames per second of the training videos; unless `resampled`, their median.
        short_side: Short side to which frames are scaled when they are read; None keeps their size.
        resampled: Whether videos are resampled to `fps` when they are read.
    """

    clips: ClipOptions
    protocol: str = "ctm"
    seconds: float | None = None
    fps: float | None = None
    short_side: int | None = None
    resampled: bool = False

    @property
    def rate(self) -> float | None:
        """Frames per second to which videos are resampled, or None."""
        return self.fps if self.resampled else None

    def changed(self, **changes: Any) -> "View":
        """The view with some fields of `clips` changed, and the time that a clip then spans."""
        clips = replace(self.clips, **changes)
        if (clips.sampling, clips.interval) == (self.clips.sampling, self.clips.interval):
            return replace(self, clips=clips)
        known = clips.sampling == "dense" and self.fps
        return replace(
            self, clips=clips, seconds=clips.num_frames * clips.interval / known if known else None
        )

    @classmethod
    def of_model(cls, model: keras.Model) -> "View":
        """The view that a model stores; what it does not store has the default."""
        stored = ctm_keras.view_options(model) or {}
        clips = {name: stored[name] for name in SAMPLED if name in stored}
        if "scale" in clips:
            clips["scale"] = tuple(clips["scale"])
        _, frames, size, *_ = model.input_shape
        options = ClipOptions(num_frames=frames, image_size=size, **clips)
        return cls(options, **{name: stored[name] for name in STORED if name in stored})

    def to_dict(self) -> dict[str, Any]:
        """The view in the form that a model stores, see `ctm_keras.view_options`."""
        values = {name: getattr(self.clips, name) for name in SAMPLED}
        values["scale"] = list(self.clips.scale)
        return values | {name: getattr(self, name) for name in STORED}
