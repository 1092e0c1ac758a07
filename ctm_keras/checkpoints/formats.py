"""The formats of published checkpoints: how each project names its weights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..engine.preprocessing import Preprocessing
from .adapt import add_output_biases, fold_temporal_biases, put_slow_first


@dataclass(frozen=True)
class Format:
    """The checkpoint format of a project.

    Args:
        name: Name of the project.
        mark: Regular expression that matches the start of one of its keys, but no key of the
            formats below it.
        renames: Regular expressions and their replacements, applied in order. The results are
            torchvision's names; temporal parts are named as in IBM's and TSM's code.
        methods: Regular expressions of keys, each with the method of networks that have such keys.
            Other methods are inferred from the temporal size of the kernels.
        unknown_options: Options that cannot be inferred from the keys.
        adapt: Functions that change the renamed weights in place.
        pixels: Preprocessing of its networks, if it differs from the backbone's.
        refused: Regular expressions of keys, each with the reason why networks that have such keys
            are not supported.
    """

    name: str
    mark: str
    renames: tuple[tuple[str, str], ...] = ()
    methods: tuple[tuple[str, str], ...] = ()
    unknown_options: tuple[str, ...] = ()
    adapt: tuple[Callable[[dict[str, np.ndarray]], None], ...] = ()
    pixels: Preprocessing | None = None
    refused: tuple[tuple[str, str], ...] = ()


PYSLOWFAST_REFUSED = (
    (r"s1\.pathway0_stem\.conv_xy\.", "X3D's convolutions are depthwise"),
    (
        r"s\d\.pathway\d_nonlocal\d+\.",
        "its non-local blocks can be imported only from mmaction2 and temporal-shift-module",
    ),
)

OPENMMLAB = (
    (r"^backbone\.", ""),
    (r"^slow_path\.conv1_lateral\.", "lateral.conv1."),
    (r"^slow_path\.layer1_lateral\.", "lateral.conv2."),
    (r"^slow_path\.layer2_lateral\.", "lateral.conv3."),
    (r"^slow_path\.layer3_lateral\.", "lateral.conv4."),
    (r"^(slow|fast)_path\.", r"\1."),
    (r"^cls_head\.fc_cls\.", "fc."),
    (r"\.block\.", "."),
    (r"\.conv\.net\.", ".conv."),
    (r"\.non_local_block\.", ".nl."),
    (r"\.nl\.conv_out\.conv\.", ".nl.out."),
    (r"\.nl\.conv_out\.bn\.", ".nl.bn."),
    (r"\.nl\.(\w+)\.(0\.)?conv\.", r".nl.\1."),
    (r"\bconv(\d)\.conv\.", r"conv\1."),
    (r"\bconv(\d)\.bn\.", r"bn\1."),
    (r"\bdownsample\.conv\.", "downsample.0."),
    (r"\bdownsample\.bn\.", "downsample.1."),
)

PYSLOWFAST = (
    (r"^head\.projection\.", "fc."),
    (r"^s(\d)_fuse\.conv_f2s\.", r"lateral.conv\1."),
    (r"^s(\d)_fuse\.bn\.", r"lateral.bn\1."),
    (r"\.pathway0_", ".slow."),
    (r"\.pathway1_", ".fast."),
    (r"^s1\.(slow|fast)\.stem\.conv\.", r"\1.conv1."),
    (r"^s1\.(slow|fast)\.stem\.bn\.", r"\1.bn1."),
    (r"^s2\.(slow|fast)\.res", r"\1.layer1."),
    (r"^s3\.(slow|fast)\.res", r"\1.layer2."),
    (r"^s4\.(slow|fast)\.res", r"\1.layer3."),
    (r"^s5\.(slow|fast)\.res", r"\1.layer4."),
    (r"\.branch1\.", ".downsample.0."),
    (r"\.branch1_bn\.", ".downsample.1."),
    (r"\.branch2\.a\.", ".conv1."),
    (r"\.branch2\.a_bn\.", ".bn1."),
    (r"\.branch2\.b\.", ".conv2."),
    (r"\.branch2\.b_bn\.", ".bn2."),
    (r"\.branch2\.c\.", ".conv3."),
    (r"\.branch2\.c_bn\.", ".bn3."),
)

KINETICS = Preprocessing("rgb", mean=(0.45 * 255,) * 3, scale=(0.225 * 255,) * 3)

FORMATS = (
    Format(
        "hikvision CoST",
        r"backbone\.layer\d\.\d+\.conv2\.conv\.(alpha$|fc\d)",
        OPENMMLAB,
        methods=((r"", "cost"),),
    ),
    Format(
        "mmaction2",
        r"backbone\.((slow_path|fast_path)\.)?conv1\.conv\.",
        OPENMMLAB,
        methods=(
            (r"backbone\.slow_path\.", "slowfast"),
            (r".*\.conv\.net\.", "tsm"),
            (r".*\.non_local_block\.", "nonlocal"),
        ),
        adapt=(add_output_biases, put_slow_first),
    ),
    Format(
        "PySlowFast",
        r"s1_fuse\.",
        PYSLOWFAST,
        methods=((r"", "slowfast"),),
        unknown_options=("channels",),
        pixels=KINETICS,
        refused=PYSLOWFAST_REFUSED,
    ),
    Format(
        "PySlowFast",
        r"s1\.pathway0_stem\.",
        (*PYSLOWFAST, (r"^slow\.", "")),
        unknown_options=("channels",),
        pixels=KINETICS,
        refused=PYSLOWFAST_REFUSED,
    ),
    Format(
        "temporal-shift-module",
        r"base_model\.(conv1|layer1)\.",
        (
            (r"^base_model\.", ""),
            (r"^new_fc\.", "fc."),
            (r"\.block\.", "."),
            (r"\.conv1\.net\.", ".conv1."),
            (r"\.nl\.W\.0\.", ".nl.out."),
            (r"\.nl\.W\.1\.", ".nl.bn."),
            (r"\.nl\.(phi|g)\.0\.", r".nl.\1."),
        ),
        methods=((r".*\.conv1\.net\.", "tsm"), (r".*\.nl\.", "nonlocal")),
        refused=(
            (r".*layer\d\.net\.", "its frames are pooled only before layer2"),
            (r".*layer\d\.\d+\.net\.", "its shift is in-place and affects the shortcut"),
        ),
    ),
    Format(
        "IBM/action-recognition-pytorch",
        r"(.*\.)?(tam\d?[a-e]?|conv\d?_t)\.",
        (
            (r"^conv(\d)\.(conv|bn)(_t)?\.", r"\2\1\3."),
            (r"^tam(\d)\.", r"conv\1.tam."),
            (r"^tam(\d[a-e])\.", r"inception\1.tam."),
            (r"\.tam\.prev_se\.fc1\.weight$", ".tam.frame_0_kernel"),
            (r"\.tam\.curr_se\.fc1\.weight$", ".tam.frame_1_kernel"),
            (r"\.tam\.next_se\.fc1\.weight$", ".tam.frame_2_kernel"),
            (r"\.tam\.blending_layers\.(\d+)\.fc1\.weight$", r".tam.frame_\1_kernel"),
        ),
        methods=((r"(.*\.)?tam", "tam"), (r".*_t\.", "s3d")),
        unknown_options=("temporal_pooling",),
        adapt=(fold_temporal_biases,),
    ),
    Format("STM (its author's code)", r"layer\d\.\d+\.mb\.", methods=((r"", "stm"),)),
    Format(
        "torchvision or IBM/action-recognition-pytorch",
        r"(layer1|inception3a)\.",
        ((r"^conv(\d)\.(conv|bn)\.", r"\2\1."),),
        unknown_options=("temporal_pooling",),
        refused=(
            (
                r"layer1\.0\.conv1\.\d\.",
                "torchvision's video ResNets (r3d_18, mc3_18, r2plus1d_18) do not pool after "
                "their stem",
            ),
        ),
    ),
)
