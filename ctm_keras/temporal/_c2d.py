"""Shared parts of CoST and its paper's baselines: temporal poolings, every second block.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019.
"""

from keras import layers

from ..arguments import check_choice
from ..engine.anatomy import Anatomy
from ..engine.graft import Graft, Site
from .inflate import inflated
from .pooling import TemporalPooling, temporal_pooling

# Temporal size and stride of two poolings: the stem's max pooling, and a max pooling after Res2.
POOLINGS = {
    "paper": ((3, 1), (3, 2)),
    "code": (None, (2, 2)),
    "code32": ((2, 2), (2, 2)),
    None: (None, None),
}


def pool_frames(anatomy: Anatomy, pooling: str | None, at_three_places: bool | str) -> list[Graft]:
    """Returns the temporal poolings of the paper's networks, or those of the analysis paper.

    Args:
        anatomy: Anatomy of the image model.
        pooling: Where to pool frames. `"paper"`: the stem's max pooling, if any, spans three
            frames, and a max pooling of three frames halves them after Res2 (Table 1). `"code"`:
            only a max pooling of two frames after Res2, as in the official code. `"code32"`: the
            same for clips of 32 frames, after a 5 x 7 x 7 stem and its max pooling, which halve
            the frames, too. None: no temporal pooling.
        at_three_places: Value of `temporal_pooling`, which replaces these poolings by those of the
            analysis paper.
    """
    check_choice("pooling", pooling, POOLINGS)
    if at_three_places:
        return temporal_pooling(anatomy, at_three_places)
    in_stem, after_res2 = POOLINGS[pooling]
    grafts = []
    if pooling == "code32":
        grafts += [inflated(anatomy, s, 5, 2, time_padding="zero") for s in anatomy.at("stem")]
    if in_stem:
        grafts += [_pool(s, s.operation.name, *in_stem) for s in _stem_pool(anatomy)]
    if after_res2:
        (output,) = anatomy.at("stage_output", 2)
        grafts.append(_pool(output, output.block, *after_res2))
    return grafts


def _pool(site: Site, name: str, size: int, stride: int) -> Graft:
    """A max pooling over frames; after one over space, both are a pooling over space and time."""
    layer = TemporalPooling(stride=stride, size=size, name=f"{name}_temporal_pool")
    return Graft(site, "after", layer)


def every_second(sites: list[Site]) -> list[Site]:
    """Returns the first site in every second block of the network."""
    first: dict[str, Site] = {}
    for site in sites:
        first.setdefault(site.block, site)
    return list(first.values())[1::2]


def _stem_pool(anatomy: Anatomy) -> list[Site]:
    """Returns the first max pooling, if its maps have stride 4 or less."""
    pools = [site for site in anatomy.sites if site.role == "pool" and site.stage <= 2]
    return [site for site in pools if isinstance(site.operation, layers.MaxPooling2D)][:1]
