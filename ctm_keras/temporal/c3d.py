"""C3D 3 x 1 x 1: the baseline of the CoST paper with temporal first convolutions.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019,
after Wang et al., Non-local Neural Networks, CVPR 2018, Section 4.1.
"""

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft
from ._c2d import every_second, pool_frames
from .inflate import inflated


def c3d(
    anatomy: Anatomy,
    time_padding: str = "replicate",
    pooling: str | None = "paper",
    temporal_pooling: bool | str = False,
) -> list[Graft]:
    """C3D 3 x 1 x 1: the first 1 x 1 convolution of every second residual block becomes 3 x 1 x 1.

    In a basic block the first convolution is 3 x 3 and becomes 3 x 3 x 3. Image kernels are
    repeated over frames and divided by three. By default, a still clip initially gives the scores
    of the image.

    Args:
        anatomy: Anatomy of the image model.
        time_padding: Padding beyond the clip: `"replicate"` the first and last frame, or `"zero"`,
            as in the official code.
        pooling: Where to pool frames. `"paper"`: the stem's max pooling spans three frames, and a
            max pooling of three frames halves them after Res2 (Table 1). `"code"`: a max pooling of
            two frames after Res2, as in the official code. `"code32"`: its network for 32 frames,
            in which a 5 x 7 x 7 stem and its max pooling halve the frames, too. None: no pooling.
        temporal_pooling: Whether to use the analysis paper's poolings instead.
    """
    entries = every_second(anatomy.at("residual_entry"))
    grafts = [inflated(anatomy, site, 3, time_padding=time_padding) for site in entries]
    return grafts + pool_frames(anatomy, pooling, temporal_pooling)
