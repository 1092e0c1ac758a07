"""I3D: the convolutions of an image model, inflated to 3-D.

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
    """Inflated convolutions: k x k becomes 3 x k x k, initialized with the image weights.

    The stem becomes 3 x 7 x 7, in Inception-V1 7 x 7 x 7. All poolings of Inception-V1 but the
    first are inflated, too. By default, a still clip initially gives the scores of the image.

    Args:
        anatomy: Anatomy of the image model.
        time_padding: Padding beyond the clip: `"replicate"` the first and last frame, or `"zero"`,
            as in the analysis paper's code.
        inflation: How to inflate image kernels: repeat them over frames and `"divide"` them by
            their number, or `"copy"` them, as in the analysis paper's code.
        pools: Poolings of Inception-V1: `"image"`, or `"reference"` for the analysis paper's code,
            which pads them on all sides.
        temporal_pooling: Whether to halve the frames three times by temporal strides: in the first
            block of stages 3, 4 and 5 and its shortcut, or in Inception-V1's poolings.
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
