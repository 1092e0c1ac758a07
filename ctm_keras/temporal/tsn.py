"""TSN: frames are scored one by one and the scores averaged.

Wang et al., Temporal Segment Networks: Towards Good Practices for Deep Action Recognition,
ECCV 2016. The average is the head that all methods share, so nothing is grafted.
"""

from ..engine.anatomy import Anatomy
from ..engine.graft import Graft


def tsn(anatomy: Anatomy) -> list[Graft]:
    """Scores of single frames, averaged over the clip; no notion of time."""
    return []
