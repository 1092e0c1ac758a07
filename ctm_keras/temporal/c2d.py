"""C2D: the baseline of the CoST paper, which pools frames and has no other notion of time.

Li et al., Collaborative Spatiotemporal Feature Learning for Video Action Recognition, CVPR 2019.
"""

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft
from ._c2d import pool_frames


def c2d(
    anatomy: Anatomy, pooling: str | None = "paper", temporal_pooling: bool | str = False
) -> list[Graft]:
    """Frames read one by one and pooled over time: the baseline of the CoST paper (Table 1).

    Args:
        anatomy: Anatomy of the image model.
        pooling: How frames are pooled. `"paper"`: the stem's max pooling reaches over three and a
            maximum of three halves their number after Res2 (Table 1); `"code"`: a maximum of two
            after Res2, as in the official code; `"code32"`: its network for 32 frames, which the
            stem, 5 x 7 x 7, and its max pooling halve, too; None: none.
        temporal_pooling: Whether the analysis paper's poolings stand instead.
    """
    return pool_frames(anatomy, pooling, temporal_pooling)
