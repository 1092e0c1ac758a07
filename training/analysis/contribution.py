"""Spatial contribution and temporal improvement of a model, relative to TSN's frame average.

Chen et al., Deep Analysis of CNN-based Spatio-temporal Representations for Action Recognition,
CVPR 2021, arXiv 2010.11757, Equations 1 and 2 and Table 8.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

BASELINE = "tsn"


@dataclass(frozen=True)
class Result:
    """The accuracy of one network.

    Args:
        method: Method, such as `"tsn"` or `"ctm"`.
        backbone: Image backbone.
        frames: Frames per clip.
        pooling: Whether frames are pooled between the stages.
        top1: Top-1 accuracy, 0 to 1.
        image_size: Side of the frames in pixels. Defaults to None, for networks of equal size.
        options: Options of the method, such as `"blocks=1"`, and `"temporal_pooling=avg"` if the
            pooling is not by maximum.
    """

    method: str
    backbone: str
    frames: int
    pooling: bool
    top1: float
    image_size: int | None = None
    options: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The method with its options, as in tables; means are grouped by it."""
        return " ".join((self.method, *self.options))

    @property
    def setting(self) -> tuple[str, int, int | None]:
        """What a network shares with its baseline: backbone, frames and image size."""
        return self.backbone, self.frames, self.image_size

    @property
    def network(self) -> tuple:
        """Everything but the accuracy."""
        return self.label, *self.setting, self.pooling

    @property
    def is_baseline(self) -> bool:
        """Whether it is TSN without temporal pooling."""
        return self.method == BASELINE and not self.pooling

    def __str__(self) -> str:
        size = f" of {self.image_size} pixels" if self.image_size else ""
        pooling = " and temporal pooling" if self.pooling else ""
        return f"{self.label} on {self.backbone} with {self.frames} frames{size}{pooling}"


@dataclass(frozen=True)
class Contribution:
    """The means over backbones and numbers of frames; None where there is no network.

    Args:
        spatial: Mean Phi of the networks without temporal pooling.
        temporal: Mean Psi of the networks without temporal pooling.
        pooled: Mean Psi of the networks with temporal pooling.
        networks: Numbers of networks without and with temporal pooling.
    """

    spatial: float | None
    temporal: float | None
    pooled: float | None
    networks: tuple[int, int]


def spatial_contribution(top1: float, baseline: float) -> float:
    """Phi: the fraction of a model's accuracy that TSN reaches, which ignores the order of frames.

    Args:
        top1: Accuracy of the model, 0 to 1.
        baseline: Accuracy of TSN with the same backbone and frames, 0 to 1.

    Raises:
        ValueError: If an accuracy is not between 0 and 1, or both are 0.

    Example:
        >>> spatial_contribution(0.716, 0.368)
        0.5139664804469274

    Reference:
        Equation 1 of arXiv 2010.11757.
    """
    _check_fractions(top1, baseline)
    if not max(top1, baseline):
        raise ValueError("One accuracy must be above 0, received 0 for both.")
    return baseline / max(top1, baseline)


def temporal_improvement(top1: float, baseline: float) -> float:
    """Psi: the fraction of TSN's errors that temporal modeling removes; negative if it adds errors.

    Equation 1 of the paper has another denominator; its Figure 7 and Table 8 use this one.

    Args:
        top1: Accuracy of the model, 0 to 1.
        baseline: Accuracy of TSN with the same backbone and frames, 0 to 1.

    Raises:
        ValueError: If an accuracy is not between 0 and 1, or that of TSN is 1.

    Example:
        >>> temporal_improvement(0.716, 0.368)
        0.550632911392405

    Reference:
        Equation 1 and Figure 7 of arXiv 2010.11757.
    """
    _check_fractions(top1, baseline)
    if baseline == 1:
        raise ValueError("The accuracy of TSN must be below 1, received 1. TSN makes no error.")
    return (top1 - baseline) / (1 - baseline)


def mean_contributions(results: Iterable[Result]) -> dict[str, Contribution]:
    """The mean contributions of each method over backbones and frames, without and with pooling.

    Args:
        results: Networks, including a TSN without pooling for each setting.

    Raises:
        ValueError: If a network appears twice, or its TSN is missing.

    Example:
        >>> tsn = Result("tsn", "resnet50", 64, pooling=False, top1=0.368)
        >>> tam = Result("tam", "resnet50", 64, pooling=False, top1=0.716)
        >>> mean_contributions([tsn, tam])["tam"].spatial
        0.5139664804469274

    Reference:
        Equation 2 and Table 8 of arXiv 2010.11757.
    """
    results = list(results)
    _check_once(results)
    baselines = {result.setting: result.top1 for result in results if result.is_baseline}
    spatial, temporal = defaultdict(list), defaultdict(list)
    for result in results:
        baseline = baselines.get(result.setting)
        if baseline is None:
            raise ValueError(
                f"{result} has no {BASELINE} without temporal pooling to compare with. Evaluate "
                "one, too."
            )
        key = result.label, result.pooling
        spatial[key].append(spatial_contribution(result.top1, baseline))
        temporal[key].append(temporal_improvement(result.top1, baseline))
    return {
        label: Contribution(
            mean(spatial[label, False]),
            mean(temporal[label, False]),
            mean(temporal[label, True]),
            (len(temporal[label, False]), len(temporal[label, True])),
        )
        for label in dict.fromkeys(r.label for r in results if r.method != BASELINE)
    }


def _check_once(results: Iterable[Result]) -> None:
    """Raises ValueError if a network appears twice."""
    seen = set()
    for result in results:
        if result.network in seen:
            raise ValueError(f"Each network must appear once, received {result} twice. Remove one.")
        seen.add(result.network)


def _check_fractions(*accuracies: float) -> None:
    """Raises ValueError unless accuracies are between 0 and 1."""
    for accuracy in accuracies:
        if not 0 <= accuracy <= 1:
            raise ValueError(f"An accuracy must be between 0 and 1, received {accuracy!r}.")


def mean(values: list[float]) -> float | None:
    """The mean, or None for an empty list."""
    return float(np.mean(values)) if values else None
