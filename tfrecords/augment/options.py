"""The options of the augmentations: one frozen dataclass, and the presets by name."""

import numbers
from dataclasses import dataclass, replace
from typing import Any

from tfrecords.arguments import check_count
from tfrecords.augment.randaugment import parse

CROPS = ("scale", "corners", "resized")


@dataclass(frozen=True)
class Augment:
    """Augmentations of training clips besides `scale` and `flip`; all frames of a clip alike.

    Args:
        crop: `"scale"`, a square at a random position whose size `scale` sets; `"corners"`,
            TSN's multi-scale corner crops; `"resized"`, Inception's random area and aspect ratio.
        color_jitter: The largest change of brightness, contrast and saturation (fractions of 1)
            and of hue (fraction of the color circle, at most 0.5).
        randaugment: The policy in timm's notation, such as `"rand-m7-n4-mstd0.5-inc1"`, or
            `"none"`.
        erasing: Probability that a box is filled with noise, the same box in all frames.
        mixup: Alpha of MixUp's Beta distribution; 0 disables it.
        cutmix: Alpha of CutMix's Beta distribution; 0 disables it.
        mix_prob: Probability that MixUp or CutMix is applied.
        mix_switch: Probability of CutMix if both are enabled.
        mix_per: `"batch"`, one draw for all clips of a batch; `"clip"`, one for each.
        repeats: How many times an epoch uses each video. The repeats follow each other in the
            order, and each has its own random draws.

    Raises:
        ValueError: If an option is invalid.

    Example:
        >>> own = tfrecords.Augment(crop="corners", erasing=0.25)
        >>> train = tfrecords.clips("data/mine", augment=own)
        >>> tfrecords.Augment.preset("mvit", repeats=1).mixup
        0.8

    Reference:
        - [Temporal Segment Networks](https://arxiv.org/abs/1608.00859)
        - [RandAugment](https://arxiv.org/abs/1909.13719)
        - [Random Erasing](https://arxiv.org/abs/1708.04896)
        - [mixup](https://arxiv.org/abs/1710.09412)
        - [CutMix](https://arxiv.org/abs/1905.04899)
        - [Repeated augmentation](https://arxiv.org/abs/1901.09335)
    """

    crop: str = "scale"
    color_jitter: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    randaugment: str = "none"
    erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_prob: float = 1.0
    mix_switch: float = 0.5
    mix_per: str = "batch"
    repeats: int = 1

    def __post_init__(self) -> None:
        _check_choice("crop", self.crop, CROPS)
        _check_choice("mix_per", self.mix_per, ("batch", "clip"))
        for name in ("erasing", "mix_prob", "mix_switch"):
            _check_range(name, getattr(self, name), 1)
        for name in ("mixup", "cutmix"):
            _check_range(name, getattr(self, name), float("inf"))
        jitter = self.color_jitter
        if not isinstance(jitter, tuple | list) or len(jitter) != 4:
            raise ValueError(
                "color_jitter must be four numbers for brightness, contrast, saturation and hue, "
                f"such as (0.4, 0.4, 0.4, 0.1), received {jitter!r}."
            )
        for name, value in zip(("brightness", "contrast", "saturation"), jitter, strict=False):
            _check_range(f"color_jitter's {name}", value, 1)
        _check_range("color_jitter's hue", jitter[3], 0.5)
        check_count("repeats", self.repeats, 1, 64)
        parse(self.randaugment)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "Augment":
        """The preset `"slowfast"`, `"tsn"` or `"mvit"`, optionally with some values changed."""
        _check_choice("augment", name, tuple(PRESETS))
        return replace(PRESETS[name], **changes)

    @property
    def mixes(self) -> bool:
        """Whether labels become soft: float fractions of all classes."""
        return self.mix_prob > 0 and (self.mixup > 0 or self.cutmix > 0)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, received {value!r}.")


def _check_range(name: str, value: Any, most: float) -> None:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 <= value <= most:
        span = f"from 0 to {most:g}" if most < float("inf") else "of at least 0"
        raise ValueError(f"{name} must be a number {span}, received {value!r}.")


PRESETS = {
    "slowfast": Augment(),
    "tsn": Augment(crop="corners"),
    "mvit": Augment(
        crop="resized",
        randaugment="rand-m7-n4-mstd0.5-inc1",
        erasing=0.25,
        mixup=0.8,
        cutmix=1.0,
        repeats=2,
    ),
}
