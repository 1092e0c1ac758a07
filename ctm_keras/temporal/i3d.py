"""I3D: the convolutions of an image model reach over frames.

Carreira and Zisserman, Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset,
CVPR 2017; with ResNets as in Chen et al., Deep Analysis of CNN-based Spatio-temporal
Representations for Action Recognition, CVPR 2021, arXiv 2010.11757.
"""

from typing import Any

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft
from ._inception import inflated_pools, is_inception
from .inflate import inflated, strided_middles, strided_shortcuts
from .pooling import temporal_pooling as pooled


def i3d(
    anatomy: Anatomy,
    time_padding: str = "replicate",
    inflation: str = "divide",
    pools: str = "image",
    temporal_pooling: bool | str = False,
) -> list[Graft]:
    """Inflated convolutions: k x k becomes 3 x k x k, begun from the image weights.

    The stem becomes 3 x 7 x 7, that of Inception-V1 7 x 7 x 7; its pools, but the first, are
    inflated, too. By default a still clip scores as the image does at the start.

    Args:
        anatomy: Anatomy of the image model.
        time_padding: Beyond the clip, `"replicate"` its first and last frame, or `"zero"`, as
            the analysis paper's code.
        inflation: Image kernels are put at each of three frames: `"divide"` by three, or
            `"copy"`, as the analysis paper's code.
        pools: Pools of Inception-V1: `"image"`, or `"reference"` for the analysis paper's
            code, whose pools are padded on all sides.
        temporal_pooling: Whether the frames are halved three times, by strides in time: in the
            first block of stages 3, 4 and 5 and its shortcut, or in Inception-V1's pools.
    """
    options: dict[str, Any] = {"time_padding": time_padding, "inflation": inflation}
    (stem,) = anatomy.at("stem")
    grafts = [inflated(anatomy, stem, 7 if is_inception(anatomy) else 3, **options)]
    strided = strided_middles(anatomy, temporal_pooling)
    for site in anatomy.at("middle"):
        if site.operation is not stem.operation:
            grafts.append(inflated(anatomy, site, 3, 2 if site in strided else 1, **options))
    if is_inception(anatomy):
        return grafts + inflated_pools(anatomy, pools, temporal_pooling, last_size=3)
    if strided:
        return grafts + strided_shortcuts(anatomy)
    return grafts + (pooled(anatomy, temporal_pooling) if temporal_pooling else [])
