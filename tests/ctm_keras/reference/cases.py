"""The table of networks that are compared with their original implementations.

To add a network: add a row, record it (`regenerate.py` says how), commit the file in `goldens/`,
and run `python benchmarks/models_page.py --quick`, which counts the networks. The first network of
a repository also needs a function in `builders.py`, a format in `ctm_keras/checkpoints/formats.py`,
the names of its parts in `names.py` and its options in `options.py` beside it, and a row in
`FORMATS` of `tests/ctm_keras/checkpoints/test_recognize.py`.
"""

from dataclasses import dataclass, field, replace


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


IBM = Reference("IBM/action-recognition-pytorch", "67cc96ff1871a33ef54a3e1e6f72022b4d16a847", "ibm")
TSM = Reference(
    "mit-han-lab/temporal-shift-module", "1f6a834b02120441d99fa706b7a13ccc5293c6fa", "tsm"
)
PYSLOWFAST = Reference(
    "facebookresearch/SlowFast", "287ec0076846560f44a9327e931a5a2360240533", "pyslowfast"
)
COST = Reference("hikvision-research/cost", "e08545516b014391baa558c7d1f4ef6d483a42b3", "cost")
STM = Reference("Boyuan Jiang/STM", None, "stm")
MMACTION = Reference("open-mmlab/mmaction2", "4d6c93474730cad2f25e51109adcf96824efc7a3", "mmaction")
MMACTION_SLOWFAST = replace(MMACTION, builder="mmaction_slowfast")
MMACTION_I3D = replace(MMACTION, builder="mmaction_i3d")


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
        lacks: ends of the names of weights that ours does not have, since no score depends on
            them: biases before a batch norm.
        adds: ends of the paths of weights that ours has besides, as biases before a batch norm.
    """

    reference: Reference
    theirs: dict
    method: str
    backbone: str
    options: dict = field(default_factory=dict)
    num_classes: int = 87
    shapes: tuple[tuple[int, int], ...] = ((8, 64), (16, 48))
    batch: int = 2
    lacks: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()


POOLED = {"temporal_pooling": True}
TAM = {"temporal_module_name": "TAM"}
AS_IBM = {"time_padding": "zero", "inflation": "copy"}
INCEPTION = ((8, 64), (16, 96))  # its reference pools maps of even size only


def _ibm(net: str, depth: int | None = None, pooled: bool = False) -> dict:
    """What IBM's builder is called with."""
    depths = {} if depth is None else {"depth": depth}
    return {"net": net, "without_t_stride": not pooled, **depths}


def _tsm(base_model: str, **options) -> dict:
    """What TSM's builder is called with."""
    return {"base_model": base_model, **options}


def _mmaction(is_shift: bool, stage4: tuple[int, ...], **options) -> dict:
    """What mmaction2's builder is called with, the non-local blocks of its layer3 marked by 1."""
    return {
        "is_shift": is_shift,
        "non_local": ((0, 0, 0), (0, 0, 0, 0), stage4, (0, 0, 0)),
        "non_local_cfg": {"sub_sample": True, "norm_cfg": {"type": "BN3d"}, **options},
    }


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
    # The official network for 32 frames has 101 layers; so that the test is fast, here 50.
    "cost-b-resnet50-32-frames": Case(
        COST,
        {
            "config": "costb_r101_32f",
            "depth": 50,
            "inflate": ((0, 1, 0), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (1, 0, 1)),
        },
        "cost",
        "tv_resnet50",
        {"pooling": "code32"},
        shapes=((32, 32), (16, 48)),
    ),
    "c2d-resnet50": Case(COST, {"config": "c2d_r50_8f"}, "c2d", "tv_resnet50", {"pooling": "code"}),
    "c3d-resnet50": Case(
        COST,
        {"config": "i3d_r50_8f"},
        "c3d",
        "tv_resnet50",
        {"pooling": "code", "time_padding": "zero"},
    ),
    # Where maps are odd, the author's pooled motion has another size than the features.
    "stm-resnet50": Case(STM, {}, "stm", "tv_resnet50", shapes=((8, 64), (16, 32))),
    "i3d-resnet18": Case(IBM, _ibm("i3d_resnet", 18), "i3d", "tv_resnet18", AS_IBM),
    "i3d-resnet18-pooled": Case(
        IBM, _ibm("i3d_resnet", 18, pooled=True), "i3d", "tv_resnet18", AS_IBM | POOLED
    ),
    "i3d-resnet50": Case(
        IBM, _ibm("i3d_resnet", 50), "i3d", "tv_resnet50", AS_IBM, shapes=((8, 48), (4, 64))
    ),
    "i3d-resnet50-pooled": Case(
        IBM,
        _ibm("i3d_resnet", 50, pooled=True),
        "i3d",
        "tv_resnet50",
        AS_IBM | POOLED,
        shapes=((8, 64), (16, 48)),
    ),
    "s3d-resnet18": Case(IBM, _ibm("s3d_resnet", 18), "s3d", "tv_resnet18", {}),
    "s3d-resnet18-pooled": Case(
        IBM, _ibm("s3d_resnet", 18, pooled=True), "s3d", "tv_resnet18", POOLED
    ),
    "s3d-resnet50": Case(
        IBM, _ibm("s3d_resnet", 50), "s3d", "tv_resnet50", {}, shapes=((8, 48), (4, 64))
    ),
    "s3d-resnet50-pooled": Case(
        IBM, _ibm("s3d_resnet", 50, pooled=True), "s3d", "tv_resnet50", POOLED
    ),
    "tsn-resnet18-pooled": Case(IBM, _ibm("resnet", 18, pooled=True), "tsn", "tv_resnet18", POOLED),
    "tsn-resnet50": Case(IBM, _ibm("resnet", 50), "tsn", "tv_resnet50", shapes=((4, 48), (2, 64))),
    "tsn-inception": Case(IBM, _ibm("inception_v1"), "tsn", "inception_v1"),
    "tsn-inception-pooled": Case(
        IBM, _ibm("inception_v1", pooled=True), "tsn", "inception_v1", POOLED
    ),
    "i3d-inception": Case(
        IBM, _ibm("i3d"), "i3d", "inception_v1", AS_IBM | {"pools": "reference"}, shapes=INCEPTION
    ),
    "i3d-inception-pooled": Case(
        IBM,
        _ibm("i3d", pooled=True),
        "i3d",
        "inception_v1",
        AS_IBM | POOLED | {"pools": "reference"},
        shapes=INCEPTION,
    ),
    "s3d-inception": Case(
        IBM,
        _ibm("s3d"),
        "s3d",
        "inception_v1",
        {"pools": "reference"},
        shapes=((4, 64), (8, 32)),
        lacks=("conv_t.bias",),
    ),
    "s3d-inception-pooled": Case(
        IBM,
        _ibm("s3d", pooled=True),
        "s3d",
        "inception_v1",
        POOLED | {"pools": "reference"},
        shapes=INCEPTION,
        lacks=("conv_t.bias",),
    ),
    "tam-resnet18": Case(IBM, _ibm("resnet", 18) | TAM, "tam", "tv_resnet18"),
    "tam-resnet18-pooled": Case(
        IBM, _ibm("resnet", 18, pooled=True) | TAM, "tam", "tv_resnet18", POOLED
    ),
    "tam-resnet18-averaged": Case(
        IBM,
        _ibm("resnet", 18, pooled=True) | TAM | {"pooling_method": "avg"},
        "tam",
        "tv_resnet18",
        {"temporal_pooling": "avg"},
        shapes=((16, 48), (24, 64)),  # PyTorch's layer takes three frames or more
    ),
    "tam-resnet50": Case(IBM, _ibm("resnet", 50) | TAM, "tam", "tv_resnet50"),
    "tam-resnet18-max": Case(
        IBM,
        _ibm("resnet", 18) | TAM | {"blending_frames": 4, "blending_method": "max"},
        "tam",
        "tv_resnet18",
        {"blending_frames": 4, "blending": "max"},
    ),
    "tam-inception": Case(IBM, _ibm("inception_v1") | TAM, "tam", "inception_v1"),
    "tam-inception-pooled": Case(
        IBM, _ibm("inception_v1", pooled=True) | TAM, "tam", "inception_v1", POOLED
    ),
    "tsm-resnet50": Case(
        TSM, _tsm("resnet50", is_shift=True), "tsm", "tv_resnet50", shapes=((8, 48), (4, 64))
    ),
    "tsm-resnet101": Case(
        TSM, _tsm("resnet101", is_shift=True), "tsm", "tv_resnet101", shapes=((8, 48), (4, 64))
    ),
    "nonlocal-resnet50": Case(
        TSM,
        _tsm("resnet50", non_local=True),
        "nonlocal",
        "tv_resnet50",
        shapes=((8, 48), (4, 64)),
    ),
    "tsm+nonlocal-resnet50": Case(
        TSM,
        _tsm("resnet50", is_shift=True, non_local=True),
        "tsm+nonlocal",
        "tv_resnet50",
        shapes=((8, 48), (4, 64)),
    ),
    # With weights by the formula, more such blocks in a row reach beyond float32.
    "nonlocal-dot-product-resnet50": Case(
        MMACTION,
        _mmaction(False, (0, 0, 0, 0, 1, 0), mode="dot_product", use_scale=False),
        "nonlocal",
        "tv_resnet50",
        {"mode": "dot_product", "stages": 4, "blocks": 1},
        adds=("out/bias",),
    ),
    "tsm+nonlocal-scaled-resnet50": Case(
        MMACTION,
        _mmaction(True, (1, 0, 1, 0, 1, 0), mode="embedded_gaussian", use_scale=True),
        "tsm+nonlocal",
        "tv_resnet50",
        {"scale": True, "stages": 4},
        adds=("out/bias",),
    ),
    "slowfast-4x16-resnet50": Case(
        PYSLOWFAST,
        {"config": "Kinetics/c2/SLOWFAST_4x16_R50"},
        "slowfast",
        "resnet50",
        shapes=((32, 64), (16, 48)),
    ),
    "slowfast-8x8-resnet50": Case(
        PYSLOWFAST,
        {"config": "Kinetics/c2/SLOWFAST_8x8_R50"},
        "slowfast",
        "resnet50",
        {"variant": "8x8"},
        shapes=((32, 32), (16, 48)),
    ),
    "slowfast-16x8-resnet101": Case(
        PYSLOWFAST,
        {"config": "Kinetics/c2/SLOWFAST_16x8_R101_50_50"},
        "slowfast",
        "resnet101",
        {"variant": "16x8"},
        shapes=((64, 32), (16, 48)),
        batch=1,
    ),
    "slowfast-4x16-resnet50-mmaction": Case(
        MMACTION_SLOWFAST,
        {"config": "slowfast_r50"},
        "slowfast",
        "resnet50",
        {"slow_frames": "strided", "lateral_norm": False},
        shapes=((32, 32), (16, 48)),
    ),
    "slowfast-8x8-resnet101-mmaction": Case(
        MMACTION_SLOWFAST,
        {
            "config": "slowfast_r50",
            "depth": 101,
            "resample_rate": 4,
            "speed_ratio": 4,
            "fusion_kernel": 7,
            "lateral_norm": True,
        },
        "slowfast",
        "resnet101",
        {
            "variant": "8x8",
            "fusion_kernel": 7,
            "temporal_blocks": 23,
            "slow_frames": "strided",
        },
        shapes=((16, 48), (32, 32)),
    ),
    "tsn-resnet50-mmaction": Case(MMACTION, {"is_shift": False}, "tsn", "tv_resnet50"),
    "i3d-3x1x1-resnet50": Case(
        MMACTION_I3D,
        {"config": "i3d_r50"},
        "i3d_3x1x1",
        "tv_resnet50",
        {"time_padding": "zero"},
        shapes=((32, 64), (16, 48)),
    ),
    "i3d-3x1x1+nonlocal-resnet50": Case(
        MMACTION_I3D,
        {
            "config": "i3d_r50",
            "non_local": ((0, 0, 0), (0, 1, 0, 1), (0, 1, 0, 1, 0, 1), (0, 0, 0)),
            "non_local_cfg": {"sub_sample": True, "use_scale": True, "norm_cfg": {"type": "BN3d"}},
        },
        "i3d_3x1x1+nonlocal",
        "tv_resnet50",
        {"time_padding": "zero", "scale": True, "blocks": {3: (2, 4), 4: (2, 4, 6)}},
        shapes=((16, 64), (32, 32)),
        adds=("out/bias",),
    ),
    "slowonly-resnet50": Case(
        MMACTION_I3D,
        {"config": "slowonly_r50", "with_pool2": False},
        "i3d_3x1x1",
        "tv_resnet50",
        {
            "inflate": {4: (1, 2, 3, 4, 5, 6), 5: (1, 2, 3)},
            "stem_frames": 1,
            "early_stride": 1,
            "pool": False,
            "time_padding": "zero",
        },
        shapes=((8, 48), (4, 64)),
    ),
}
