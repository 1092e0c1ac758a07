"""Video files to verified shards to batches.

Names that need TensorFlow are imported when they are first used: building and verifying a data set
needs none, and each of the decoding processes of a build imports this package too.
"""

import importlib

from tfrecords import sampling
from tfrecords.annotations import explain_formats
from tfrecords.build import build
from tfrecords.manifest import Manifest, Shard, read_manifest
from tfrecords.schema import Failure, VideoEntry
from tfrecords.verify import VerifyReport, verify

_LAZY = {  # public name: the module that defines it
    "Augment": "tfrecords.augment",
    "clips": "tfrecords.pipeline",
    "data_error": "tfrecords.dataset",
    "flip_report": "tfrecords.augment",
    "import_records": "tfrecords.foreign.register",
    "stats": "tfrecords.statistics",
    "views": "tfrecords.pixels",
}

__all__ = [
    "Augment",
    "Failure",
    "Manifest",
    "Shard",
    "VerifyReport",
    "VideoEntry",
    "build",
    "clips",
    "data_error",
    "explain_formats",
    "flip_report",
    "import_records",
    "read_manifest",
    "sampling",
    "stats",
    "verify",
    "views",
]


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'tfrecords' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LAZY])
