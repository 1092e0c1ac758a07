"""Which clips are taken and what is changed in them: the options of `ctm train` and `ctm show`."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Literal

from tfrecords import ClipOptions
from tfrecords.augment import MIRRORS, Augment
from tfrecords.reading import WEIGHTINGS
from training.config.options import Options, check_counts


@dataclass(frozen=True)
class ClipConfig(Options):
    """How clips are taken from videos."""

    num_frames: int | None = None
    """Frames of a clip (default: 8; for SlowFast 32, or 64 for 16x8)."""
    image_size: int = 224
    """Side of the square crop, in pixels."""
    sampling: Literal["dense", "segments"] = "dense"
    """dense: every INTERVAL-th of consecutive frames; segments: one of each equal part (TSN)."""
    interval: int = 8
    """Frames from one frame of a dense clip to the next."""
    scale: tuple[int, int] = (256, 320)
    """Range of the short side in pixels, for a 224 crop; other image sizes in proportion."""
    flip: bool = True
    """Mirror half of the clips; classes with left or right in their names are left alone."""
    flip_pairs: tuple[str, ...] = ()
    """Classes that a mirror turns into each other, each pair as NAME:NAME; or one word: jester,
    something-something-v1, something-something-v2."""
    class_weights: tuple[str, ...] = ()
    """How often videos are taken: balanced (all classes alike), sqrt, or NAME=FACTOR ..."""

    @property
    def pairs(self) -> str | list[tuple[str, str]]:
        """`flip_pairs` as pairs of class names, or the data set whose pairs are known."""
        if len(self.flip_pairs) == 1 and self.flip_pairs[0] in MIRRORS:
            return self.flip_pairs[0]
        return [_parse_pair(pair) for pair in self.flip_pairs]

    @property
    def weights_of_classes(self) -> str | dict[str, float] | None:
        """`class_weights` as `tfrecords.clips` takes them."""
        if len(self.class_weights) == 1 and self.class_weights[0] in WEIGHTINGS:
            return self.class_weights[0]
        return dict(_parse_weight(weight) for weight in self.class_weights) or None

    def clip_options(self, **changes: Any) -> ClipOptions:
        """How its clips are viewed, with changes to single fields of `tfrecords.ClipOptions`."""
        return ClipOptions(**(options_given(self) | changes))

    def check(self) -> None:
        """Raises ValueError for a value that no clips can have."""
        super().check()
        check_counts(self, "num_frames", "image_size", "interval")
        self.pairs, self.weights_of_classes  # noqa: B018  (they raise)


@dataclass(frozen=True)
class AugmentationConfig(Options):
    """What training changes in clips."""

    augment: Literal["slowfast", "tsn", "mvit"] = "slowfast"
    """slowfast: scale and flip; tsn: corner crops and flip; mvit: RandAugment, erasing, MixUp,
    CutMix, each video twice. What follows changes single parts of it."""
    crop: Literal["scale", "corners", "resized"] | None = None
    """scale: a square by --scale; corners: TSN's; resized: any area and shape (Inception)."""
    color_jitter: tuple[float, float, float, float] | None = None
    """Greatest change of brightness, contrast, saturation and hue: 0.4 0.4 0.4 0.1."""
    randaugment: str | None = None
    """A policy in timm's spelling, as rand-m7-n4-mstd0.5-inc1, or none."""
    erasing: float | None = None
    """Probability that a box of the clip is filled with noise."""
    mixup: float | None = None
    """Alpha of MixUp, 0 for none; 0.8 is usual."""
    cutmix: float | None = None
    """Alpha of CutMix, 0 for none; 1.0 is usual."""
    mix_prob: float | None = None
    """Probability that there is MixUp or CutMix at all."""
    mix_switch: float | None = None
    """Probability of CutMix where both are on."""
    mix_per: Literal["batch", "clip"] | None = None
    """What has one draw of MixUp and CutMix."""
    repeats: int | None = None
    """Clips that an epoch takes of each video, each with other draws."""

    @property
    def augmentation(self) -> Augment:
        """The preset `augment` with the values that were given."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(Augment)}
        given = {name: value for name, value in given.items() if value is not None}
        return Augment.preset(self.augment, **given)

    def check(self) -> None:
        """Raises ValueError for an augmentation that cannot be."""
        super().check()
        self.augmentation  # noqa: B018  (it raises)


@dataclass(frozen=True, kw_only=True)
class ViewConfig(Options):
    """Which views of a video are taken."""

    num_clips: int | None = None
    """Clips of a video, evenly from its start to its end (default: 10, or the protocol's; ablate
    2, show 1)."""
    num_crops: Literal[1, 3, 5, 10] | None = None
    """1 (center), 3 (along the long side), 5 (corners, center) or 10 (and their mirror images)
    (default: 3, or the protocol's; predict and show 1)."""

    def check(self) -> None:
        """Raises ValueError for a number of views that cannot be."""
        super().check()
        check_counts(self, "num_clips")
        if self.num_crops not in (None, 1, 3, 5, 10):
            raise ValueError(f"num_crops must be 1, 3, 5 or 10, received {self.num_crops!r}.")


def options_given(config: object) -> dict[str, Any]:
    """The fields of `tfrecords.ClipOptions` to which a config gives a value."""
    names = [field.name for field in dataclasses.fields(ClipOptions)]
    return {name: v for name in names if (v := getattr(config, name, None)) is not None}


def _parse_pair(pair: str) -> tuple[str, str]:
    """`"swipe left:swipe right"` as a pair of class names."""
    first, colon, second = pair.partition(":")
    if not (first and colon and second):
        raise ValueError(
            f"--flip-pairs takes NAME:NAME, received {pair!r}. The pairs of {', '.join(MIRRORS)} "
            "are known by that one word."
        )
    return first, second


def _parse_weight(weight: str) -> tuple[str, float]:
    """`"fall=3"` as a class name and its factor."""
    name, _, factor = weight.rpartition("=")
    if not (name and re.fullmatch(r"\d+(\.\d+)?", factor)):
        raise ValueError(
            f"--class-weights takes {', '.join(WEIGHTINGS)} or NAME=FACTOR, received {weight!r}."
        )
    return name, float(factor)
