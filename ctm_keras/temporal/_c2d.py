"""What CoST and the baselines of its paper share: where frames are pooled, and every second block.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019.
"""

from keras import layers

from ..anatomy import Anatomy
from ..graft import Graft, Site
from ._pooling import TemporalPooling, temporal_pooling

POOLINGS = ("paper", "code", None)


def pool_frames(anatomy: Anatomy, pooling: str | None, at_three_places: bool) -> list[Graft]:
    """The temporal poolings of the paper's networks, or those of the analysis paper.

    Args:
        anatomy: of the image model.
        pooling: `"paper"`: the stem's max pooling reaches over three frames, where there is one,
            and a maximum of three frames halves their number after Res2 (Table 1). `"code"`: the
            official code's maximum of two frames after Res2, alone. None: frames are not pooled.
        at_three_places: whether the poolings of the analysis paper stand instead.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` is 'paper', 'code' or None; received {pooling!r}.")
    if at_three_places:
        return temporal_pooling(anatomy)
    if pooling is None:
        return []
    (output,) = anatomy.at("stage_output", 2)
    size = 3 if pooling == "paper" else 2
    pool2 = Graft(output, "after", TemporalPooling(size=size, name=f"{output.block}_temporal_pool"))
    stem = [_reach_over_frames(site) for site in _stem_pool(anatomy) if pooling == "paper"]
    return [*stem, pool2]


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


def _reach_over_frames(site: Site) -> Graft:
    """Makes a max pooling k x k one of 3 x k x k: the maximum over space is taken first."""
    return Graft(site, "after", TemporalPooling(stride=1, name=f"{site.operation.name}_temporal"))
