"""The table of networks that are compared with their original implementations.

To add a network: add a row, record it (`regenerate.py` says how), commit the file in `goldens/`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reference:
    """A repository with original implementations.

    Args:
        repository: its name on GitHub; its folder has the part after the slash. STM's is the
            author's STM.py and CMM.py of February 2019, which others pass on: there is none.
        commit: that the goldens are of; None where there is no repository.
        builder: function in `builders.py` that builds its networks.
    """

    repository: str
    commit: str | None
    builder: str


IBM = Reference(
    "IBM/action-recognition-pytorch", "67cc96ff1871a33ef54a3e1e6f72022b4d16a847", "ibm"
)
TSM = Reference(
    "mit-han-lab/temporal-shift-module", "1f6a834b02120441d99fa706b7a13ccc5293c6fa", "tsm"
)
PYSLOWFAST = Reference(
    "facebookresearch/SlowFast", "287ec0076846560f44a9327e931a5a2360240533", "pyslowfast"
)
COST = Reference("hikvision-research/cost", "e08545516b014391baa558c7d1f4ef6d483a42b3", "cost")
STM = Reference("Boyuan Jiang/STM", None, "stm")
MMACTION = Reference("open-mmlab/mmaction2", "4d6c93474730cad2f25e51109adcf96824efc7a3", "mmaction")


@dataclass(frozen=True)
class Case:
    """One network.

    Args:
        reference: where it is from.
        theirs: what the reference's builder is called with.
        method: ours.
        backbone: ours.
        options: of our `build_video_model`, temporal pooling among them.
        num_classes: of the head; the published parameter counts are with 87.
        shapes: frames and image size of the clips. At 48 pixels maps are odd (3 x 3).
        batch: number of clips.
    """

    reference: Reference
    theirs: dict
    method: str
    backbone: str
    options: dict = field(default_factory=dict)
    num_classes: int = 87
    shapes: tuple[tuple[int, int], ...] = ((8, 64), (16, 48))
    batch: int = 2


CASES = {
    "tsn-resnet18": Case(IBM, {"net": "resnet", "depth": 18}, "tsn", "tv_resnet18"),
    "cost-a-resnet50": Case(
        COST,
        {"config": "i3d_r50_8f", "inflate_style": "costa"},
        "cost",
        "tv_resnet50",
        {"kind": "a", "pooling": "code"},
    ),
    "cost-b-resnet50": Case(
        COST,
        {"config": "i3d_r50_8f", "inflate_style": "costb"},
        "cost",
        "tv_resnet50",
        {"kind": "b", "pooling": "code"},
    ),
    # Where maps are odd, the author's pooled motion has another size than the features.
    "stm-resnet50": Case(STM, {}, "stm", "tv_resnet50", shapes=((8, 64), (16, 32))),
}
