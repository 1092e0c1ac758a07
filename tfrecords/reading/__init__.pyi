from .class_weights import WEIGHTINGS
from .clip_reader import ClipReader, read_frames
from .crops import crop_clip
from .epoch_order import epochs, rows_of_epoch
from .resize import mean, total, weights
from .split import BadShard, Split, num_videos

__all__ = [
    "WEIGHTINGS",
    "BadShard",
    "ClipReader",
    "Split",
    "crop_clip",
    "epochs",
    "mean",
    "num_videos",
    "read_frames",
    "rows_of_epoch",
    "total",
    "weights",
]
