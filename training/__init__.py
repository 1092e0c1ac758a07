"""Batches to a trained model and its numbers.

The names of `__init__.pyi` are imported when they are first used: the command line answers at once.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
