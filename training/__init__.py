"""Batches to a trained model and its numbers.

Names are imported when they are first used, so that the command line answers at once.
"""

import importlib

_HOMES = {
    "Classifier": "use.predict",
    "DataWait": "fit.data_wait",
    "SetEpoch": "fit.callbacks",
    "TrainConfig": "config.train",
    "freeze_batch_norm": "fit.batch_norm",
    "write_direction_videos": "quickstart.videos",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f"training.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'training' has no attribute {name!r}")
