"""C2D: the baseline of the CoST paper, with temporal pooling as the only temporal modeling.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019.
"""

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft
from ._c2d import pool_frames


def c2d(
    anatomy: Anatomy, pooling: str | None = "paper", temporal_pooling: bool | str = False
) -> list[Graft]:
    """2-D convolutions and temporal pooling: the baseline of the CoST paper (Table 1).

    Args:
        anatomy: Anatomy of the image model.
        pooling: Where to pool frames. `"paper"`: the stem's max pooling spans three frames, and a
            max pooling of three frames halves them after Res2 (Table 1). `"code"`: a max pooling of
            two frames after Res2, as in the official code. `"code32"`: its network for 32 frames,
            in which a 5 x 7 x 7 stem and its max pooling halve the frames, too. None: no pooling.
        temporal_pooling: Whether to use the analysis paper's poolings instead.
    """
    return pool_frames(anatomy, pooling, temporal_pooling)
