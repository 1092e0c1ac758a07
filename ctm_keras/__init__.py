"""Video models: an image model read frame by frame, with temporal layers grafted in."""

from .checkpoints import import_weights
from .loss import SmoothedCrossentropy
from .methods import list_models
from .models import CTMResNet50, CTMResNet101, build_video_model, class_names
from .optimizer import SGD, StepSchedule
from .temporal.ctm import CTM, TCC, TCCM, TemporalConv
from .weights import AdoptionReport, adoption_report, load_weights

__all__ = [
    "CTM",
    "SGD",
    "TCC",
    "TCCM",
    "AdoptionReport",
    "CTMResNet50",
    "CTMResNet101",
    "SmoothedCrossentropy",
    "StepSchedule",
    "TemporalConv",
    "adoption_report",
    "build_video_model",
    "class_names",
    "import_weights",
    "list_models",
    "load_weights",
]
