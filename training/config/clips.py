"""How clips are sampled and augmented: options that `ctm train` and `ctm show` share."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Literal

from tfrecords import ClipOptions
from tfrecords.augment import MIRRORS, Augment
from tfrecords.reading import WEIGHTINGS
from tfrecords.sampling import CROP
from training.config.options import Options, check_counts


@dataclass(frozen=True)
class ClipConfig(Options):
    """How clips are sampled from videos."""

    num_frames: int | None = None
    """Frames per clip (default: 8; SlowFast 32, its variant 16x8 64)."""
    image_size: int = 224
    """Side of the square crop, in pixels."""
    sampling: Literal["dense", "segments"] = "dense"
    """dense: every INTERVAL-th frame; segments: one frame from each of equal segments (TSN)."""
    interval: int = 8
    """Distance between the frames of a dense clip, in frames of the video."""
    scale: tuple[int, int] = (256, 320)
    """Range of the short side in pixels for 224-pixel crops; scaled for other image sizes."""
    flip: bool = True
    """Mirror half of the clips, except classes with left or right in their names."""
    flip_pairs: tuple[str, ...] = ()
    """Pairs of classes that swap when mirrored, each as NAME:NAME; or the name of a data set with
    known pairs: jester, something-something-v1, something-something-v2."""
    class_weights: tuple[str, ...] = ()
    """How often to sample each class: balanced (all equally), sqrt, or NAME=FACTOR ..."""

    @property
    def pairs(self) -> str | list[tuple[str, str]]:
        """`flip_pairs` as pairs of class names, or the name of a data set with known pairs."""
        if len(self.flip_pairs) == 1 and self.flip_pairs[0] in MIRRORS:
            return self.flip_pairs[0]
        return [_parse_pair(pair) for pair in self.flip_pairs]

    @property
    def weights_of_classes(self) -> str | dict[str, float] | None:
        """`class_weights` in the form that `tfrecords.clips` accepts."""
        if len(self.class_weights) == 1 and self.class_weights[0] in WEIGHTINGS:
            return self.class_weights[0]
        return dict(_parse_weight(weight) for weight in self.class_weights) or None

    def clip_options(self, **changes: Any) -> ClipOptions:
        """The `tfrecords.ClipOptions` of this config, with some fields changed."""
        return ClipOptions(**(options_given(self) | changes))

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        check_counts(self, "num_frames", "image_size", "interval")
        self.pairs, self.weights_of_classes  # noqa: B018  (they raise)


@dataclass(frozen=True)
class AugmentationConfig(Options):
    """How training augments clips."""

    augment: Literal["slowfast", "tsn", "mvit"] = "slowfast"
    """A preset. slowfast: scale and flip; tsn: corner crops and flip; mvit: RandAugment, erasing,
    MixUp, CutMix, each video twice. The options below override parts of the preset."""
    crop: Literal["scale", "corners", "resized"] | None = None
    """scale: a square crop after --scale; corners: TSN's corner crops; resized: crops of random
    area and aspect ratio (Inception)."""
    color_jitter: tuple[float, float, float, float] | None = None
    """Maximum change of brightness, contrast, saturation and hue, e.g. 0.4 0.4 0.4 0.1."""
    randaugment: str | None = None
    """A policy in timm's notation, e.g. rand-m7-n4-mstd0.5-inc1, or none."""
    erasing: float | None = None
    """Probability of filling a random box of the clip with noise."""
    mixup: float | None = None
    """Alpha of MixUp; 0 switches it off, 0.8 is typical."""
    cutmix: float | None = None
    """Alpha of CutMix; 0 switches it off, 1.0 is typical."""
    mix_prob: float | None = None
    """Probability of applying MixUp or CutMix at all."""
    mix_switch: float | None = None
    """Probability of choosing CutMix when both are on."""
    mix_per: Literal["batch", "clip"] | None = None
    """Whether MixUp and CutMix are drawn once per batch or for each clip."""
    repeats: int | None = None
    """Clips per video and epoch, each augmented independently."""

    @property
    def augmentation(self) -> Augment:
        """The preset `augment`, overridden by the given values."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(Augment)}
        given = {name: value for name, value in given.items() if value is not None}
        return Augment.preset(self.augment, **given)

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        self.augmentation  # noqa: B018  (it raises)


@dataclass(frozen=True, kw_only=True)
class ViewConfig(Options):
    """Which views of a video the model scores."""

    num_clips: int | None = None
    """Clips per video, evenly spaced from start to end (default: 10, or the protocol's; ablate 2,
    show 1)."""
    num_crops: Literal[1, 3, 5, 10] | None = None
    """Crops per clip: 1 (center), 3 (along the long side), 5 (corners and center) or 10 (these and
    their mirror images) (default: 3, or the protocol's; predict and show 1)."""

    def check(self) -> None:
        """Raises ValueError for an invalid number of views."""
        super().check()
        check_counts(self, "num_clips")
        if self.num_crops not in (None, 1, 3, 5, 10):
            raise ValueError(f"num_crops must be 1, 3, 5 or 10, received {self.num_crops!r}.")


@dataclass(frozen=True, kw_only=True)
class SamplingConfig(Options):
    """How clips are made from a video, if not as in training."""

    sampling: Literal["dense", "segments"] | None = None
    """dense: every INTERVAL-th frame; segments: one frame from each of equal segments (default: the
    model's)."""
    interval: int | None = None
    """Distance between the frames of a dense clip, in frames of the video (default: the
    model's)."""
    short_side: int | None = None
    """Short side of a frame in pixels for 224-pixel models; scaled for other image sizes (default:
    the model's)."""

    @property
    def changes(self) -> dict[str, Any]:
        """The given options as fields of `tfrecords.ClipOptions`."""
        return options_given(self) | scale_given(self.short_side)

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        check_counts(self, "interval", "short_side")


def options_given(config: object) -> dict[str, Any]:
    """The fields of `tfrecords.ClipOptions` that a config sets."""
    names = [field.name for field in dataclasses.fields(ClipOptions)]
    return {name: v for name in names if (v := getattr(config, name, None)) is not None}


def scale_given(short_side: int | None) -> dict[str, Any]:
    """The field `scale` of `tfrecords.ClipOptions` for `--short-side`, if it is given."""
    if short_side is None:
        return {}
    if short_side < CROP:
        raise ValueError(
            f"--short-side must be at least {CROP}, the side of a crop, received {short_side}."
        )
    return {"scale": (short_side, short_side)}


def _parse_pair(pair: str) -> tuple[str, str]:
    """`"swipe left:swipe right"` as a pair of class names."""
    first, colon, second = pair.partition(":")
    if not (first and colon and second):
        raise ValueError(
            f"--flip-pairs must be pairs NAME:NAME or one of {', '.join(MIRRORS)}, "
            f"received {pair!r}."
        )
    return first, second


def _parse_weight(weight: str) -> tuple[str, float]:
    """`"fall=3"` as a class name and its factor."""
    name, _, factor = weight.rpartition("=")
    if not (name and re.fullmatch(r"\d+(\.\d+)?", factor)):
        raise ValueError(
            f"--class-weights must be {', '.join(WEIGHTINGS)} or NAME=FACTOR, received {weight!r}."
        )
    return name, float(factor)
