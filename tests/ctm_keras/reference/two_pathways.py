"""Builds the SlowFast networks of PySlowFast and of mmaction2."""

import runpy
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock

import torch
from torch import nn

from .cost_and_stm import _package

UNUSED = ("cv2", "detectron2", "fairscale", "fvcore", "iopath", "psutil", "pytorchvideo")
UNUSED += ("simplejson", "torchvision")
# What the configurations leave to slowfast/config/defaults.py. With short cycles the head pools
# over whatever size the maps have.
DEFAULTS = {
    "BN": {"NORM_TYPE": "batchnorm"},
    "DATA": {"REVERSE_INPUT_CHANNEL": False},
    "MODEL": {
        "FC_INIT_STD": 0.01,
        "HEAD_ACT": "none",
        "DETACH_FINAL_FC": False,
        "SINGLE_PATHWAY_ARCH": [],
        "MULTI_PATHWAY_ARCH": ["slowfast"],
    },
    "RESNET": {"ZERO_INIT_FINAL_CONV": False},
    "NONLOCAL": {"POOL": [[[1, 2, 2]] * 2] * 4},
    "DETECTION": {"ENABLE": False},
    "MULTIGRID": {"SHORT_CYCLE": True},
    "CONTRASTIVE": {"NUM_MLP_LAYERS": 1, "PREDICTOR_DEPTHS": []},
}


def pyslowfast(folder: Path, frames: int, num_classes: int, config: str):
    """facebookresearch/SlowFast: `config` is a file in its folder `configs`."""
    import yaml

    for name in ("", "models", "datasets", "utils"):
        _package(folder / "slowfast" / name, "slowfast", *Path(name).parts)
    with _Stubs():
        from slowfast.datasets.utils import pack_pathway_output
        from slowfast.models.video_model_builder import SlowFast

    chosen = yaml.safe_load((folder / "configs" / f"{config}.yaml").read_text(encoding="utf-8"))
    chosen["MODEL"]["NUM_CLASSES"] = num_classes
    chosen["DATA"]["NUM_FRAMES"] = frames
    settings = types.SimpleNamespace()
    for name in ("SLOWFAST", *DEFAULTS):
        values = DEFAULTS.get(name, {}) | chosen.get(name, {})
        setattr(settings, name, types.SimpleNamespace(**values))
    network = SlowFast(settings)

    def forward(clips):
        pairs = [pack_pathway_output(settings, clip) for clip in clips.transpose(1, 2)]
        return network([torch.stack([pair[i] for pair in pairs]) for i in (0, 1)])

    return network, forward


def mmaction_slowfast(folder: Path, frames: int, num_classes: int, config: str, **slow_pathway):
    """open-mmlab/mmaction2: `config` is a file in its `configs/_base_/models`.

    `slow_pathway` holds what other configurations change there, and for both pathways `depth`,
    `resample_rate` and `speed_ratio`.
    """
    for part in ("", "models", "models/backbones"):
        _package(folder / "mmaction" / part, "mmaction", *Path(part).parts)
    from mmaction.models.backbones.resnet3d_slowfast import ResNet3dSlowFast

    path = folder / "configs" / "_base_" / "models" / f"{config}.py"
    settings = runpy.run_path(str(path))["model"]["backbone"]
    for name in settings.keys() & slow_pathway.keys():
        settings[name] = slow_pathway.pop(name)
    settings["slow_pathway"] |= slow_pathway
    settings["fast_pathway"] |= {k: v for k, v in slow_pathway.items() if k == "depth"}
    settings.pop("type")
    backbone = ResNet3dSlowFast(**settings)
    head = nn.ModuleDict({"fc_cls": nn.Linear(2304, num_classes)})
    network = nn.ModuleDict({"backbone": backbone, "cls_head": head})

    def forward(clips):
        slow, fast = (x.mean((2, 3, 4)) for x in backbone(clips.transpose(1, 2)))
        return head["fc_cls"](torch.cat([fast, slow], 1))

    return network, forward


class _Stubs:
    """While it is entered, packages that are imported but not used here need not exist."""

    def find_spec(self, name, path=None, target=None):
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self) if name.split(".")[0] in UNUSED else None

    def create_module(self, spec):
        module = MagicMock(__path__=[], __spec__=spec)
        module.Registry = lambda name: types.SimpleNamespace(register=lambda: lambda kind: kind)
        return module

    def exec_module(self, module):
        pass

    def __enter__(self):
        sys.meta_path.insert(0, self)

    def __exit__(self, *_):
        sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if isinstance(module, MagicMock):
                del sys.modules[name]
