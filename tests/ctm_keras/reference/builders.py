"""Builds the original networks with PyTorch from folders of their repositories; no downloads."""

import sys
import types
from functools import cache
from pathlib import Path

import torch

from .cost_and_stm import cost, stm  # noqa: F401
from .inflated import mmaction_i3d  # noqa: F401
from .two_pathways import mmaction_slowfast, pyslowfast  # noqa: F401


def ibm(folder: Path, frames: int, num_classes: int, net: str, **options):
    """IBM/action-recognition-pytorch: `net` is one of its MODEL_TABLE.

    The 3-D networks are inflated from downloaded weights whatever is asked for: they get their
    own instead, which changes nothing that matters here.
    """
    _import_from(folder)
    from models import model_builder, threed_models

    for name in ("i3d", "s3d", "i3d_resnet", "s3d_resnet"):
        module = sys.modules[f"{threed_models.__name__}.{name}"]
        module.model_zoo = types.SimpleNamespace(load_url=lambda *_, **__: {})
        module.inflate_from_2d_model = lambda state, new, **_: new
    defaults = {
        "without_t_stride": True,
        "groups": frames,
        "dropout": 0.5,
        "pooling_method": "max",
        "temporal_module_name": None,
        "dw_conv": True,
        "blending_frames": 3,
        "blending_method": "sum",
        "dw_t_conv": False,
        "imagenet_pretrained": False,
    }
    network = model_builder.MODEL_TABLE[net](num_classes=num_classes, **defaults | options)
    if net in ("resnet", "inception_v1"):
        return network, lambda clips: network(clips.flatten(1, 2))
    return network, lambda clips: network(clips.transpose(1, 2))


def tsm(folder: Path, frames: int, num_classes: int, base_model: str, **options):
    """mit-han-lab/temporal-shift-module: `options` are of its class TSN."""
    _import_from(folder)
    from ops.models import TSN

    network = TSN(
        num_classes,
        frames,
        "RGB",
        base_model,
        pretrain=None,
        partial_bn=False,
        print_spec=False,
        **options,
    )
    return network, lambda clips: network(clips.flatten(1, 2))


def mmaction(folder: Path, frames: int, num_classes: int, **options):
    """open-mmlab/mmaction2: `options` are of its ResNetTSM, here with the parts of its head.

    Its packages want compiled operations that nothing here needs: they stay empty.
    """
    declare_operations()
    for name in ("mmaction", "mmaction.models", "mmaction.models.backbones"):
        package = sys.modules.setdefault(name, types.ModuleType(name))
        package.__path__ = [str(folder.joinpath(*name.split(".")))]
    from mmaction.models.backbones.resnet_tsm import ResNetTSM

    backbone = ResNetTSM(50, num_segments=frames, pretrained2d=False, **options)
    fc = torch.nn.Linear(backbone.feat_dim, num_classes)
    head = torch.nn.ModuleDict({"fc_cls": fc})

    def forward(clips):
        features = backbone(clips.flatten(0, 1)).mean((2, 3))
        return fc(features).unflatten(0, (-1, frames)).mean(1)

    return torch.nn.ModuleDict({"backbone": backbone, "cls_head": head}), forward


def _import_from(folder: Path):
    """Lets the repository's modules be imported."""
    declare_operations()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@cache
def declare_operations():
    """Lets torchvision be imported where its compiled part does not fit PyTorch's."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        return library
