"""Video files to verified shards to batches.

The names of `__init__.pyi` are imported when they are first used: building and verifying a data set
needs no TensorFlow, and each of the decoding processes of a build imports this package too.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
