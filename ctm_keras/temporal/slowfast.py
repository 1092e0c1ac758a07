"""SlowFast: two pathways that read a clip at two frame rates, with lateral connections.

Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019, arXiv 1812.03982.
The network is built from scratch: its pathways differ in width from an image model.
"""

from keras import layers

from ..engine.folding import Fold
from ..names import unknown_name
from ..types import Tensor
from ._pathway import Pathway, SlowFrames

DEPTHS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
ALPHAS = {"4x16": 8, "8x8": 4, "16x8": 4}
BETA = 8


def slowfast(
    clip: Tensor,
    backbone: str,
    variant: str = "4x16",
    fusion_kernel: int | None = None,
    temporal_blocks: int | None = None,
    lateral_norm: bool = True,
    slow_frames: str = "spread",
    temporal_pooling: bool | str = False,
) -> Tensor:
    """SlowFast: a slow pathway of few frames, a light fast pathway of all, lateral connections.

    The model reads the frames of the fast pathway: 32 for 4x16 and 8x8, 64 for 16x8. The defaults
    are those of PySlowFast. Networks of mmaction2 have `slow_frames="strided"`, all blocks of Res4
    as `temporal_blocks`, and mostly `lateral_norm=False`. The features are the mean of each
    pathway, slow before fast.

    Args:
        clip: Symbolic tensor `(batch, frames, height, width, 3)`, preprocessed.
        backbone: `"resnet50"` or `"resnet101"`; the prefix `tv_` is accepted and changes nothing.
        variant: `"4x16"`, `"8x8"` or `"16x8"`: the number of frames in the slow pathway and their
            interval in the video. The slow pathway reads one frame in 8, 4 and 4.
        fusion_kernel: Temporal kernel size of the lateral convolutions. Defaults to 5, or to 7 for
            a ResNet-50 with the variants 8x8 and 16x8.
        temporal_blocks: Number of blocks of Res4, from the first, with a temporal first
            convolution. Defaults to 6, all of ResNet-50's ("R101, 50, 50" in PySlowFast).
        lateral_norm: Whether batch norm and ReLU follow the lateral convolutions.
        slow_frames: Frames of the slow pathway: `"spread"` from the first to the last, or
            `"strided"`, the first of every 8 or 4, as in the paper.
        temporal_pooling: Whether to halve the frames of both pathways after Res2, Res3 and Res4.

    Returns:
        The features `(batch, 1, 1, 2304)` and the number of frames, 1.

    Raises:
        ValueError: If the backbone is unknown, an option is out of range, or the number of frames
            is not a multiple of 8 or 4.

    Reference:
        Table 1 and Sections 3.1 to 3.4 of arXiv 1812.03982.
    """
    lengths = _lengths(backbone)
    alpha = _alpha(variant, clip.shape[1])
    if fusion_kernel is None:
        fusion_kernel = 7 if alpha == 4 and lengths == DEPTHS["resnet50"] else 5
    reach = _reach(temporal_blocks, lengths[2])
    fast = Pathway("fast", 64 // BETA, clip.shape[1], Fold(name="fast_fold")(clip))
    clip = SlowFrames(alpha, slow_frames, name="slow_frames")(clip)
    slow = Pathway("slow", 64, clip.shape[1], Fold(name="slow_fold")(clip))
    slow.stem(1)
    fast.stem(5)
    slow.read(fast, "conv1", fusion_kernel, alpha, lateral_norm)
    for stage, length in enumerate(lengths, start=2):
        for index in range(1, length + 1):
            size = 3 if stage != 4 or index <= reach else 1
            slow.block(stage, index, size if stage > 3 else 1)
            fast.block(stage, index, size)
        if stage < 5:
            slow.read(fast, f"conv{stage}", fusion_kernel, alpha, lateral_norm)
        if stage < 5 and temporal_pooling:
            slow.pool(stage, temporal_pooling)
            fast.pool(stage, temporal_pooling)
    x = layers.Concatenate(name="pathways")([slow.mean(), fast.mean()])
    return layers.Reshape((1, 1, x.shape[-1]), name="features")(x), 1


def _lengths(backbone: str) -> tuple[int, ...]:
    name = str(backbone).lower().removeprefix("tv_")
    if name not in DEPTHS:
        raise ValueError(
            f"The backbone of slowfast must be {' or '.join(DEPTHS)}, received {backbone!r}."
        )
    return DEPTHS[name]


def frames_of_variant(variant: str) -> int:
    """Returns the number of frames in the fast pathway: alpha times those in the slow pathway.

    Raises:
        ValueError: If the variant is unknown.
    """
    return int(_known(variant).split("x")[0]) * ALPHAS[variant]


def _known(variant: str) -> str:
    if variant not in ALPHAS:
        raise unknown_name("variant of slowfast", variant, ALPHAS)
    return variant


def _alpha(variant: str, frames: int) -> int:
    alpha = ALPHAS[_known(variant)]
    if frames % alpha:
        raise ValueError(
            f"num_frames must be a multiple of {alpha} for slowfast {variant} (32, or 64 for "
            f"16x8), received {frames}."
        )
    return alpha


def _reach(blocks: int | None, length: int) -> int:
    if blocks is None:
        return min(6, length)
    if not (isinstance(blocks, int) and 0 <= blocks <= length):
        raise ValueError(
            f"temporal_blocks must be an integer from 0 to {length}, the number of blocks in Res4, "
            f"received {blocks!r}."
        )
    return blocks
