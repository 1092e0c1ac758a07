"""Builds the I3D 3x1x1 networks of mmaction2."""

import runpy
from pathlib import Path

from torch import nn

from .cost_and_stm import _package


def mmaction_i3d(folder: Path, frames: int, num_classes: int, config: str, **options):
    """open-mmlab/mmaction2: `config` is a file in its `configs/_base_/models`.

    `options` are of its ResNet3d and stand instead of those of the configuration.
    """
    for part in ("", "models", "models/backbones"):
        _package(folder / "mmaction" / part, "mmaction", *Path(part).parts)
    from mmaction.models.backbones.resnet3d import ResNet3d

    path = folder / "configs" / "_base_" / "models" / f"{config}.py"
    settings = runpy.run_path(str(path))["model"]["backbone"] | options
    for name in ("type", "pretrained", "lateral"):
        settings.pop(name, None)
    backbone = ResNet3d(**settings)
    head = nn.ModuleDict({"fc_cls": nn.Linear(backbone.feat_dim, num_classes)})
    network = nn.ModuleDict({"backbone": backbone, "cls_head": head})
    return network, lambda clips: head["fc_cls"](backbone(clips.transpose(1, 2)).mean((2, 3, 4)))
