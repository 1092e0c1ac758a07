"""SlowFast: two pathways that read a clip at two frame rates, with lateral connections.

Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019, arXiv 1812.03982.
The network is built whole: its pathways have other widths than an image model.
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
    """SlowFast: a slow pathway of a few frames and a light fast one of all, joined laterally.

    The frames of the model are the fast pathway's: 32 for 4x16 and 8x8, 64 for 16x8. Defaults are
    PySlowFast's. mmaction2's networks are `slow_frames="strided"`, `temporal_blocks` all of Res4
    and mostly `lateral_norm=False`. The end is the mean of each pathway, slow before fast.

    Args:
        clip: Symbolic tensor `(batch, frames, height, width, 3)`, preprocessed.
        backbone: `"resnet50"` or `"resnet101"` (with `tv_` before it the same network).
        variant: `"4x16"`, `"8x8"` or `"16x8"`: frames of the slow pathway x their distance in the
            video; the slow pathway reads one frame of 8, 4 and 4.
        fusion_kernel: Frames that the lateral convolutions reach over; by default 5, but 7 for a
            ResNet-50 in which the slow pathway reads one frame of 4.
        temporal_blocks: How many blocks of Res4, from the first on, reach over frames in their
            first convolution; by default 6, all of ResNet-50's ("R101, 50, 50" in PySlowFast).
        lateral_norm: Whether batch norm and ReLU follow the lateral convolutions.
        slow_frames: Which frames the slow pathway reads: `"spread"` from the first to the last,
            or `"strided"`, the first of each 8 or 4, as in the paper.
        temporal_pooling: Whether the frames of both pathways are halved after Res2, Res3, Res4.

    Returns:
        The features `(batch, 1, 1, 2304)`, and 1, the number of frames that are left.

    Raises:
        ValueError: If the backbone is another, an option is out of range, or the frames are no
            multiple of 8 or 4.

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
            f"SlowFast builds its own pathways, as ResNets of {' or '.join(DEPTHS)}; received the "
            f"backbone {backbone!r}."
        )
    return DEPTHS[name]


def frames_of_variant(variant: str) -> int:
    """Frames of the fast pathway: those of the slow one times how many it skips.

    Raises:
        ValueError: If there is no such variant.
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
            f"The slow pathway of SlowFast {variant} reads one frame of {alpha}: num_frames is a "
            f"multiple of {alpha} (32, or 64 for 16x8); received {frames}."
        )
    return alpha


def _reach(blocks: int | None, length: int) -> int:
    if blocks is None:
        return min(6, length)
    if not (isinstance(blocks, int) and 0 <= blocks <= length):
        raise ValueError(
            f"`temporal_blocks` of the {length} blocks of Res4 reach over frames, 0 to {length}; "
            f"received {blocks!r}."
        )
    return blocks
