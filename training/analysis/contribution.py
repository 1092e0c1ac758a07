"""Spatial contribution and temporal improvement of a model, against the frame average of TSN.

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
        method: `"tsn"`, `"ctm"` and the like.
        backbone: Its image model.
        frames: Frames of its clips.
        pooling: Whether its frames are pooled between the stages.
        top1: Share of videos whose best class is right, 0 to 1.
    """

    method: str
    backbone: str
    frames: int
    pooling: bool
    top1: float


@dataclass(frozen=True)
class Contribution:
    """The means over backbones and numbers of frames; None where no network was there.

    Args:
        spatial: Phi, of the networks without temporal pooling.
        temporal: Psi, of the networks without temporal pooling.
        pooled: Psi of the networks with temporal pooling.
        networks: How many networks the means are of, without and with pooling.
    """

    spatial: float | None
    temporal: float | None
    pooled: float | None
    networks: tuple[int, int]


def spatial_contribution(top1: float, baseline: float) -> float:
    """Phi: the share of an accuracy that TSN reaches without any order of the frames.

    Args:
        top1: Accuracy of the model, 0 to 1.
        baseline: Accuracy of TSN with the same backbone and frames, 0 to 1.

    Raises:
        ValueError: If an accuracy is no share, or both are 0.

    Example:

    >>> spatial_contribution(0.716, 0.368)
    0.5139664804469274

    Reference:
        Equation 1 of arXiv 2010.11757.
    """
    check_shares(top1, baseline)
    if not max(top1, baseline):
        raise ValueError("Neither model is ever right: their accuracies cannot be compared.")
    return baseline / max(top1, baseline)


def temporal_improvement(top1: float, baseline: float) -> float:
    """Psi: the share of TSN's errors that modeling time removes; below 0 it does harm.

    The paper prints another denominator in its Equation 1; its Figure 7 and its Table 8 are of
    this one.

    Args:
        top1: Accuracy of the model, 0 to 1.
        baseline: Accuracy of TSN with the same backbone and frames, 0 to 1.

    Raises:
        ValueError: If an accuracy is no share, or TSN makes no error.

    Example:

    >>> temporal_improvement(0.716, 0.368)
    0.5506329113924051

    Reference:
        Equation 1 and Figure 7 of arXiv 2010.11757.
    """
    check_shares(top1, baseline)
    if baseline == 1:
        raise ValueError("TSN makes no error on these videos: nothing is left to improve.")
    return (top1 - baseline) / (1 - baseline)


def mean_contributions(results: Iterable[Result]) -> dict[str, Contribution]:
    """The mean contributions of each method over backbones and frames, without and with pooling.

    Args:
        results: Networks; each needs its TSN without pooling among them.

    Raises:
        ValueError: If a network stands there twice, or its TSN is missing.

    Example:

    >>> tsn = Result("tsn", "resnet50", 64, pooling=False, top1=0.368)
    >>> tam = Result("tam", "resnet50", 64, pooling=False, top1=0.716)
    >>> mean_contributions([tsn, tam])["tam"].spatial
    0.5139664804469274

    Reference:
        Equation 2 and Table 8 of arXiv 2010.11757.
    """
    accuracies = collect(results)
    spatial, temporal = defaultdict(list), defaultdict(list)
    for (method, backbone, frames, pooling), top1 in accuracies.items():
        baseline = accuracies.get((BASELINE, backbone, frames, False))
        if baseline is None:
            raise ValueError(
                f"{method} on {backbone} with {frames} frames has no {BASELINE} without temporal "
                "pooling beside it: evaluate that, too."
            )
        spatial[method, pooling].append(spatial_contribution(top1, baseline))
        temporal[method, pooling].append(temporal_improvement(top1, baseline))
    return {
        method: Contribution(
            mean(spatial[method, False]),
            mean(temporal[method, False]),
            mean(temporal[method, True]),
            (len(temporal[method, False]), len(temporal[method, True])),
        )
        for method in dict.fromkeys(method for method, *_ in accuracies)
        if method != BASELINE
    }


def collect(results: Iterable[Result]) -> dict[tuple[str, str, int, bool], float]:
    """Accuracies by method, backbone, frames and pooling."""
    accuracies = {}
    for result in results:
        key = (result.method, result.backbone, result.frames, result.pooling)
        if key in accuracies:
            raise ValueError(
                f"{result.method} on {result.backbone} with {result.frames} frames is given twice: "
                "which of the two counts?"
            )
        accuracies[key] = result.top1
    return accuracies


def check_shares(*accuracies: float) -> None:
    """Raises ValueError unless accuracies are shares between 0 and 1."""
    for accuracy in accuracies:
        if not 0 <= accuracy <= 1:
            raise ValueError(f"An accuracy is a share between 0 and 1, received {accuracy!r}.")


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return float(np.mean(values)) if values else None
