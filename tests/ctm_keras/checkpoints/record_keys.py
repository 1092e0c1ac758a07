"""Records the keys and shapes of reference networks in keys.json, which the tests read.

It needs PyTorch, torchvision, mmengine and mmcv-lite, and checkouts of the references as
action-recognition-pytorch (IBM), temporal-shift-module, mmaction2 (4d6c934) and cost:
  python tests/ctm_keras/checkpoints/record_keys.py FOLDER_OF_THE_CHECKOUTS
"""

import json
import sys
import types
from pathlib import Path

import torch
from torch import nn

CLASSES = 87
TSM_NONLOCAL = ((0, 0, 0), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 0, 0))
COST = ((0, 1, 0), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (1, 0, 1))
I3D = ((1, 1, 1), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 1, 0))


def without_init(name: str, folder: Path) -> types.ModuleType:
    """A package whose __init__ is not run: it would import much that is not needed."""
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [str(folder)]
    return module


def prepare(folder: Path):
    """Makes the backbones of mmaction2 and CoST importable."""
    import mmcv.cnn
    import mmengine.model
    from mmengine.registry import MODELS

    for package, root in (("mmaction", folder / "mmaction2"), ("cost", folder / "cost")):
        for part in ("", ".models", ".models.backbones", ".models.common", ".utils"):
            name = package + part
            without_init(name, root.joinpath(*name.split(".")))
    sys.modules["mmaction.utils"].ConfigType = dict
    sys.modules["mmaction.utils"].register_all_modules = None
    builder = without_init("mmaction.models.builder", folder)
    builder.BACKBONES = mmcv.cnn.CONV_LAYERS = MODELS
    mmcv.cnn.kaiming_init = mmengine.model.kaiming_init
    mmcv.cnn.normal_init = mmengine.model.normal_init
    sys.path += [str(folder / "temporal-shift-module"), str(folder / "action-recognition-pytorch")]


def recognizer(backbone: nn.Module, channels: int) -> nn.Module:
    """A backbone and its head, as OpenMMLab's projects name them."""
    whole = nn.Module()
    whole.backbone, whole.cls_head = backbone, nn.Module()
    whole.cls_head.fc_cls = nn.Linear(channels, CLASSES)
    return whole


def openmmlab():
    """The networks of mmaction2 and of CoST."""
    from cost.models.backbones.resnet3d_cost import ResNet3dCoST
    from cost.models.common import conv_cost  # noqa: F401  (registers its layers)
    from mmaction.models.backbones.resnet import ResNet
    from mmaction.models.backbones.resnet3d import ResNet3d
    from mmaction.models.backbones.resnet3d_slowfast import ResNet3dSlowFast
    from mmaction.models.backbones.resnet_tsm import ResNetTSM

    nonlocal_cfg = {"sub_sample": True, "use_scale": False, "norm_cfg": {"type": "BN3d"}}
    tsm = {"pretrained2d": False}
    cost = {"conv1_kernel": (1, 7, 7), "inflate": COST}
    yield "mmaction2 tsn_r18", recognizer(ResNet(18), 512)
    yield "mmaction2 tsm_r50", recognizer(ResNetTSM(50, **tsm), 2048)
    tsm |= {"non_local": TSM_NONLOCAL, "non_local_cfg": nonlocal_cfg}
    yield "mmaction2 tsm_r50_nl", recognizer(ResNetTSM(50, **tsm), 2048)
    yield "mmaction2 i3d_r50", recognizer(ResNet3d(50, conv1_kernel=(5, 7, 7), inflate=I3D), 2048)
    yield "mmaction2 slowfast_r50", recognizer(ResNet3dSlowFast(), 2304)
    for kind in ("costa", "costb"):
        yield f"cost {kind}", recognizer(ResNet3dCoST(50, inflate_style=kind, **cost), 2048)


def torchvision_and_ibm():
    """Image models, and the networks of IBM's repository, some as saved under DataParallel."""
    from models.threed_models.i3d_resnet import I3D_ResNet
    from models.threed_models.s3d import S3D
    from models.threed_models.s3d_resnet import S3D_ResNet
    from models.twod_models.inception_v1 import inception_v1
    from models.twod_models.resnet import resnet
    from torchvision.models import googlenet, resnet18

    tam = {"temporal_module_name": "TAM", "dw_conv": True, "blending_frames": 3}
    shared = {"groups": 8, "dropout": 0.5, "blending_method": "sum", "pooling_method": "max"}
    shared |= {"imagenet_pretrained": False, "without_t_stride": True, "num_classes": CLASSES} | tam
    yield "torchvision resnet18", resnet18()
    yield "torchvision googlenet", googlenet(init_weights=False)
    yield "ibm tam_r18", nn.DataParallel(resnet(18, **shared))
    yield "ibm tam_inception", nn.DataParallel(inception_v1(**shared))
    yield "ibm i3d_r18", I3D_ResNet(18, CLASSES)
    yield "ibm s3d_r18", S3D_ResNet(18, CLASSES)
    yield "ibm s3d_inception", S3D(CLASSES, dw_t_conv=True)


def temporal_shift(nonlocal_blocks: bool):
    """A network of TSM's repository, as it is saved under DataParallel."""
    from ops.non_local import make_non_local
    from ops.temporal_shift import make_temporal_shift
    from torchvision.models import resnet50

    whole = nn.Module()
    whole.base_model = resnet50()
    make_temporal_shift(whole.base_model, n_segment=8)
    if nonlocal_blocks:
        make_non_local(whole.base_model, n_segment=8)
    whole.base_model.fc, whole.new_fc = nn.Dropout(), nn.Linear(2048, CLASSES)
    return nn.DataParallel(whole)


def compact(model: nn.Module) -> dict[str, list[int] | int]:
    """Shapes by key; a batch norm is one entry, the number of its channels."""
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    norms = [key.removesuffix(".running_mean") for key in shapes if key.endswith(".running_mean")]
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    for norm in norms:
        (channels,), *_ = [shapes.pop(f"{norm}.{part}") for part in parts]
        shapes[norm] = channels
    return shapes


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
    with torch.device("meta"):
        networks = dict(torchvision_and_ibm()) | dict(openmmlab())
        networks["temporal-shift-module r50"] = temporal_shift(False)
        networks["temporal-shift-module r50_nl"] = temporal_shift(True)
    lines = [f'"{name}": {json.dumps(compact(model))}' for name, model in networks.items()]
    path = Path(__file__).with_name("keys.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
