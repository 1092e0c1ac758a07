"""Video files to verified shards to batches.

The names in `__init__.pyi` are imported on first use. Building and verifying a data set does not
need TensorFlow, and each decoder process of a build imports this package too.
"""

import sys

import lazy_loader

if sys.platform == "win32":
    raise ImportError(
        "tfrecords must run on Linux or macOS, received Windows. Install WSL (`wsl --install`) "
        "and use ctm-keras there."
    )

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
