from .config.train import TrainConfig
from .fit.batch_norm import freeze_batch_norm
from .fit.callbacks import SetEpoch
from .fit.data_wait import DataWait
from .quickstart.videos import write_direction_videos
from .use.predict import Classifier

__all__ = [
    "Classifier",
    "DataWait",
    "SetEpoch",
    "TrainConfig",
    "freeze_batch_norm",
    "write_direction_videos",
]
