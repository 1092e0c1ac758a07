"""The table of families of image models: their layer names and preprocessing."""

from dataclasses import dataclass, field
from typing import Any

from .preprocessing import Preprocessing

CAFFE = Preprocessing("bgr", mean=(103.939, 116.779, 123.68), scale=(1.0, 1.0, 1.0))
SYMMETRIC = Preprocessing()
STANDARDIZED = Preprocessing(
    "rgb",
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    scale=(0.229 * 255, 0.224 * 255, 0.225 * 255),
)
SYMMETRIC_128 = Preprocessing("rgb", mean=(128.0,) * 3, scale=(128.0,) * 3)

NO_RESIDUAL = "it has no residual branches"
NO_SHORTCUT_CONV = "its shortcuts have no convolution"
UNCLEAR_NAMES = "its layer names do not identify the parts of its blocks"


@dataclass(frozen=True)
class Family:
    """Layer names and preprocessing of a family of backbones.

    Layers are given as alternatives; the first that exists is used. `{}` is the name of the block.

    Args:
        members: Names of the functions of `keras.applications` or this package.
        preprocessing: Preprocessing that the weights expect.
        stem: Name of the first convolution.
        block: Regular expression that matches a layer name and captures its block.
        output: Last layer of a block.
        merge: Layer that joins the residual branch and the shortcut. Without it a block has no
            entry.
        entry: First layer of the residual branch.
        middle: The k x k convolutions of a block. A name without `{}` belongs to one block only.
        shortcut: Convolution of the shortcut.
        stages: Regular expression of the blocks of each stage. Defaults to the group `stage` of
            `block`, else to the stride of the maps.
        why_not: Reasons why a role has no site.
    """

    members: tuple[str, ...]
    preprocessing: Preprocessing
    stem: str
    block: str
    output: tuple[str, ...]
    merge: tuple[str, ...] = ()
    entry: tuple[str, ...] = ()
    middle: tuple[tuple[str, ...], ...] = ()
    shortcut: tuple[str, ...] = ()
    stages: dict[int, str] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)


RESNET: dict[str, Any] = {
    "stem": "conv1_conv",
    "block": r"(conv(?P<stage>\d)_block\d+)_.*",
    "output": ("{}_out",),
    "merge": ("{}_out",),
    "entry": ("{}_1_conv",),
    "middle": (("{}_2_conv",),),
    "shortcut": ("{}_0_conv",),
}
EFFICIENTNET: dict[str, Any] = {
    "stem": "stem_conv",
    "block": r"(block\d+[a-z]+)_.*",
    "output": ("{}_add", "{}_project_activation", "{}_project_bn"),
    "merge": ("{}_add",),
    "entry": ("{}_expand_conv", "{}_dwconv", "{}_project_conv"),
    "middle": (("{}_dwconv", "{}_dwconv2", "{}_expand_conv", "{}_project_conv"),),
    "why_not": {"shortcut": NO_SHORTCUT_CONV},
}
INCEPTION: dict[str, Any] = {
    "why_not": dict.fromkeys(
        ("residual_entry", "middle", "shortcut"),
        "its blocks have several branches without a main convolution",
    )
}

FAMILIES = (
    Family(
        ("Tiny",),
        SYMMETRIC,
        stem="conv1_conv",
        block=RESNET["block"],
        output=("{}_out",),
        merge=("{}_add",),
        entry=("{}_1_conv",),
        middle=(("{}_1_conv",), ("{}_2_conv",)),
        shortcut=("{}_0_conv",),
    ),
    Family(("ResNet50", "ResNet101", "ResNet152"), CAFFE, **RESNET),
    Family(("TV_ResNet50", "TV_ResNet101", "TV_ResNet152"), STANDARDIZED, **RESNET),
    Family(
        ("TV_ResNet18", "TV_ResNet34"),
        STANDARDIZED,
        **RESNET | {"middle": (("{}_1_conv",), ("{}_2_conv",))},
    ),
    Family(("ResNet50V2", "ResNet101V2", "ResNet152V2"), SYMMETRIC, **RESNET),
    Family(
        ("DenseNet121", "DenseNet169", "DenseNet201"),
        STANDARDIZED,
        stem="conv1_conv",
        block=RESNET["block"],
        output=("{}_concat",),
        merge=("{}_concat",),
        entry=("{}_0_bn",),
        middle=(("{}_2_conv",),),
        why_not={"shortcut": NO_SHORTCUT_CONV},
    ),
    Family(
        ("MobileNet",),
        SYMMETRIC,
        stem="conv1",
        block=r"(conv_pw_\d+)",
        output=("{}_relu",),
        middle=(("{}",),),
        why_not={"residual_entry": NO_RESIDUAL, "shortcut": NO_RESIDUAL},
    ),
    Family(
        ("MobileNetV2",),
        SYMMETRIC,
        stem="Conv1",
        block=r"(expanded_conv|block_\d+)_.*",
        output=("{}_add", "{}_project_BN"),
        merge=("{}_add",),
        entry=("{}_expand",),
        middle=(("{}_depthwise",),),
        why_not={"shortcut": NO_SHORTCUT_CONV},
    ),
    Family(
        ("MobileNetV3Small", "MobileNetV3Large"),
        SYMMETRIC,
        stem="conv",
        block=r"(expanded_conv(?:_\d+)?)_(?:expand|depthwise)",
        output=("{}_add", "{}_project_bn"),
        merge=("{}_add",),
        entry=("{}_expand", "{}_depthwise"),
        middle=(("{}_depthwise",),),
        why_not={"shortcut": NO_SHORTCUT_CONV},
    ),
    Family(tuple(f"EfficientNetB{i}" for i in range(8)), STANDARDIZED, **EFFICIENTNET),
    Family(tuple(f"EfficientNetV2B{i}" for i in range(4)), STANDARDIZED, **EFFICIENTNET),
    Family(tuple(f"EfficientNetV2{i}" for i in "SML"), SYMMETRIC_128, **EFFICIENTNET),
    Family(
        ("VGG16", "VGG19"),
        CAFFE,
        stem="block1_conv1",
        block=r"(block\d_conv\d)",
        output=("{}",),
        middle=(("{}",),),
        why_not={"residual_entry": NO_RESIDUAL, "shortcut": NO_RESIDUAL},
    ),
    Family(
        tuple(f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
        STANDARDIZED,
        stem=r"convnext_\w+_stem",
        block=r"(add(?:_\d+)?)",
        output=("{}",),
        why_not=dict.fromkeys(("residual_entry", "middle", "shortcut"), UNCLEAR_NAMES),
    ),
    Family(
        ("Xception",),
        SYMMETRIC,
        stem="block1_conv1",
        block=r"(add(?:_\d+)?)",
        output=("{}",),
        stages={2: "add", 3: "add_1", 4: r"add_([2-9]|10)", 5: "add_11"},
        why_not=dict.fromkeys(("residual_entry", "middle", "shortcut"), UNCLEAR_NAMES),
    ),
    Family(
        ("Inception_V1",),
        SYMMETRIC,
        stem="conv1_conv",
        block=r"(conv[123]|inception\d[a-e])_.*",
        output=("{}_out", "{}_relu"),
        middle=(("{}_branch2_1_conv", "conv3_conv"), ("{}_branch3_1_conv",)),
        stages={1: "conv1", 2: "conv[23]", 3: "inception3.", 4: "inception4.", 5: "inception5."},
        why_not={"residual_entry": NO_RESIDUAL, "shortcut": NO_RESIDUAL},
    ),
    Family(
        ("InceptionV3",),
        SYMMETRIC,
        stem="conv2d",
        block=r"(mixed\d+)",
        output=("{}",),
        stages={3: "mixed[0-2]", 4: "mixed[3-7]", 5: "mixed(8|9|10)"},
        **INCEPTION,
    ),
    Family(
        ("InceptionResNetV2",),
        SYMMETRIC,
        stem="conv2d",
        block=r"(block\d+_\d+)_ac",
        output=("{}_ac",),
        stages={3: r"block35_\d+", 4: r"block17_\d+", 5: r"block8_\d+"},
        **INCEPTION,
    ),
)

UNGRAFTABLE = dict.fromkeys(
    ("NASNetMobile", "NASNetLarge"),
    "each of its cells reads the two previous cells, so no layer is on every path through the "
    "network",
)
