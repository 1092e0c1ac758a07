"""Video models: an image model applied to each frame, with temporal layers grafted in."""

from .checkpoints import import_weights
from .loss import SmoothedCrossentropy
from .metadata import class_names, view_options
from .methods import list_models
from .models import CTMResNet50, CTMResNet101, build_video_model
from .optimizer import SGD, AdamW, StepSchedule
from .temporal.aggregation import FrameConv
from .temporal.cost import CoST
from .temporal.ctm import CTM, TCC, TCCM, TemporalConv
from .temporal.inflate import InflatedConv
from .temporal.nonlocal_block import NonLocal
from .temporal.pooling import TemporalPooling
from .temporal.s3d import R2Plus1D
from .temporal.stm import CMM, CSTM
from .temporal.tam import TAM
from .temporal.tsm import TSM
from .tools.activation_maps import class_activation_maps
from .tools.deploy import deployable
from .tools.features import feature_model
from .tools.freeze import freeze, image_layers, split
from .tools.inference import fold_batch_norm
from .tools.view_importance import view_importance
from .weights.adopt import load_weights
from .weights.report import AdoptionReport, adoption_report

__version__ = "0.1.0"
__all__ = [
    "CMM",
    "CSTM",
    "CTM",
    "SGD",
    "TAM",
    "TCC",
    "TCCM",
    "TSM",
    "AdamW",
    "AdoptionReport",
    "CTMResNet50",
    "CTMResNet101",
    "CoST",
    "FrameConv",
    "InflatedConv",
    "NonLocal",
    "R2Plus1D",
    "SmoothedCrossentropy",
    "StepSchedule",
    "TemporalConv",
    "TemporalPooling",
    "adoption_report",
    "build_video_model",
    "class_activation_maps",
    "class_names",
    "deployable",
    "feature_model",
    "fold_batch_norm",
    "freeze",
    "image_layers",
    "import_weights",
    "list_models",
    "load_weights",
    "split",
    "view_importance",
    "view_options",
]
