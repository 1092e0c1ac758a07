"""Batches to a trained model and its numbers.

Names are imported when they are first used, so that the command line answers at once.
"""

import importlib

_HOMES = {
    "Classifier": "predict",
    "DataWait": "data_wait",
    "SetEpoch": "callbacks",
    "TrainConfig": "config",
    "freeze_batch_norm": "batch_norm",
    "write_direction_videos": "synthetic",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f"training.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'training' has no attribute {name!r}")
