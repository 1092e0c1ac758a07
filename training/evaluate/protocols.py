"""Evaluation protocols by name: which views of a video are scored, and how scores are averaged.

Sizes are for 224-pixel models; they are scaled for other image sizes.
"""

from dataclasses import dataclass
from typing import Any, Literal

ProtocolName = Literal[
    "ctm",
    "nonlocal",
    "slowfast",
    "mmaction2",
    "tsm",
    "tsm-segments",
    "tsn",
    "analysis-clip",
    "analysis-video",
]


@dataclass(frozen=True)
class Protocol:
    """How a paper or project evaluates.

    Args:
        source: The paper or file that defines the protocol.
        views: The fields of `tfrecords.ClipOptions` that the protocol sets; others are the model's.
        short_side: Short side of a frame in pixels, None for the model's. Defaults to 256.
        crop: Side of a crop in pixels. Defaults to 256.
        average: What to average over views, `"probabilities"` or `"logits"`. Defaults to
            `"probabilities"`.
    """

    source: str
    views: dict[str, Any]
    short_side: int | None = 256
    crop: int = 256
    average: str = "probabilities"


def _views(rule: str, clips: int = 10, crops: int = 3, **others: Any) -> dict[str, Any]:
    return {"rule": rule, "num_clips": clips, "num_crops": crops, **others}


DENSE: dict[str, Any] = {"sampling": "dense"}
SEGMENTS: dict[str, Any] = {"sampling": "segments"}
TSM = "temporal-shift-module"
ANALYSIS = "arXiv 2010.11757, section 4.3"

PROTOCOLS: dict[ProtocolName, Protocol] = {
    "ctm": Protocol("CTM, section 4.2", _views("ctm"), None, 224),
    "nonlocal": Protocol("video-nonlocal-net, run_test_multicrop.sh", _views("nonlocal", **DENSE)),
    "slowfast": Protocol("SlowFast, datasets/kinetics.py", _views("slowfast", **DENSE)),
    "mmaction2": Protocol("mmaction2, SampleFrames, ThreeCrop", _views("mmaction2", **DENSE)),
    "tsm": Protocol(f"{TSM}, --dense_sample --full_res", _views("tsm", **DENSE), average="logits"),
    "tsm-segments": Protocol(
        f"{TSM}, --twice_sample --full_res", _views("tsm", 2, **SEGMENTS), average="logits"
    ),
    "tsn": Protocol(
        "temporal-segment-networks, tools/eval_net.py",
        _views("tsn", 1, 10, **SEGMENTS, num_frames=25),
        crop=224,
        average="logits",
    ),
    "analysis-clip": Protocol(ANALYSIS, _views("analysis", 1, 1), 224, 224, "logits"),
    "analysis-video": Protocol(ANALYSIS, _views("analysis", 10, 1), 224, 224, "logits"),
}
