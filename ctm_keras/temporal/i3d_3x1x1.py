"""I3D 3 x 1 x 1: inflated first convolutions, as in the non-local paper.

Wang et al., Non-local Neural Networks, CVPR 2018, arXiv 1711.07971, Section 4.1; as in I3D and
SlowOnly of mmaction2 and PySlowFast.
"""

from typing import Any

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft, Site
from .inflate import FrameStride, inflated
from .pooling import TemporalPooling
from .pooling import temporal_pooling as pooled


def i3d_3x1x1(
    anatomy: Anatomy,
    inflate: str | dict[int, tuple[int, ...]] = "alternate",
    stem_frames: int = 5,
    early_stride: int = 2,
    pool: bool = True,
    time_padding: str = "replicate",
    inflation: str = "divide",
    temporal_pooling: bool | str = False,
) -> list[Graft]:
    """I3D of the non-local paper: the first 1 x 1 of residual blocks becomes 3 x 1 x 1.

    The defaults are mmaction2's network for 32 frames: the 5 x 7 x 7 stem, the pooling after it and
    a max pooling of two frames after Res2 halve the frames.

    Args:
        anatomy: Anatomy of the image model.
        inflate: Blocks to inflate. `"alternate"`: all blocks of Res2, then every second one,
            starting with the first in Res3 and Res4 and the second in Res5; `"all"`; or a dict of
            blocks by stage, counted from 1, such as `{4: (1, 2, 3, 4, 5, 6), 5: (1, 2, 3)}` for
            the slow pathway of SlowFast.
        stem_frames: Temporal size of the stem's kernel.
        early_stride: Temporal stride of the stem and of the pooling after it.
        pool: Whether a max pooling of two frames halves the frames after Res2.
        time_padding: Padding beyond the clip: `"replicate"` the first and last frame, or `"zero"`,
            as in the references' code.
        inflation: How to inflate image kernels: repeat them over frames and `"divide"` them by
            their number, or `"copy"` them.
        temporal_pooling: Whether to use the analysis paper's poolings instead of strides and pool.
    """
    options: dict[str, Any] = {"time_padding": time_padding, "inflation": inflation}
    entries = _entries(anatomy, inflate)
    grafts = [inflated(anatomy, site, 3, **options) for site in entries]
    stride = 1 if temporal_pooling else early_stride
    if stem_frames > 1 or stride > 1:
        (stem,) = anatomy.at("stem")
        grafts.append(inflated(anatomy, stem, stem_frames, stride, **options))
    if temporal_pooling:
        return grafts + pooled(anatomy, temporal_pooling)
    if stride > 1:
        pools = [site for site in anatomy.sites if site.role == "pool" and site.stage <= 2]
        grafts += [_strided(site, stride) for site in pools[:1]]
    if pool:
        (output,) = anatomy.at("stage_output", 2)
        layer = TemporalPooling(size=2, name=f"{output.block}_temporal_pool")
        grafts.append(Graft(output, "after", layer))
    return grafts


def _entries(anatomy: Anatomy, inflate: str | dict[int, tuple[int, ...]]) -> list[Site]:
    """Returns the first convolutions of the selected blocks."""
    sites = anatomy.at("residual_entry")
    if inflate == "all":
        return sites
    if inflate == "alternate":
        return [s for s in sites if s.stage == 2 or s.index % 2 == (0 if s.stage == 5 else 1)]
    if not isinstance(inflate, dict):
        raise ValueError(
            "inflate must be 'alternate', 'all' or a dict of blocks by stage, such as "
            f"{{4: (1, 3, 5)}}, received {inflate!r}."
        )
    chosen = {(stage, index) for stage, indices in inflate.items() for index in indices}
    if missing := sorted(chosen - {(site.stage, site.index) for site in sites}):
        raise ValueError(
            f"inflate must have only blocks of {anatomy.backbone}, received block {missing[0][1]} "
            f"in stage {missing[0][0]}."
        )
    return [site for site in sites if (site.stage, site.index) in chosen]


def _strided(site: Site, stride: int) -> Graft:
    return Graft(site, "before", FrameStride(stride, name=f"{site.operation.name}_frame_stride"))
