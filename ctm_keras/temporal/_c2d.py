"""What CoST and the baselines of its paper share: where frames are pooled, and every second block.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019.
"""

from keras import layers

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft, Site
from .inflate import inflated
from .pooling import TemporalPooling, temporal_pooling

# Frames that a maximum is of, and its stride: of the stem's max pooling, and after Res2.
POOLINGS = {
    "paper": ((3, 1), (3, 2)),
    "code": (None, (2, 2)),
    "code32": ((2, 2), (2, 2)),
    None: (None, None),
}


def pool_frames(anatomy: Anatomy, pooling: str | None, at_three_places: bool | str) -> list[Graft]:
    """The temporal poolings of the paper's networks, or those of the analysis paper.

    Args:
        anatomy: Anatomy of the image model.
        pooling: `"paper"`: the stem's max pooling reaches over three frames, where there is one,
            and a maximum of three frames halves their number after Res2 (Table 1). `"code"`: the
            official code's maximum of two frames after Res2, alone. `"code32"`: the same for
            clips of 32 frames, which the stem, 5 x 7 x 7, and its max pooling halve before. None:
            frames are not pooled.
        at_three_places: Whether the poolings of the analysis paper stand instead, and how they
            pool, as `temporal_pooling` says it.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` is one of {', '.join(map(str, POOLINGS))}, not {pooling!r}.")
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
    """A maximum over frames: after one over space, it makes one over both."""
    layer = TemporalPooling(stride=stride, size=size, name=f"{name}_temporal_pool")
    return Graft(site, "after", layer)


def every_second(sites: list[Site]) -> list[Site]:
    """The first site in each second block of the network."""
    first: dict[str, Site] = {}
    for site in sites:
        first.setdefault(site.block, site)
    return list(first.values())[1::2]


def _stem_pool(anatomy: Anatomy) -> list[Site]:
    """The first max pooling, where it still leaves maps of stride 4 or less."""
    pools = [site for site in anatomy.sites if site.role == "pool" and site.stage <= 2]
    return [site for site in pools if isinstance(site.operation, layers.MaxPooling2D)][:1]
