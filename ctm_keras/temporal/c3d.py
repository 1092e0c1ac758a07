"""C3D 3 x 1 x 1: the baseline of the CoST paper whose first convolutions reach over frames.

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
    """C3D 3 x 1 x 1: the first 1 x 1 of every second residual block reaches over three frames.

    A basic block begins with a 3 x 3 convolution, which becomes 3 x 3 x 3. Kernels start as the
    image's at each frame, divided by three; by default a still clip scores as the image does.

    Args:
        anatomy: Anatomy of the image model.
        time_padding: Beyond the clip, `"replicate"` its first and last frame, or `"zero"`, as
            the official code.
        pooling: How frames are pooled. `"paper"`: the stem's max pooling reaches over three and a
            maximum of three halves their number after Res2 (Table 1); `"code"`: a maximum of two
            after Res2, as in the official code; `"code32"`: its network for 32 frames, which the
            stem, 5 x 7 x 7, and its max pooling halve, too; None: none.
        temporal_pooling: Whether the analysis paper's poolings stand instead.
    """
    entries = every_second(anatomy.at("residual_entry"))
    grafts = [inflated(anatomy, site, 3, time_padding=time_padding) for site in entries]
    return grafts + pool_frames(anatomy, pooling, temporal_pooling)
