"""Where things are in each family of image models: one table, and how it is read."""

import math
import re
from dataclasses import dataclass, field

import keras

from .graft import Role, Site
from .names import unknown_name
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


@dataclass(frozen=True)
class Family:
    """How the blocks of a family of backbones are named.

    Args:
        members: functions of `keras.applications`, or of this package.
        preprocessing: what its weights expect.
        stem: name of its first convolution.
        block: regular expression of a block's name, as its layers' names begin.
        output: of a block; the first of these layers that exists, as for the others.
        merge: where the residual branch meets the shortcut; without it a block has no entry.
        entry: first layer of the residual branch.
        middle: the k x k convolutions of a block.
        shortcut: convolution of the shortcut.
        stages: regular expression of the blocks of each stage; by default the group `stage`
            of `block`, else the stride of the maps.
        why_not: why a role has no site here.
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


RESNET = {
    "stem": "conv1_conv",
    "block": r"(conv(?P<stage>\d)_block\d+)_.*",
    "output": ("{}_out",),
    "merge": ("{}_out",),
    "entry": ("{}_1_conv",),
    "middle": (("{}_2_conv",),),
    "shortcut": ("{}_0_conv",),
}
EFFICIENTNET = {
    "stem": "stem_conv",
    "block": r"(block\d+[a-z]+)_.*",
    "output": ("{}_add", "{}_project_activation", "{}_project_bn"),
    "merge": ("{}_add",),
    "entry": ("{}_expand_conv", "{}_dwconv", "{}_project_conv"),
    "middle": (("{}_dwconv", "{}_dwconv2", "{}_expand_conv", "{}_project_conv"),),
    "why_not": {"shortcut": "its shortcuts carry no convolution"},
}
INCEPTION = {"why_not": dict.fromkeys(("residual_entry", "middle", "shortcut"), "its blocks are "
             "mixtures of branches without a main convolution")}  # fmt: skip

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
        why_not={"shortcut": "its shortcuts carry no convolution"},
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
        why_not={"shortcut": "its shortcuts carry no convolution"},
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
        why_not={"shortcut": "its shortcuts carry no convolution"},
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
        why_not=dict.fromkeys(
            ("residual_entry", "middle", "shortcut"), "its layer names do not tell its blocks"
        ),
    ),
    Family(
        ("Xception",),
        SYMMETRIC,
        stem="block1_conv1",
        block=r"(add(?:_\d+)?)",
        output=("{}",),
        stages={2: "add", 3: "add_1", 4: r"add_([2-9]|10)", 5: "add_11"},
        why_not=dict.fromkeys(
            ("residual_entry", "middle", "shortcut"), "its layer names do not tell its blocks"
        ),
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
    "each of its cells reads the two cells before it, so no layer is a place that every path of "
    "the network goes through",
)


def backbone_names() -> list[str]:
    """The names that `backbone` takes."""
    return [member.lower() for family in FAMILIES for member in family.members]


def find_family(backbone: str) -> tuple[Family, str]:
    """The family of a backbone and the function that builds it.

    Raises:
        ValueError: if there is no such backbone, or why it cannot be grafted.
    """
    for family in FAMILIES:
        for member in family.members:
            if member.lower() == str(backbone).lower():
                return family, member
    for member, reason in UNGRAFTABLE.items():
        if member.lower() == str(backbone).lower():
            raise ValueError(f"{member} cannot be grafted: {reason}. Take another backbone.")
    raise unknown_name("backbone", backbone, backbone_names())


@dataclass(frozen=True)
class Anatomy:
    """An image model and its sites.

    Args:
        backbone: its name.
        family: how its family names things.
        model: the image model.
        sites: all sites, in the order in which the model is walked.
    """

    backbone: str
    family: Family
    model: keras.Model
    sites: tuple[Site, ...]

    def at(self, role: Role, stage: int | None = None) -> list[Site]:
        """The sites of one role, of one stage if asked for.

        Raises:
            ValueError: if there are none; names those that exist, and why.
        """
        found = [s for s in self.sites if s.role == role and stage in (None, s.stage)]
        if not found:
            raise ValueError(self._missing(role, stage))
        return found

    def _missing(self, role: Role, stage: int | None) -> str:
        reason = self.family.why_not.get(role)
        if reason:
            return f"{self.backbone} has no site {role!r}: {reason}."
        exist = sorted({(s.role, s.stage) for s in self.sites if s.stage})
        if role not in {r for r, _ in exist}:
            return str(unknown_name("site", role, dict.fromkeys(s.role for s in self.sites)))
        stages = [s for r, s in exist if r == role]
        return f"{self.backbone} has no {role} in stage {stage}; it has stages {stages}."


def dissect(backbone: str, model: keras.Model) -> Anatomy:
    """Finds the sites of an image model, by the names of its layers."""
    family, _ = find_family(backbone)
    operations = {op.name: op for op in model.operations}
    stem = next(op for name, op in operations.items() if re.fullmatch(family.stem, name))
    sites = [Site("stem", stem)]
    blocks = _blocks(family, model, operations)
    for stage in sorted({stage for _, stage in blocks}):
        names = [name for name, of in blocks if of == stage]
        for index, name in enumerate(names, start=1):
            found = _block_sites(family, operations, name)
            sites += [Site(role, op, name, stage, index) for role, op in found]
        sites.append(Site("stage_output", sites[-1].operation, names[-1], stage, len(names)))
    (output,) = (op for op in model.operations if op.output is model.output)
    sites.append(Site("head", output))
    return Anatomy(str(backbone).lower(), family, model, tuple(sites))


def _blocks(family: Family, model, operations) -> list[tuple[str, int]]:
    """The blocks with their stages, in the order of the model."""
    blocks = {}
    for name in operations:
        match = re.fullmatch(family.block, name)
        if match and match[1] not in blocks:
            output = _first(operations, family.output, match[1])
            blocks[match[1]] = _stage(family, match, model.input.shape[1], output)
    return [(name, stage) for name, stage in blocks.items() if stage]


def _stage(family: Family, match: re.Match, image_size: int, output) -> int:
    if family.stages:
        return next((s for s, name in family.stages.items() if re.fullmatch(name, match[1])), 0)
    if "stage" in match.groupdict():
        return int(match["stage"])
    size = output.output.shape[1]
    return next(k for k in range(16) if math.ceil(image_size / 2**k) <= size)


def _block_sites(family: Family, operations, name: str):
    """Roles and operations of one block; its output comes last."""
    residual = _first(operations, family.merge, name)
    if residual and (entry := _first(operations, family.entry, name)):
        yield "residual_entry", entry
    for choices in family.middle:
        if middle := _first(operations, choices, name):
            yield "middle", middle
    if shortcut := _first(operations, family.shortcut, name):
        yield "shortcut", shortcut
    yield "block_output", _first(operations, family.output, name)


def _first(operations, templates: tuple[str, ...], name: str):
    """The first of the named operations that exists, or None."""
    names = (template.format(name) for template in templates)
    return next((operations[n] for n in names if n in operations), None)
