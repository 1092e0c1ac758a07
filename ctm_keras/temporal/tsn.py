"""TSN: the average of the scores of single frames.

Wang et al., Temporal Segment Networks: Towards Good Practices for Deep Action Recognition,
ECCV 2016. The average is the head that all methods share, so nothing is grafted.
"""

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft


def tsn(anatomy: Anatomy) -> list[Graft]:
    """Scores of single frames, averaged over the clip; no temporal modeling."""
    return []
