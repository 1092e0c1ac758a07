"""What a chooser wants to know of each method: its cost, and where it can stand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ctm_keras
from ctm_keras.engine import FAMILIES, UNGRAFTABLE, Anatomy
from ctm_keras.methods import METHODS, NETWORKS, grafts_of
from ctm_keras.models import image_anatomy
from ctm_keras.temporal import ALPHAS, frames_of_variant
from training.costs.count import clips_per_second, multiply_adds, trained_parameters

HEADER = f"{'method':16} {'frames':>6} {'parameters':>12} {'multiply-adds':>14} {'clips/s':>8}"


@dataclass(frozen=True)
class Cost:
    """What one method costs on a backbone.

    Args:
        method: Its name, with the variant.
        frames: Frames of a clip.
        parameters: Weights that are trained.
        multiply_adds: Multiply-adds of one clip.
        speed: Clips scored in a second, one at a time, on this machine.
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
    """The name, method, options and frames of each row: SlowFast's variants have their own."""
    for method in METHODS:
        yield method, method, {}, num_frames
    for method in NETWORKS:
        for variant in ALPHAS:
            frames = frames_of_variant(variant)
            yield f"{method} {variant}", method, {"variant": variant}, frames


def cost_table(
    backbone: str, num_frames: int, image_size: int = 224, num_classes: int = 400
) -> Iterator[str]:
    """The lines of the table of costs, as they are measured.

    Args:
        backbone: The image model.
        num_frames: Frames of a clip, of the methods that leave the choice.
        image_size: Height and width in pixels. Defaults to 224.
        num_classes: Number of classes. Defaults to 400.

    Raises:
        ValueError: If there is no such backbone, or a number is out of range.
    """
    yield HEADER
    of_all = {"num_classes": num_classes, "image_size": image_size}
    for name, method, options, frames in rows(num_frames):
        try:
            yield str(cost(name, method, backbone, frames, **options, **of_all))
        except ValueError as error:
            if method == "tsn":  # which stands on every backbone: what was asked for is wrong
                raise
            yield f"{name:16} not on {backbone}: {error}"


def cost(name: str, method: str, backbone: str, num_frames: int, **options: Any) -> Cost:
    """What one model costs; the options are those of `ctm_keras.build_video_model`."""
    model = ctm_keras.build_video_model(
        method, backbone, num_frames=num_frames, weights=None, **options
    )
    return Cost(
        name, num_frames, trained_parameters(model), multiply_adds(model), clips_per_second(model)
    )


def compatibility() -> Iterator[str]:
    """For each family of backbones: which methods can stand there, which cannot and why."""
    for family in FAMILIES:
        name = family.members[0].lower()
        reasons = why_not(image_anatomy(name, 96, None))
        methods = ", ".join(method for method in METHODS if method not in reasons)
        grouped = {r: [m for m in reasons if reasons[m] == r] for r in reasons.values()}
        refused = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in grouped.items())
        yield f"| {', '.join(family.members)} | {methods} | {refused} |"
    for reason in dict.fromkeys(UNGRAFTABLE.values()):
        names = ", ".join(name for name in UNGRAFTABLE if UNGRAFTABLE[name] == reason)
        yield f"| {names} | | all: {reason} |"


def why_not(anatomy: Anatomy) -> dict[str, str]:
    """The methods that cannot stand on a backbone, with the reason that they give."""
    reasons = {}
    for method in METHODS:
        try:
            grafts_of(method, anatomy, temporal_pooling=False, options={})
        except ValueError as error:
            reasons[method] = str(error).removesuffix(".")
    return reasons
