from .class_weights import WEIGHTINGS
from .clip_reader import ClipReader, read_frames
from .crops import crop_clip
from .epoch_order import rows_of_epoch
from .resize import mean, total, weights
from .split import Split

__all__ = [
    "WEIGHTINGS",
    "ClipReader",
    "Split",
    "crop_clip",
    "mean",
    "read_frames",
    "rows_of_epoch",
    "total",
    "weights",
]
