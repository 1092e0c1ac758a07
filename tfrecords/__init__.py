"""Video files to verified shards to batches.

Names that need TensorFlow are imported when they are first used: building and verifying a data set
needs none, and each of the decoding processes of a build imports this package too.
"""

import importlib

from tfrecords import sampling
from tfrecords.checks.verify import VerifyReport, verify
from tfrecords.format.manifest import Manifest, Shard, read_manifest
from tfrecords.format.record import Failure, VideoEntry
from tfrecords.sources.published import explain_formats
from tfrecords.writing.build import build

_LAZY = {  # public name: the module that defines it
    "Augment": "tfrecords.augment",
    "ClipOptions": "tfrecords.reading.clip_options",
    "clips": "tfrecords.reading.clips",
    "data_error": "tfrecords.reading.split",
    "flip_report": "tfrecords.augment",
    "import_records": "tfrecords.foreign.import_records",
    "read_frames": "tfrecords.video.read",
    "stats": "tfrecords.checks.stats",
    "views": "tfrecords.reading.clip_options",
}

__all__ = [
    "Augment",
    "ClipOptions",
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
    "read_frames",
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
