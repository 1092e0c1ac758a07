"""Builds the official networks of CoST, and those of STM's author."""

import runpy
import sys
import types
from pathlib import Path

from torch import nn


def cost(folder: Path, frames: int, num_classes: int, config: str, **options):
    """hikvision-research/cost: `config` is one of its models', `options` are of its backbone.

    It extends mmaction2's ResNet3d, whose clone lies beside it: its version 1.x, which builds the
    same network as the version 0.24 that the code was written for.
    """
    import mmcv.cnn
    import mmengine.model
    from mmengine.registry import MODELS

    vars(mmcv.cnn)["CONV_LAYERS"] = MODELS
    for name in ("kaiming_init", "normal_init"):
        vars(mmcv.cnn)[name] = getattr(mmengine.model, name)
    for part in ("", "models", "models/backbones"):
        _package(folder.parent / "mmaction2" / "mmaction" / part, "mmaction", *Path(part).parts)
    sys.modules["mmaction.models.builder"] = types.SimpleNamespace(BACKBONES=MODELS)
    sys.path.insert(0, str(folder))
    from cost.models.backbones.resnet3d_cost import ResNet3dCoST

    path = folder / "configs" / "_base_" / "models" / f"{config}.py"
    settings = runpy.run_path(str(path))["model"]["backbone"] | {"pretrained": None} | options
    backbone = ResNet3dCoST(**{key: settings[key] for key in settings if key != "type"})
    head = nn.ModuleDict({"fc_cls": nn.Linear(2048, num_classes)})
    network = nn.ModuleDict({"backbone": backbone, "cls_head": head})
    return network, lambda clips: head["fc_cls"](backbone(clips.transpose(1, 2)).mean((2, 3, 4)))


def stm(folder: Path, frames: int, num_classes: int):
    """STM.py and CMM.py, which ask for a module `config` that is not used here."""
    sys.modules["config"] = types.SimpleNamespace(ActivityConfig=None)
    _package(folder, "STM")
    from STM.STM import STM, Bottleneck

    network = STM(Bottleneck, [3, 4, 6, 3], num_classes, T=frames)
    return network, lambda clips: network(clips.flatten(0, 1)).unflatten(0, (-1, frames)).mean(1)


def _package(folder: Path, *names: str):
    """A package whose own `__init__` is not run: it would import all that it has."""
    name = ".".join(names)
    module = sys.modules.setdefault(name, types.ModuleType(name))
    module.__path__ = [str(folder)]
