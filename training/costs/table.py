"""Tables to choose a method by: costs, and compatible backbones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ctm_keras
from ctm_keras.assembly import image_anatomy
from ctm_keras.engine import FAMILIES, UNGRAFTABLE, Anatomy
from ctm_keras.methods import METHODS, NETWORKS, grafts_of
from ctm_keras.temporal import ALPHAS, frames_of_variant
from training.costs.count import clips_per_second, multiply_adds, trained_parameters

# What an error message contains, and the reason in the table of backbones.
REASONS = {
    "BatchNormalization": "their blocks start with a batch norm, not with a convolution",
    "1 x 1 Conv2D": "the only ordinary convolutions of their blocks are 1 x 1",
    "DepthwiseConv2D": "their k x k convolutions are depthwise, in all blocks or in some",
    "no residual branches": "their blocks have no residual branches",
    "do not identify": "the names of their layers do not identify the parts of a block",
    "Sequential": "their first layer is not a plain convolution",
    "several branches": "their blocks have several branches and no main convolution",
    "must be one of 3, 4, 5": "they have no Res2, after which C2D pools the frames",
}
HEADER = f"{'method':16} {'frames':>6} {'parameters':>12} {'multiply-adds':>14} {'clips/s':>8}"


@dataclass(frozen=True)
class Cost:
    """The cost of a method on a backbone.

    Args:
        method: Name of the method, with its variant.
        frames: Frames per clip.
        parameters: Number of trainable weights.
        multiply_adds: Multiply-adds per clip.
        speed: Clips scored per second, one at a time, on this machine.
    """

    method: str
    frames: int
    parameters: int
    multiply_adds: int
    speed: float

    def __str__(self) -> str:
        giga = f"{self.multiply_adds / 1e9:.2f} G"
        return (
            f"{self.method:16} {self.frames:6} {self.parameters:12,} {giga:>14} {self.speed:8.2f}"
        )


def rows(num_frames: int) -> Iterator[tuple[str, str, dict, int]]:
    """The name, method, options and frames of each row; SlowFast has a row per variant."""
    for method in METHODS:
        yield method, method, {}, num_frames
    for method in NETWORKS:
        for variant in ALPHAS:
            frames = frames_of_variant(variant)
            yield f"{method} {variant}", method, {"variant": variant}, frames


def cost_table(
    backbone: str, num_frames: int, image_size: int = 224, num_classes: int = 400
) -> Iterator[str]:
    """The lines of the table of costs, each as soon as it is measured.

    Args:
        backbone: Image backbone.
        num_frames: Frames per clip, for methods without a fixed number.
        image_size: Height and width in pixels. Defaults to 224.
        num_classes: Number of classes. Defaults to 400.

    Raises:
        ValueError: If the backbone is unknown, or a number is out of range.
    """
    yield HEADER
    of_all = {"num_classes": num_classes, "image_size": image_size}
    for name, method, options, frames in rows(num_frames):
        try:
            yield str(cost(name, method, backbone, frames, **options, **of_all))
        except ValueError as error:
            if method == "tsn":  # supports every backbone: the arguments are invalid
                raise
            yield f"{name:16} not on {backbone}: {error}"


def cost(name: str, method: str, backbone: str, num_frames: int, **options: Any) -> Cost:
    """Measures the cost of a model with options of `ctm_keras.build_video_model`."""
    model = ctm_keras.build_video_model(
        method, backbone, num_frames=num_frames, weights=None, **options
    )
    return Cost(
        name, num_frames, trained_parameters(model), multiply_adds(model), clips_per_second(model)
    )


def compatibility() -> Iterator[str]:
    """Table rows: the backbones, and the methods that do not support them, each with its reason."""
    rows: dict[str, list[str]] = {}
    for family in FAMILIES:
        reasons = why_not(image_anatomy(family.members[0].lower(), 96, None))
        rows.setdefault(_in_words(reasons), []).extend(family.members)
    for name, reason in UNGRAFTABLE.items():
        rows.setdefault(f"all methods: {reason}", []).append(name)
    for refused, names in rows.items():
        yield f"| {', '.join(names)} | {refused or 'none: all methods work'} |"


def _in_words(errors: dict[str, str]) -> str:
    """The methods that do not support a backbone, grouped by the reason."""
    grouped: dict[str, list[str]] = {}
    for method, error in errors.items():
        reason = next(words for part, words in REASONS.items() if part in error)
        grouped.setdefault(reason, []).append(f"`{method}`")
    return "; ".join(f"{', '.join(methods)}: {reason}" for reason, methods in grouped.items())


def why_not(anatomy: Anatomy) -> dict[str, str]:
    """The methods that do not support a backbone, with their reasons."""
    reasons = {}
    for method in METHODS:
        try:
            grafts_of(method, anatomy, temporal_pooling=False, options={})
        except ValueError as error:
            reasons[method] = str(error).removesuffix(".")
    return reasons
