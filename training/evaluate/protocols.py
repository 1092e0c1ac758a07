"""Named protocols of evaluation: which views of a video are scored, and how scores are joined.

Sizes are said for a model that reads 224 x 224; for one of another size they hold in proportion.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """How a paper or project evaluates.

    Args:
        rule: Whose clip places and crop places, of `tfrecords.sampling.rules.RULES`.
        source: The paper or file that says so.
        num_clips: Clips of a video.
        num_crops: Crops of a clip.
        short_side: Short side of a frame in pixels; None is the run's own.
        crop: Side of a crop in pixels.
        sampling: `"dense"` or `"segments"`; None is as the run was trained.
        num_frames: Frames of a clip; None is the run's own.
        average: What is averaged over views, `"probabilities"` or `"logits"`.
    """

    rule: str
    source: str
    num_clips: int = 10
    num_crops: int = 3
    short_side: int | None = 256
    crop: int = 256
    sampling: str | None = "dense"
    num_frames: int | None = None
    average: str = "probabilities"


PROTOCOLS = {
    "ctm": Protocol("ctm", "CTM, section 4.2", short_side=None, crop=224, sampling=None),
    "nonlocal": Protocol("nonlocal", "video-nonlocal-net, run_test_multicrop.sh"),
    "slowfast": Protocol("slowfast", "SlowFast, datasets/decoder.py and kinetics.py"),
    "mmaction2": Protocol("mmaction2", "mmaction2, SampleFrames, ThreeCrop"),
    "tsm": Protocol("tsm", "temporal-shift-module, --dense_sample --full_res", average="logits"),
    "tsm-segments": Protocol(
        "tsm",
        "temporal-shift-module, --twice_sample --full_res",
        num_clips=2,
        sampling="segments",
        average="logits",
    ),
    "tsn": Protocol(
        "tsn",
        "temporal-segment-networks, tools/eval_net.py",
        num_clips=1,
        num_crops=10,
        crop=224,
        sampling="segments",
        num_frames=25,
        average="logits",
    ),
    "analysis-clip": Protocol(
        "analysis",
        "arXiv 2010.11757, section 4.3",
        num_clips=1,
        num_crops=1,
        short_side=224,
        crop=224,
        sampling=None,
        average="logits",
    ),
    "analysis-video": Protocol(
        "analysis",
        "arXiv 2010.11757, section 4.3",
        num_crops=1,
        short_side=224,
        crop=224,
        sampling=None,
        average="logits",
    ),
}
